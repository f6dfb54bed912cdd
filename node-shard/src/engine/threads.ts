import { median } from './median.ts'
import type { LlamaModel } from 'node-llama-cpp'

/** Decodes that are timed for each number of threads, after two that warm up. */
const SAMPLES = 7
const WARM_UP = 2

export interface ThreadCalibration {
  threads: number
  /** Ms of one token of one sequence at that number. */
  tokenMs: number
}

/**
 * Finds how many threads decode fastest here and now. More is not better: with as many threads as cores on a machine
 * that does something else too, every token waits for the slowest thread, up to 7 times as long as one thread takes.
 * The result of a decode is the same for any number.
 */
export async function calibrateThreads(model: LlamaModel, most: number): Promise<ThreadCalibration> {
  let best: ThreadCalibration | undefined
  for (const threads of candidates(most)) {
    const tokenMs = await timeToken(model, threads)
    // a few percent are noise, and fewer threads leave the machine to its user
    if (best == null || tokenMs < best.tokenMs * 0.95) {
      best = { threads, tokenMs }
    }
  }
  return best ?? { threads: 1, tokenMs: 0 }
}

/** Powers of two below `most`, and `most`. */
function candidates(most: number): number[] {
  const counts: number[] = []
  for (let threads = 1; threads < most; threads *= 2) {
    counts.push(threads)
  }
  return [...counts, Math.max(1, most)]
}

async function timeToken(model: LlamaModel, threads: number): Promise<number> {
  const context = await model.createContext({ contextSize: 256, sequences: 1, threads, flashAttention: true })
  try {
    const sequence = context.getSequence()
    const token = model.tokens.bos ?? model.tokens.eos ?? model.tokenize('a').at(0)
    if (token == null) {
      return Infinity
    }
    const times: number[] = []
    for (let index = 0; index < WARM_UP + SAMPLES; index++) {
      const started = performance.now()
      await sequence.controlledEvaluate([[token, { generateNext: { token: true } }]])
      times.push(performance.now() - started)
    }
    return median(times.slice(WARM_UP))
  } finally {
    await context.dispose()
  }
}
