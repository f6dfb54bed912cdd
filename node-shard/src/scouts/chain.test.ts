import { DRAFT_LIMITS } from '@shard/protocol/limits'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Chain } from './chain.ts'
import type { Draft } from '@shard/protocol/draft'

const truth = (position: number): number => (position * 7 + 3) % 50

const truths = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => truth(from + index))

const draft = (chain: number, position: number, tokens: number[]): Draft => ({ generation: 1, chain, position, tokens })

/** The definition, without thrift: all of the newest chain, compared with all that is committed. */
class Reference {
  number = 0
  start = 0
  tokens: number[] = []

  add({ chain, position, tokens }: Draft): boolean {
    if (chain > this.number) Object.assign(this, { number: chain, start: position, tokens: [] })
    const fits = chain === this.number && chain > 0 && position === this.start + this.tokens.length
    if (fits) this.tokens.push(...tokens)
    return fits
  }

  disagrees(committed: readonly number[]): boolean {
    return this.tokens.some(
      (token, index) => this.start + index < committed.length && committed[this.start + index] !== token
    )
  }

  ahead(committed: readonly number[]): number[] {
    const from = committed.length - this.start
    if (from < 0 || this.disagrees(committed)) return []
    return this.tokens.slice(from, from + DRAFT_LIMITS.maxRunAhead)
  }
}

/** A draft somewhere around the end of the chain, or a commit; a wrong token now and then. */
const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('draft' as const),
      chain: fc.constantFrom(-1, 0, 0, 0, 0, 1, 3),
      shift: fc.constantFrom(0, 0, 0, 0, -1, 1, 5),
      right: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 })
    })
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('commit' as const), count: fc.integer({ min: 1, max: 6 }) }) }
)

describe('Chain', () => {
  it('gives what its definition gives, whatever order drafts and commits come in', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const chain = new Chain()
        const reference = new Reference()
        const committed: number[] = []
        let dead = false
        for (const step of events) {
          if (step.does === 'commit') {
            committed.push(...truths(committed.length, step.count))
          } else {
            const number = Math.max(0, reference.number + step.chain)
            const fresh = number > reference.number
            const end = fresh ? committed.length : reference.start + reference.tokens.length
            const position = Math.max(0, end + step.shift)
            const tokens = step.right.map((chance, index) => truth(position + index) + (chance === 0 ? 100 : 0))
            if (fresh) dead = false
            const message = draft(number, position, tokens)
            // what follows a wrong token is not kept: no commit can make it right
            const kept = dead && !fresh ? false : reference.add(message)
            expect(chain.add(message)).toBe(kept)
          }
          expect(chain.ahead(committed)).toEqual(reference.ahead(committed))
          dead = reference.disagrees(committed)
        }
      }),
      { numRuns: 1_000 }
    )
  })

  it('takes a late draft for its tail', () => {
    const chain = new Chain()
    const committed = truths(0, 10)
    chain.add(draft(1, 7, truths(7, 8)))
    expect(chain.ahead(committed)).toEqual(truths(10, 5))
    committed.push(...truths(10, 7))
    expect(chain.ahead(committed)).toEqual([])
    // its Scout does not know of these commits yet
    expect(chain.add(draft(1, 15, truths(15, 4)))).toBe(true)
    expect(chain.ahead(committed)).toEqual(truths(17, 2))
  })

  it('does not use a chain that a commit contradicts, nor what follows in it', () => {
    const chain = new Chain()
    chain.add(draft(1, 0, [truth(0), 99, truth(2)]))
    expect(chain.ahead([])).toHaveLength(3)
    expect(chain.ahead(truths(0, 1))).toEqual([99, truth(2)])
    expect(chain.ahead(truths(0, 2))).toEqual([])
    expect(chain.add(draft(1, 3, truths(3, 4)))).toBe(false)
    expect(chain.ahead(truths(0, 3))).toEqual([])
    expect(chain.add(draft(2, 2, truths(2, 4)))).toBe(true)
    expect(chain.ahead(truths(0, 3))).toEqual(truths(3, 3))
  })

  it('does not use a chain that starts beyond the commits', () => {
    const chain = new Chain()
    chain.add(draft(1, 4_294_967_295, [1, 2]))
    expect(chain.ahead([])).toEqual([])
    expect(chain.ahead(truths(0, 3))).toEqual([])
  })

  it('keeps no more than an honest Scout sends', () => {
    const chain = new Chain()
    let kept = 0
    for (let position = 0; position < 10_000; position += 32) {
      kept += chain.add(draft(1, position, Array<number>(32).fill(1))) ? 32 : 0
    }
    expect(kept).toBeLessThanOrEqual(2 * DRAFT_LIMITS.maxRunAhead + DRAFT_LIMITS.maxDraftTokens)
    expect(kept).toBeGreaterThanOrEqual(2 * DRAFT_LIMITS.maxRunAhead)
    expect(chain.ahead([])).toHaveLength(DRAFT_LIMITS.maxRunAhead)
  })
})
