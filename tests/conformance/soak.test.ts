import { describe, expect, inject, it } from 'vitest'
import { soak } from './lib/soak.ts'

const apis = inject('apis')

/** The short form of `npm run test:soak`. */
describe.each(['serve', 'connect'] as const)('many clients at once of `shard %s`', (command) => {
  it('get what they asked for, and leave nothing behind', async () => {
    const requests = 60
    const result = await soak({ api: apis[command], requests, clients: 40, seed: 6 })
    expect(result).toMatchObject({ wrong: 0, errors: [], left: { running: 0, waiting: 0 } })
    expect(result.completed + result.cancelled).toBe(requests)
    expect(result.cancelled).toBeGreaterThan(5)
  })
})
