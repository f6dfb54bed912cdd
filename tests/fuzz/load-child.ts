/**
 * Loads the GGUF files that its parent names, one after the other, and evaluates a token with each: a process that may die
 * of it.
 */

import { pino } from 'pino'
import { loadBackend } from '../../node-shard/dist/engine/index.js'

const llama = await loadBackend({ gpu: 'off', log: pino({ level: 'silent' }) })

process.on('message', (path: string) => {
  void load(path).then(
    () => process.send?.({ loaded: true }),
    (error: unknown) => process.send?.({ loaded: false, reason: String(error) })
  )
})
process.send?.({ ready: true })

async function load(path: string): Promise<void> {
  const model = await llama.loadModel({ modelPath: path, useMmap: true })
  try {
    const context = await model.createContext({ contextSize: 64, sequences: 1, threads: 1, flashAttention: true })
    const sequence = context.getSequence()
    const tokens = model.tokenize('abc')
    for await (const _ of sequence.evaluate(tokens.slice(0, 3), { temperature: 0 })) {
      break
    }
    await context.dispose()
  } finally {
    await model.dispose()
  }
}
