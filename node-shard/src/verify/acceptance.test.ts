import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Acceptance } from './acceptance.ts'
import { chooseDepth } from './depth.ts'

const RIGHT = [1, 2, 3, 4, 5, 6, 7]
const WRONG = [9, 9, 9, 9, 9, 9, 9]
/** As measured on a 2-core CPU, Q4_0, against one token (docs/BENCHMARKS.md). */
const CPU = { ms: (tokens: number) => ({ 1: 1, 2: 1.7, 4: 2, 8: 3.2, 16: 5 })[tokens] ?? tokens / 3.2 }

function shown(prior: number, guesses: readonly number[], times: number): Acceptance {
  const acceptance = new Acceptance(prior)
  for (let round = 0; round < times; round++) acceptance.observe(guesses, RIGHT)
  return acceptance
}

describe('Acceptance', () => {
  it('is the prior until something is seen, and what is seen after that', () => {
    expect(new Acceptance(0.6).rate).toBeCloseTo(0.6)
    expect(shown(0.6, RIGHT, 50).rate).toBeGreaterThan(0.95)
    expect(shown(0.6, WRONG, 50).rate).toBeLessThan(0.1)
  })

  it('counts each depth by itself', () => {
    // right at the first token, wrong at the second, always
    const acceptance = shown(0.6, [1, 9, 9], 60)
    expect(acceptance.expected(1)).toBeGreaterThan(1.9)
    expect(acceptance.expected(7)).toBeLessThan(2.2)
  })

  it('forgets', () => {
    const acceptance = shown(0.6, WRONG, 100)
    for (let round = 0; round < 100; round++) acceptance.observe(RIGHT, RIGHT)
    expect(acceptance.rate).toBeGreaterThan(0.9)
  })

  it('expects more tokens of a deeper draft, but never more than were drafted and one', () => {
    const rounds = fc.array(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 }), { maxLength: 40 })
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), rounds, (prior, guesses) => {
        const acceptance = new Acceptance(prior)
        for (const guess of guesses) acceptance.observe(guess, RIGHT)
        for (let k = 1; k <= 15; k++) {
          expect(acceptance.expected(k)).toBeGreaterThanOrEqual(acceptance.expected(k - 1))
          expect(acceptance.expected(k)).toBeLessThanOrEqual(k + 1 + 1e-9)
        }
      }),
      { seed: 3 }
    )
  })
})

describe('chooseDepth', () => {
  it('drafts deep for a drafter that is right, and not at all for one that is wrong', () => {
    expect(chooseDepth(shown(0.6, RIGHT, 50), 15, CPU, 1).k).toBe(15)
    expect(chooseDepth(shown(0.6, RIGHT, 50), 10, CPU, 1).k).toBe(7)
    expect(chooseDepth(shown(0.6, WRONG, 10), 15, CPU, 1).k).toBe(0)
  })

  it('does not draft where a batch costs what its tokens cost singly', () => {
    expect(chooseDepth(shown(0.6, RIGHT, 50), 15, { ms: (tokens) => tokens }, 1).k).toBe(0)
  })

  it('takes account of the generations that share the decode', () => {
    // a GPU whose batches are free up to 16 tokens, and dear beyond
    const gpu = { ms: (tokens: number) => (tokens <= 16 ? 5 : 5 + (tokens - 16) * 5) }
    expect(chooseDepth(shown(0.6, RIGHT, 50), 15, gpu, 1).k).toBe(15)
    expect(chooseDepth(shown(0.6, RIGHT, 50), 15, gpu, 8).k).toBe(1)
  })

  it('never promises less than decoding alone, and never takes more than there is', () => {
    const cost = fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 5, maxLength: 5 })
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), cost, fc.nat(20), (prior, steps, available) => {
        const sizes = [1, 2, 4, 8, 16]
        const ms = (tokens: number): number => steps.slice(0, sizes.indexOf(tokens) + 1).reduce((a, b) => a + b, 0)
        const { k, rate } = chooseDepth(new Acceptance(prior), available, { ms }, 1)
        expect(k).toBeLessThanOrEqual(available)
        expect(rate).toBeGreaterThanOrEqual(1 / ms(1))
      }),
      { seed: 4 }
    )
  })
})
