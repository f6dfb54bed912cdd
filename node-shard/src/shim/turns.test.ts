import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Turns } from './turns.ts'

const never = new AbortController().signal

describe('Turns', () => {
  it('come in order, and are refused where too many wait', async () => {
    const turns = new Turns({ atOnce: 1, waiting: 2 })
    const order: number[] = []
    const first = await turns.take(never)
    const others = [1, 2].map(async (name) => {
      const end = await turns.take(never)
      order.push(name)
      end()
    })
    await expect(turns.take(never)).rejects.toMatchObject({ status: 503, code: 'busy' })
    expect(order).toEqual([])
    first()
    await Promise.all(others)
    expect(order).toEqual([1, 2])
  })

  it('are never more than allowed and never lost, whoever leaves when', async () => {
    const user = fc.record({ leaves: fc.boolean(), work: fc.nat(3) })
    await fc.assert(
      fc.asyncProperty(fc.array(user, { maxLength: 30 }), fc.integer({ min: 1, max: 4 }), async (users, atOnce) => {
        const turns = new Turns({ atOnce, waiting: 100 })
        let now = 0
        let most = 0
        await Promise.all(
          users.map(async ({ leaves, work }) => {
            const left = new AbortController()
            if (leaves) {
              queueMicrotask(() => left.abort(new Error('left')))
            }
            try {
              const end = await turns.take(left.signal)
              most = Math.max(most, ++now)
              for (let step = 0; step < work; step++) {
                await Promise.resolve()
              }
              now--
              end()
              end()
            } catch (error) {
              expect(error).toHaveProperty('message', 'left')
            }
          })
        )
        expect(most).toBeLessThanOrEqual(atOnce)
        // all of them are free again
        await Promise.all(Array.from({ length: atOnce }, async () => turns.take(never)))
      })
    )
  })
})
