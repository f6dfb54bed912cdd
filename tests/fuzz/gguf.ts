// npm run fuzz:gguf -- [--count 100000] [--seed 1] [--sample 20] [--keep folder]

import { parseArgs } from 'node:util'
import { fuzzGguf } from './fuzz-gguf.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    sample: { type: 'string', default: '20' },
    keep: { type: 'string' }
  }
})
const { failures, ...figures } = await fuzzGguf({
  count: Number(values.count),
  seed: Number(values.seed),
  sample: Number(values.sample),
  keep: values.keep,
  onProgress: ({ files, accepted, loaded, refused, failures: { length } }) => {
    if (process.stderr.isTTY) {
      process.stderr.write(
        `\r${files} files, ${accepted} accepted, ${loaded + refused} tried by llama.cpp, ${length} failures`
      )
    }
  }
})
process.stdout.write(`${JSON.stringify(figures)}\n${failures.map((line) => `${line}\n`).join('')}`)
process.exitCode = failures.length === 0 ? 0 : 1
