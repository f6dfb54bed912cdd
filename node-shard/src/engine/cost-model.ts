import { BATCH_SIZES } from '../verify/constants.ts'
import { median } from './median.ts'
import type { LlamaSequence } from './llama-sequence.ts'
import type { BatchCost } from '../verify/depth.ts'

/** Sizes that are measured; past the largest batch of one sequence, several of them share a decode. */
const SIZES = [...BATCH_SIZES, 32] as const

/** Decodes of each size: at least, at most, and as many as fit this many ms. */
const LEAST = 2
const MOST = 9
const BUDGET = 150

/** Weight of the newest decode in what is known of its size. */
const WEIGHT = 0.1

/**
 * What a batch costs on this machine: measured when the model is loaded, and kept current by the decodes that serve, since
 * a machine that does something else too, or gets warm, is another machine.
 */
export class CostModel implements BatchCost {
  readonly #measured: Map<number, number>

  constructor(measured: ReadonlyMap<number, number>) {
    this.#measured = new Map(measured)
  }

  /** Measures with a sequence that nobody uses yet; it is empty again afterwards. */
  static async measure(sequence: LlamaSequence, token: number): Promise<CostModel> {
    const measured = new Map<number, number>()
    await time(sequence, token, 1) // the first decode also allocates
    for (const size of SIZES) {
      const times: number[] = []
      const started = performance.now()
      while (times.length < LEAST || (times.length < MOST && performance.now() - started < BUDGET)) {
        times.push(await time(sequence, token, size))
      }
      measured.set(size, median(times))
    }
    await sequence.truncate(0)
    return new CostModel(measured)
  }

  /** Between two measured sizes, and past the largest, along a straight line. */
  ms(tokens: number): number {
    const upper = SIZES.find((size) => size >= tokens) ?? SIZES[SIZES.length - 1] ?? 1
    const lower = SIZES.findLast((size) => size < upper) ?? upper
    const high = this.#measured.get(upper) ?? NaN
    const low = this.#measured.get(lower) ?? high
    const slope = upper === lower ? 0 : (high - low) / (upper - lower)
    return tokens === upper ? high : high + slope * (tokens - upper)
  }

  /** A decode of so many tokens took so long. */
  observe(tokens: number, ms: number): void {
    const known = this.#measured.get(tokens)
    if (known != null) {
      // a garbage collection or another process in between says nothing of the batch
      this.#measured.set(tokens, known + WEIGHT * (Math.min(ms, 3 * known) - known))
    }
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries(this.#measured)
  }
}

async function time(sequence: LlamaSequence, token: number, size: number): Promise<number> {
  await sequence.truncate(0)
  const started = performance.now()
  await sequence.evaluate(Array.from({ length: size }, () => token))
  return performance.now() - started
}
