import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isShardError } from '../errors.ts'
import { MAX_CANDIDATES } from './constants.ts'
import { TokenHistory } from './history.ts'
import { resolveSampling } from './parameters.ts'
import { uniform } from './philox.ts'
import { sample } from './sample.ts'
import type { Sampling } from './parameters.ts'
import type { Candidates } from './sample.ts'

// Same cases in every run.
fc.configureGlobal({ seed: 2 })

const OPEN: Partial<Sampling> = { temperature: 1, topK: 0, topP: 1, minP: 0, seed: 7 }
const nothing = new TokenHistory()

const draw = (candidates: Candidates, partial: Partial<Sampling>, position = 0, history = nothing): number =>
  sample(candidates, resolveSampling({ ...OPEN, ...partial }), position, history)

/** Which tokens come up in 2,000 positions. */
const support = (candidates: Candidates, partial: Partial<Sampling>, history = nothing): number[] => {
  const found = new Set<number>()

  for (let position = 0; position < 2_000; position++) {
    found.add(draw(candidates, partial, position, history))
  }

  return [...found].sort((a, b) => a - b)
}

// Few distinct logits, so that ties are common.
const logit = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.float({ min: -30, max: 30, noNaN: true }))
const candidateList = fc.uniqueArray(fc.tuple(fc.nat(300), logit), {
  minLength: 1,
  maxLength: MAX_CANDIDATES,
  selector: ([token]) => token
})
const samplings = fc.record({
  temperature: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 10, noNaN: true })),
  topK: fc.nat(80),
  topP: fc.double({ min: 0, max: 1, noNaN: true }),
  minP: fc.double({ min: 0, max: 1, noNaN: true }),
  repetitionPenalty: fc.double({ min: 0.1, max: 10, noNaN: true }),
  presencePenalty: fc.double({ min: -2, max: 2, noNaN: true }),
  frequencyPenalty: fc.double({ min: -2, max: 2, noNaN: true }),
  seed: fc.maxSafeNat()
})
const tokenList = fc.array(fc.nat(300), { maxLength: 50 })
const position = fc.nat(0xffffffff)

describe('sample', () => {
  it('chooses a candidate, whatever their order', () => {
    fc.assert(
      fc.property(
        candidateList.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))
        ),
        samplings,
        position,
        tokenList,
        tokenList,
        ([list, shuffled], sampling, at, prompt, generated) => {
          const history = new TokenHistory(prompt, generated)
          const token = sample(list, sampling, at, history)
          expect(list.some(([candidate]) => candidate === token)).toBe(true)
          expect(sample(new Map(shuffled), sampling, at, history)).toBe(token)
        }
      )
    )
  })

  it('equals a plain reading of the rules', () => {
    fc.assert(
      fc.property(candidateList, samplings, position, tokenList, tokenList, (list, sampling, at, prompt, generated) => {
        const history = new TokenHistory(prompt, generated)
        const expected = reference(list, sampling, at, prompt, generated)

        // The reference uses Math.exp and other sums, so a draw on the very edge of two tokens may differ.
        fc.pre(!expected.onTheEdge)
        expect(sample(list, sampling, at, history)).toBe(expected.token)
      }),
      { numRuns: 1_000 }
    )
  })

  it('follows softmax(logits / temperature)', () => {
    for (const temperature of [0.5, 0.8, 1, 2]) {
      const logits = [2, 1.5, 1, 0.5, 0, -0.5, -1, -1.5].map((value, index): [number, number] => [97 * index, value])
      const weights = logits.map(([, value]) => Math.exp(value / temperature))
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      const counts = new Map<number, number>()
      const draws = 20_000

      for (let index = 0; index < draws; index++) {
        const token = draw(logits, { temperature, seed: 2024 }, index)
        counts.set(token, (counts.get(token) ?? 0) + 1)
      }

      const chiSquare = logits.reduce((sum, [token], index) => {
        const expected = (draws * (weights[index] ?? 0)) / total
        return sum + ((counts.get(token) ?? 0) - expected) ** 2 / expected
      }, 0)

      // 99.9 % quantile at 7 degrees of freedom.
      expect(chiSquare).toBeLessThan(24.3)
    }
  })

  it('is the same for the same seed and position, and depends on both', () => {
    const flat = Array.from({ length: 64 }, (_, token): [number, number] => [token, 0])
    const answer = (seed: number): number[] => Array.from({ length: 50 }, (_, at) => draw(flat, { seed }, at))
    expect(answer(1)).toEqual(answer(1))
    expect(answer(1)).not.toEqual(answer(2))
    expect(new Set(answer(1)).size).toBeGreaterThan(10)
  })

  it('keeps its choice under tiny differences of the logits that swap ranks', () => {
    const one = Array.from({ length: 40 }, (_, token): [number, number] => [token, token % 2 === 0 ? 1 : 1.0000001])
    const other = Array.from({ length: 40 }, (_, token): [number, number] => [token, token % 2 === 0 ? 1.0000001 : 1])
    let same = 0

    for (let at = 0; at < 1_000; at++) {
      same += draw(one, {}, at) === draw(other, {}, at) ? 1 : 0
    }

    expect(same).toBe(1_000)
  })

  it('is greedy at temperature 0, and ignores the seed and the other cuts', () => {
    fc.assert(
      fc.property(candidateList, samplings, fc.maxSafeNat(), (list, sampling, seed) => {
        const best = Math.max(...list.map(([, value]) => value))
        const expected = Math.min(...list.filter(([, value]) => value === best).map(([token]) => token))
        const greedy = { ...sampling, temperature: 0, seed }
        expect(sample(list, greedy, 3, nothing)).toBe(expected)
      })
    )
  })

  it('is greedy at top-k 1, at top-p 0 and at min-p 1 without ties', () => {
    fc.assert(
      fc.property(candidateList, fc.maxSafeNat(), position, (list, seed, at) => {
        const greedy = draw(list, { temperature: 0 })
        expect(draw(list, { topK: 1, seed }, at)).toBe(greedy)
        expect(draw(list, { topP: 0, seed }, at)).toBe(greedy)

        const best = Math.max(...list.map(([, value]) => value))
        fc.pre(list.filter(([, value]) => value > best - 1e-6).length === 1)
        expect(draw(list, { minP: 1, seed }, at)).toBe(greedy)
      })
    )
  })

  it('cuts with top-k, ties by token id', () => {
    const flat = [9, 4, 7, 1, 8].map((token): [number, number] => [token, 0])
    expect(support(flat, { topK: 3 })).toEqual([1, 4, 7])
    expect(support([...flat, [50, 1]], { topK: 3 })).toEqual([1, 4, 50])
    expect(support(flat, { topK: 0 })).toEqual([1, 4, 7, 8, 9])
    expect(support(flat, { topK: 1000 })).toEqual([1, 4, 7, 8, 9])
  })

  it('cuts with top-p and min-p before the temperature', () => {
    // Probabilities 0.5, 0.25, 0.125, 0.125.
    const list: Array<[number, number]> = [
      [30, Math.log(4)],
      [20, Math.log(2)],
      [10, 0],
      [11, 0]
    ]
    expect(support(list, { topP: 0.45 })).toEqual([30])
    expect(support(list, { topP: 0.74 })).toEqual([20, 30])
    expect(support(list, { topP: 0.8 })).toEqual([10, 20, 30])
    expect(support(list, { topP: 0.9 })).toEqual([10, 11, 20, 30])
    expect(support(list, { minP: 0.6 })).toEqual([30])
    expect(support(list, { minP: 0.4 })).toEqual([20, 30])
    expect(support(list, { minP: 0.2 })).toEqual([10, 11, 20, 30])
    // A high temperature flattens what is left, but does not let the tail in again.
    expect(support(list, { topP: 0.74, temperature: 10 })).toEqual([20, 30])
    expect(support(list, { minP: 0.4, temperature: 10 })).toEqual([20, 30])
  })

  it('penalises repetition over prompt and answer, by the sign of the logit', () => {
    const list: Array<[number, number]> = [
      [1, 3],
      [2, 2]
    ]
    const greedy = { temperature: 0, repetitionPenalty: 2 }
    expect(draw(list, greedy)).toBe(1)
    expect(draw(list, greedy, 0, new TokenHistory([1]))).toBe(2)
    expect(draw(list, greedy, 0, new TokenHistory([], [1]))).toBe(2)
    expect(draw(list, greedy, 0, new TokenHistory([1, 2]))).toBe(1)

    const negative: Array<[number, number]> = [
      [1, -1],
      [2, -1.5]
    ]
    expect(draw(negative, greedy, 0, new TokenHistory([1]))).toBe(2)
    expect(draw(negative, { temperature: 0, repetitionPenalty: 0.5 }, 0, new TokenHistory([2]))).toBe(2)
  })

  it('penalises presence and frequency over the answer only', () => {
    const list: Array<[number, number]> = [
      [1, 3],
      [2, 2]
    ]
    expect(draw(list, { temperature: 0, presencePenalty: 1.5 }, 0, new TokenHistory([1]))).toBe(1)
    expect(draw(list, { temperature: 0, presencePenalty: 1.5 }, 0, new TokenHistory([], [1]))).toBe(2)
    expect(draw(list, { temperature: 0, frequencyPenalty: 0.4 }, 0, new TokenHistory([], [1, 1]))).toBe(1)
    expect(draw(list, { temperature: 0, frequencyPenalty: 0.4 }, 0, new TokenHistory([], [1, 1, 1]))).toBe(2)
    expect(draw(list, { temperature: 0, frequencyPenalty: 0.4 }, 0, new TokenHistory([1, 1, 1]))).toBe(1)
  })

  it('penalises before top-k', () => {
    const list: Array<[number, number]> = [
      [1, 3],
      [2, 2]
    ]
    expect(support(list, { topK: 1, presencePenalty: 2 }, new TokenHistory([], [1]))).toEqual([2])
  })

  it.each<[string, Candidates]>([
    ['no candidate', []],
    ['no candidate', new Map()],
    ['NaN', [[1, Number.NaN]]],
    [
      'Infinity',
      [
        [1, 0],
        [2, Infinity]
      ]
    ],
    [
      '-Infinity',
      [
        [1, 0],
        [2, -Infinity]
      ]
    ],
    ['more than a float32', [[1, 1e300]]],
    ['a negative token', [[-1, 0]]],
    ['a broken token', [[1.5, 0]]],
    ['too many', Array.from({ length: MAX_CANDIDATES + 1 }, (_, token): [number, number] => [token, 0])]
  ])('refuses %s, at any temperature', (_, candidates) => {
    for (const temperature of [0, 1]) {
      expect(() => draw(candidates, { temperature })).toThrow(
        expect.toSatisfy((error: unknown) => isShardError(error, 'INTERNAL'))
      )
    }
  })
})

/** The rules again, as an implementer would first write them. */
function reference(
  list: ReadonlyArray<readonly [number, number]>,
  sampling: Sampling,
  at: number,
  prompt: number[],
  generated: number[]
): { token: number; onTheEdge: boolean } {
  const ranked = list
    .map(([token, raw]) => {
      const times = generated.filter((other) => other === token).length
      const seen = times > 0 || prompt.includes(token)
      const repeated = !seen ? raw : raw > 0 ? raw / sampling.repetitionPenalty : raw * sampling.repetitionPenalty
      const value = repeated - sampling.frequencyPenalty * times - (times > 0 ? sampling.presencePenalty : 0)
      return { token, value }
    })
    .sort((a, b) => b.value - a.value || a.token - b.token)
  const highest = ranked[0]?.value ?? 0

  if (sampling.temperature === 0) {
    return { token: ranked[0]?.token ?? -1, onTheEdge: false }
  }

  const topK = ranked.slice(0, sampling.topK === 0 ? MAX_CANDIDATES : sampling.topK)
  const weight = ({ value }: { value: number }): number => Math.exp(value - highest)
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
  const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9
  const total = sum(topK.map(weight))
  let onTheEdge = false

  const topP = topK.filter((_, index) => {
    const before = sum(topK.slice(0, index).map(weight)) / total
    onTheEdge ||= near(before, sampling.topP)
    return index === 0 || sampling.topP === 1 || before < sampling.topP
  })
  const minP = topP.filter((candidate) => {
    onTheEdge ||= candidate.value !== highest && near(weight(candidate), sampling.minP)
    return weight(candidate) >= sampling.minP
  })
  const byToken = minP.sort((a, b) => a.token - b.token)
  const weights = byToken.map(({ value }) => Math.exp((value - highest) / sampling.temperature))
  const random = uniform(sampling.seed, at)
  const running = weights.map((_, index) => sum(weights.slice(0, index + 1)) / sum(weights))
  onTheEdge ||= running.slice(0, -1).some((value) => near(value, random))
  return { token: byToken[running.findIndex((value) => random < value)]?.token ?? -1, onTheEdge }
}
