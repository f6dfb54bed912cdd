// `npm run test:soak`: 1,000 requests from 64 clients, a third of which leave in the middle, against a real Shard.

import { startApis } from './lib/api.ts'
import { soak } from './lib/soak.ts'

/** Share by which the memory may differ from its level after a quarter of the requests. */
const MEMORY_MARGIN = 0.15

const apis = await startApis()
try {
  const result = await soak({ api: apis.serve, requests: 1000, clients: 64, seed: 2026 })
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
  const { wrong, errors, left, memory } = result
  const level = memory.after <= memory.before * (1 + MEMORY_MARGIN)
  const clean = wrong === 0 && errors.length === 0 && left.running === 0 && left.waiting === 0 && level
  process.stdout.write(clean ? 'soak: nothing leaked\n' : 'soak: failed\n')
  process.exitCode = clean ? 0 : 1
} finally {
  await apis.stop()
}
