// Stands in for `shard run`: writes down what it was asked, and ends with the exit code that it was given.

import { appendFileSync } from 'node:fs'

const [code, journal = '', ...rest] = process.argv.slice(2)

appendFileSync(journal, `consumer ${process.pid} ${rest.join(' ')}\n`)
if (code === 'hang') setInterval(() => undefined, 1_000)
else process.exit(Number(code))
