import { resolveSampling, sample, TokenHistory } from '@shard/protocol/sampling'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BATCH_SIZES } from './constants.ts'
import { prefill, verify } from './index.ts'
import type { Candidates, Sampling } from '@shard/protocol/sampling'
import type { DraftSource, Round, TargetSequence, VerifyInit } from './index.ts'

const VOCABULARY = 40
const END = 0

/** FNV-1a over the whole past: the logits of a position depend on every token before it, and on nothing else. */
function hash(tokens: readonly number[], salt: number): number {
  return tokens.reduce((state, token) => Math.imul(state ^ token, 0x01000193) >>> 0, 0x811c9dc5 ^ salt) >>> 0
}

function candidatesAfter(past: readonly number[], salt: number): Map<number, number> {
  const state = hash(past, salt)
  return new Map(
    Array.from({ length: VOCABULARY }, (_, token) => [
      token,
      ((Math.imul(state ^ (token * 0x9e3779b1), 0x85ebca6b) >>> 0) / 2 ** 32) * 8
    ])
  )
}

/** A target without a model: remembers what was evaluated in it, and refuses what a real one would choke on. */
class FakeSequence implements TargetSequence {
  evaluated: number[] = []
  batches: number[] = []
  readonly #salt: number
  readonly #onEvaluate: () => void

  constructor(salt: number, onEvaluate: () => void = () => {}) {
    this.#salt = salt
    this.#onEvaluate = onEvaluate
  }

  get length(): number {
    return this.evaluated.length
  }

  async adapt(tokens: readonly number[]): Promise<void> {
    let same = 0
    while (same < this.length && same < tokens.length && this.evaluated[same] === tokens[same]) same++
    this.evaluated.length = same
  }

  async prefill(tokens: readonly number[]): Promise<void> {
    expect(tokens.length).toBeGreaterThan(0)
    this.batches.push(tokens.length)
    this.evaluated.push(...tokens)
  }

  async evaluate(tokens: readonly number[]): Promise<Candidates[]> {
    this.#onEvaluate()
    expect(tokens.every((token) => token >= 0 && token < VOCABULARY)).toBe(true)
    this.batches.push(tokens.length)
    return tokens.map((token) => {
      this.evaluated.push(token)
      return candidatesAfter(this.evaluated, this.#salt)
    })
  }

  async truncate(length: number): Promise<void> {
    expect(length).toBeLessThanOrEqual(this.length)
    this.evaluated.length = length
  }
}

interface Case {
  salt: number
  prompt: number[]
  sampling: Sampling
  maxTokens: number
}

const cases: fc.Arbitrary<Case> = fc.record({
  salt: fc.integer({ min: 1, max: 1_000_000 }),
  prompt: fc.array(fc.integer({ min: 1, max: VOCABULARY - 1 }), { minLength: 1, maxLength: 12 }),
  sampling: fc
    .record({
      temperature: fc.constantFrom(0, 0.8, 1.2),
      topK: fc.constantFrom(0, 5, 40),
      topP: fc.constantFrom(1, 0.9),
      minP: fc.constantFrom(0, 0.05),
      repetitionPenalty: fc.constantFrom(1, 1.3),
      presencePenalty: fc.constantFrom(0, 0.7),
      frequencyPenalty: fc.constantFrom(0, 0.4),
      seed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    })
    .map((sampling) => resolveSampling(sampling)),
  maxTokens: fc.integer({ min: 1, max: 60 })
})

/** One token after the other, with nothing of ours but the sampler: what every answer has to be. */
function plain({ salt, prompt, sampling, maxTokens }: Case): number[] {
  const history = new TokenHistory(prompt)
  const tokens: number[] = []
  while (tokens.length < maxTokens && tokens.at(-1) !== END) {
    const token = sample(candidatesAfter([...prompt, ...tokens], salt), sampling, tokens.length, history)
    history.push(token)
    tokens.push(token)
  }
  return tokens
}

/** Guesses of any length; each bit says whether a token is the true one. */
const guesses = fc.array(fc.array(fc.boolean(), { maxLength: 24 }), { maxLength: 12 })

/** Drafts that are right, wrong, partly right, too long, empty, or reach past the end, one after the other. */
function drafter(truth: readonly number[], scripts: boolean[][]): DraftSource {
  let round = 0
  return {
    best: (committed) => {
      const script = scripts[round++ % Math.max(1, scripts.length)]
      if (script == null) return undefined
      const tokens = script.map((right, index) => {
        const token = truth[committed.length + index] ?? 7
        return right ? token : (token + 1) % VOCABULARY
      })
      return { tokens, scout: 'scout' }
    }
  }
}

interface Init extends VerifyInit {
  sequence: FakeSequence
}

function init(given: Case, sequence: FakeSequence, changes: Omit<Partial<VerifyInit>, 'sequence'> = {}): Init {
  return {
    sequence,
    prompt: given.prompt,
    committed: [],
    sampling: given.sampling,
    maxTokens: given.maxTokens,
    isEnd: (token) => token === END,
    drafts: { best: () => undefined },
    signal: new AbortController().signal,
    ...changes
  }
}

async function prepare(
  sequence: TargetSequence,
  prompt: readonly number[],
  committed: readonly number[] = []
): Promise<void> {
  for await (const _ of prefill({ sequence, prompt, committed, signal: new AbortController().signal }, 5));
}

/** Runs the loop, and checks what has to hold after every round. */
async function run(given: Init): Promise<Round[]> {
  const rounds: Round[] = []
  const committed = [...given.committed]
  for await (const round of verify(given)) {
    expect(round.position).toBe(committed.length)
    expect(round.tokens.length).toBeGreaterThan(0)
    expect(round.accepted).toBeLessThanOrEqual(Math.min(round.offered, round.tokens.length))
    expect(round.tokens.length - round.accepted).toBeLessThanOrEqual(1)
    expect(round.scout).toBe(round.offered > 0 ? 'scout' : undefined)
    committed.push(...round.tokens)
    const past = [...given.prompt, ...committed].slice(0, -1)
    // all but the last token are evaluated
    expect(given.sequence.evaluated).toEqual(past)
    rounds.push(round)
  }
  return rounds
}

describe('verify', () => {
  it('gives what plain decoding gives, whatever is drafted', async () => {
    await fc.assert(
      fc.asyncProperty(cases, guesses, async (given, scripts) => {
        const truth = plain(given)
        const sequence = new FakeSequence(given.salt)
        await prepare(sequence, given.prompt)
        const rounds = await run(init(given, sequence, { drafts: drafter(truth, scripts) }))
        expect(rounds.flatMap(({ tokens }) => tokens)).toEqual(truth)
        expect(rounds.at(-1)?.end).toBe(truth.at(-1) === END ? 'stop' : 'length')
        expect(rounds.slice(0, -1).every(({ end }) => end == null)).toBe(true)
      }),
      { numRuns: 300 }
    )
  })

  it('gives the rest of it from any place, in a sequence that held something else', async () => {
    await fc.assert(
      fc.asyncProperty(
        cases,
        guesses,
        fc.nat(),
        fc.array(fc.integer({ min: 0, max: 39 })),
        async (given, scripts, cut, other) => {
          const truth = plain(given)
          const committed = truth.slice(0, cut % truth.length)
          const sequence = new FakeSequence(given.salt)
          sequence.evaluated = [...given.prompt.slice(0, cut % given.prompt.length), ...other]
          await prepare(sequence, given.prompt, committed)
          expect(sequence.evaluated).toEqual([...given.prompt, ...committed].slice(0, -1))
          const rounds = await run(init(given, sequence, { committed, drafts: drafter(truth, scripts) }))
          expect(rounds.flatMap(({ tokens }) => tokens)).toEqual(truth.slice(committed.length))
        }
      ),
      { numRuns: 200 }
    )
  })

  it('evaluates batches that pay only, and accepts all of a draft that is right', async () => {
    await fc.assert(
      fc.asyncProperty(cases, guesses, async (given, scripts) => {
        const truth = plain(given)
        const sequence = new FakeSequence(given.salt)
        await prepare(sequence, given.prompt)
        sequence.batches = []
        await run(init(given, sequence, { drafts: drafter(truth, scripts) }))
        expect(sequence.batches.every((size) => BATCH_SIZES.some((paying) => paying === size))).toBe(true)
      }),
      { numRuns: 50 }
    )
    const given = { salt: 5, prompt: [1, 2], sampling: resolveSampling({ temperature: 0 }), maxTokens: 33 }
    const endless = { ...given, maxTokens: 33 }
    const truth = plain(endless)
    const sequence = new FakeSequence(given.salt)
    await prepare(sequence, given.prompt)
    const rounds = await run(
      init(given, sequence, { isEnd: () => false, drafts: drafter(truth, [Array<boolean>(24).fill(true)]) })
    )
    expect(rounds.map(({ offered, accepted, tokens }) => [offered, accepted, tokens.length])[0]).toEqual(
      truth.length >= 16 ? [15, 15, 16] : expect.anything()
    )
  })

  it('never evaluates past the end that was set', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const truth = plain(given)
        const sequence = new FakeSequence(given.salt)
        await prepare(sequence, given.prompt)
        let most = 0
        const evaluate = sequence.evaluate.bind(sequence)
        sequence.evaluate = async (tokens) => {
          most = Math.max(most, sequence.length + tokens.length)
          return evaluate(tokens)
        }
        await run(init(given, sequence, { drafts: drafter(truth, [Array<boolean>(24).fill(true)]) }))
        expect(most).toBeLessThanOrEqual(given.prompt.length + given.maxTokens - 1)
      }),
      { numRuns: 50 }
    )
  })

  it('has nothing to do where all tokens are there', async () => {
    const given = { salt: 5, prompt: [1, 2], sampling: resolveSampling({}), maxTokens: 3 }
    const committed = plain(given)
    const sequence = new FakeSequence(given.salt)
    await prepare(sequence, given.prompt, committed)
    expect(await run(init({ ...given, maxTokens: committed.length }, sequence, { committed }))).toEqual([])
  })

  it('goes on after it was left at any round', async () => {
    const given = { salt: 9, prompt: [3, 4, 5], sampling: resolveSampling({ seed: 1 }), maxTokens: 40 }
    const truth = plain(given)
    const sequence = new FakeSequence(given.salt)
    await prepare(sequence, given.prompt)
    const committed: number[] = []
    while (committed.length < truth.length) {
      const drafts = drafter(truth, [[true, true, true, false], [true], []])
      for await (const round of verify(init(given, sequence, { committed, drafts }))) {
        committed.push(...round.tokens)
        break
      }
    }
    expect(committed).toEqual(truth)
  })

  it('stops within one batch when it is aborted, with the reason', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const given = { salt: 9, prompt: [3], sampling: resolveSampling({ seed: 1 }), maxTokens: 1_000 }
    let batches = 0
    const sequence = new FakeSequence(given.salt, () => {
      if (++batches === 3) stop.abort(reason)
    })
    await prepare(sequence, given.prompt)
    await expect(run(init(given, sequence, { isEnd: () => false, signal: stop.signal }))).rejects.toBe(reason)
    expect(batches).toBe(3)
  })

  it('passes on what the target throws', async () => {
    const given = { salt: 9, prompt: [3], sampling: resolveSampling({ seed: 1 }), maxTokens: 10 }
    const broken = new Error('the GPU is gone')
    const sequence = new FakeSequence(given.salt, () => {
      throw broken
    })
    await prepare(sequence, given.prompt)
    await expect(run(init(given, sequence))).rejects.toBe(broken)
  })
})

describe('prefill', () => {
  it('evaluates all but the last token, in chunks, and says how far it is', async () => {
    const tokens = fc.array(fc.integer({ min: 1, max: 39 }), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(
        tokens,
        tokens,
        tokens,
        fc.integer({ min: 1, max: 20 }),
        async (prompt, committed, held, chunk) => {
          const sequence = new FakeSequence(1)
          sequence.evaluated = held
          const all = [...prompt, ...committed].slice(0, -1)
          const progress: number[] = []
          const { signal } = new AbortController()
          for await (const done of prefill({ sequence, prompt, committed, signal }, chunk)) progress.push(done)
          expect(sequence.evaluated).toEqual(all)
          expect(sequence.batches.every((size) => size <= chunk)).toBe(true)
          expect(progress).toEqual([...new Set(progress)].sort((a, b) => a - b))
          if (progress.length > 0) expect(progress.at(-1)).toBe(all.length)
        }
      )
    )
  })

  it('stops within one chunk when it is aborted', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const sequence = new FakeSequence(1)
    const all = (async () => {
      for await (const done of prefill(
        { sequence, prompt: Array<number>(100).fill(1), committed: [], signal: stop.signal },
        8
      )) {
        if (done >= 16) stop.abort(reason)
      }
    })()
    await expect(all).rejects.toBe(reason)
    expect(sequence.length).toBe(16)
  })
})
