/**
 * @packageDocumentation
 *
 * The position-keyed sampler. Which token comes next is a pure function of the target's logits, the sampling
 * parameters with their seed, the position and the tokens before it, so a Shard's answer does not depend on who drafted
 * for it, and another Shard can go on with it or audit it. No dependency; the same code in browsers and Node.
 *
 * @example
 *
 * ```TypeScript
 * import { resolveSampling, sample, TokenHistory } from '@shard/protocol/sampling'
 *
 * const sampling = resolveSampling({ temperature: 0.8, seed: 7 })
 * const history = new TokenHistory(promptTokens)
 *
 * for (let position = 0; position < 100; position++) {
 *   const token = sample(await logitsOfNextToken(), sampling, position, history)
 *   history.push(token)
 * }
 * ```
 */

export { MAX_CANDIDATES, SAMPLING_RANGES, SEED_LIMIT } from './constants.ts'
export { TokenHistory } from './history.ts'
export { DEFAULT_SAMPLING, drawSeed, resolveSampling } from './parameters.ts'
export { uniform } from './philox.ts'
export { sample } from './sample.ts'
export type { Candidates } from './sample.ts'
export type { Sampling } from './parameters.ts'
