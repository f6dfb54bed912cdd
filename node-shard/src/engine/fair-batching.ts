import type { CustomBatchingPrioritizationStrategy } from 'node-llama-cpp'

/**
 * Shortest item first: a generation that waits for its next token is served in every batch, and prompts share what is
 * left. node-llama-cpp's own strategy gives most of a batch to the first prompt in the queue, behind which the streams
 * of all other users stand still.
 */
export const fairBatching: CustomBatchingPrioritizationStrategy = ({ items, size }) => {
  let left = size
  return [...items]
    .sort((a, b) => a.tokens.length - b.tokens.length)
    .map((item) => {
      const processAmount = Math.min(item.tokens.length, left)
      left -= processAmount
      return { item, processAmount }
    })
    .filter(({ processAmount }) => processAmount > 0)
}
