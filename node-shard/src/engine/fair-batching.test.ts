import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fairBatching } from './fair-batching.ts'
import type { BatchItem } from 'node-llama-cpp'

const itemOf = (length: number): BatchItem => ({
  tokens: Array<never>(length).fill(1 as never),
  logits: [],
  evaluationPriority: 5
})

const batches = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: 2_000 }), { maxLength: 12 }),
  size: fc.integer({ min: 1, max: 1_024 })
})

describe('fairBatching', () => {
  it('fills the batch, never beyond it, and never takes more of an item than there is', () => {
    fc.assert(
      fc.property(batches, ({ lengths, size }) => {
        const items = lengths.map(itemOf)
        const taken = fairBatching({ items, size })
        const total = taken.reduce((sum, { processAmount }) => sum + processAmount, 0)
        expect(total).toBe(
          Math.min(
            size,
            lengths.reduce((sum, length) => sum + length, 0)
          )
        )
        expect(new Set(taken.map(({ item }) => item)).size).toBe(taken.length)
        for (const { item, processAmount } of taken) {
          expect(processAmount).toBeGreaterThan(0)
          expect(processAmount).toBeLessThanOrEqual(item.tokens.length)
          expect(items).toContain(item)
        }
      })
    )
  })

  it('never lets a stream wait behind a prompt', () => {
    fc.assert(
      fc.property(batches, ({ lengths, size }) => {
        const items = lengths.map(itemOf)
        const amount = new Map(fairBatching({ items, size }).map(({ item, processAmount }) => [item, processAmount]))
        for (const short of items) {
          for (const long of items) {
            // where a longer one got anything, a shorter one got all
            if (short.tokens.length < long.tokens.length && amount.has(long)) {
              expect(amount.get(short)).toBe(short.tokens.length)
            }
          }
        }
      })
    )
  })

  it('leaves the items alone', () => {
    const items = [itemOf(5), itemOf(1)]
    fairBatching({ items, size: 3 })
    expect(items.map(({ tokens }) => tokens.length)).toEqual([5, 1])
  })
})
