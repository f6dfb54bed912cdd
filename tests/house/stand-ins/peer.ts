// Stands in for a relay or a Shard: a real process that keeps their side of the contract with scripts/start.ts, or
// breaks it in the way that its first argument names. It has no part in any swarm.

import { appendFileSync } from 'node:fs'

const [behaviour, journal = '', ready, ...rest] = process.argv.slice(2)

const note = (line: string): void => appendFileSync(journal, `${line}\n`)

note(`start ${process.pid} ${behaviour} ${rest.join(' ')}`.trim())
if (behaviour === 'fail') {
  process.stdout.write(
    `${JSON.stringify({ event: 'error', code: 'ADDRESS_IN_USE', message: 'TCP port 4 is taken.' })}\n`
  )
  process.stderr.write('TCP port 4 is taken.\n', () => process.exit(3))
} else {
  process.on('disconnect', () => {
    note(`disconnect ${process.pid}`)
    process.exit(0)
  })
  process.on('SIGTERM', () => {
    note(`SIGTERM ${process.pid}`)
    if (behaviour !== 'stubborn') process.exit(0)
  })
  process.on('SIGINT', () => {
    note(`SIGINT ${process.pid}`)
    process.exit(130)
  })
  setInterval(() => undefined, 1_000)
  if (behaviour !== 'silent') process.stdout.write(`{"event":"starting"}\n${ready}\n`)
  if (behaviour === 'die') {
    process.stderr.write('out of memory, for example\n', () => process.exit(7))
  }
}
