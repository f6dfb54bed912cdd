import { BATCH_SIZES, WORTHWHILE } from './constants.ts'
import type { Acceptance } from './acceptance.ts'

/** What a batch costs on this machine, now. */
export interface BatchCost {
  /** Ms of one decode of so many tokens, of all sequences together. */
  ms(tokens: number): number
}

export interface Depth {
  /** Draft tokens to evaluate; 0: decode alone. */
  k: number
  /** Tokens per ms that this is expected to give. */
  rate: number
}

/**
 * The number of draft tokens that makes the most of a decode: the largest expected tokens per ms (FACTS of speculative
 * decoding: E(k) / cost(k + 1), Leviathan et al. 2023), and 0 where drafting does not pay, so that no drafter can make a
 * Shard slower than it is alone.
 *
 * @param available - draft tokens that are there
 * @param active - generations that share a decode; they are taken to draft alike
 */
export function chooseDepth(acceptance: Acceptance, available: number, cost: BatchCost, active: number): Depth {
  const alone: Depth = { k: 0, rate: 1 / cost.ms(active) }
  let best = { k: 0, rate: alone.rate * WORTHWHILE }
  for (const size of BATCH_SIZES) {
    const k = size - 1
    if (k > 0 && k <= available) {
      const rate = acceptance.expected(k) / cost.ms(active * size)
      best = rate > best.rate ? { k, rate } : best
    }
  }
  return best.k === 0 ? alone : best
}
