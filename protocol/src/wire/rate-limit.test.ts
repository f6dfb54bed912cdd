import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RateLimit } from './rate-limit.ts'

/** Calls at moments that are gaps of whole ms apart; gives the moments at which one was allowed. */
function allowed(perSecond: number, window: number, gaps: number[]): number[] {
  let now = 0
  const limit = new RateLimit(perSecond, window, () => now)
  return gaps.flatMap((gap) => {
    now += gap
    return limit.allows() ? [now] : []
  })
}

const rates = fc.integer({ min: 1, max: 2_000 })
const windows = fc.integer({ min: 1_000, max: 5_000 })
const gaps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 })), { maxLength: 500 })

describe('RateLimit', () => {
  it('never allows more in any span of time than the rate and one burst', () => {
    fc.assert(
      fc.property(rates, windows, gaps, (perSecond, window, calls) => {
        const moments = allowed(perSecond, window, calls)
        const burst = (perSecond * window) / 1000
        moments.forEach((from, first) => {
          moments.slice(first).forEach((to, more) => {
            expect(more + 1).toBeLessThanOrEqual(burst + ((to - from) * perSecond) / 1000 + 1e-6)
          })
        })
      }),
      { numRuns: 40 }
    )
  })

  it('allows whoever stays below the rate, however long', () => {
    fc.assert(
      fc.property(rates, windows, fc.integer({ min: 1, max: 2_000 }), (perSecond, window, calls) => {
        const gap = Math.ceil(1000 / perSecond)
        expect(allowed(perSecond, window, Array<number>(calls).fill(gap))).toHaveLength(calls)
      })
    )
  })

  it('allows one whole burst at once, and after a pause of any length another one', () => {
    fc.assert(
      fc.property(rates, windows, fc.integer({ min: 0, max: 10 }), (perSecond, window, windowsLater) => {
        const burst = Math.floor((perSecond * window) / 1000)
        const tries = Array<number>(burst + 3).fill(0)
        const later = [window * (1 + windowsLater), ...tries.slice(1)]
        expect(allowed(perSecond, window, tries)).toHaveLength(burst)
        expect(allowed(perSecond, window, [...tries, ...later])).toHaveLength(2 * burst)
      }),
      { numRuns: 40 }
    )
  })
})
