/**
 * @packageDocumentation
 *
 * The verification loop: turns whatever drafts have arrived into committed tokens, losslessly. The target samples a
 * token of its own at every position, with a random number that depends on seed and position only, and a draft token
 * counts if it is that token. So the answer is the one that the target gives alone, whoever drafts, and however well.
 *
 * Related work: speculative decoding (Leviathan et al. 2023, arXiv 2211.17192) accepts by the ratio p/q of target and
 * draft probabilities, for which it has to trust q. Exact match needs no trust, at the price of fewer accepted tokens
 * at high temperatures.
 */

import type { Candidates, Sampling } from '@shard/protocol/sampling'

/** One sequence of the target's context, as far as verification needs it. */
export interface TargetSequence {
  /** Tokens that are evaluated. */
  readonly length: number
  /** Keeps the longest evaluated prefix of `tokens` and drops the rest; the new {@link length} says how much. */
  adapt(tokens: readonly number[]): Promise<void>
  /** Appends tokens whose successors nobody asks for. */
  prefill(tokens: readonly number[]): Promise<void>
  /** Appends tokens, in one batch, and gives the candidates for the successor of each. */
  evaluate(tokens: readonly number[]): Promise<Candidates[]>
  /** Drops the evaluated tokens from `length` on. */
  truncate(length: number): Promise<void>
}

/** A chain of guesses for the positions after the committed ones. */
export interface DraftChain {
  readonly tokens: readonly number[]
  /** PeerId of the Scout that guessed; missing where the Shard guessed itself. */
  readonly scout?: string
}

/** Where drafts come from. It is asked and never waited for. */
export interface DraftSource {
  /** The best chain that continues `committed`, or undefined. The tokens are ids of the target's vocabulary. */
  best(committed: readonly number[]): DraftChain | undefined
}

/** A generation, and the sequence that it is decoded in. */
export interface GenerationContext {
  sequence: TargetSequence
  prompt: readonly number[]
  /** Tokens of this generation that are committed already. */
  committed: readonly number[]
  signal: AbortSignal
}

export interface VerifyInit extends GenerationContext {
  sampling: Sampling
  /** The generation ends at this many tokens, those of `committed` included. */
  maxTokens: number
  /** Tokens that the model uses to end its turn. They are committed, as the last token. */
  isEnd: (token: number) => boolean
  drafts: DraftSource
}

/** What one evaluated batch gave. */
export interface Round {
  /** Index in the generation of the first of `tokens`. */
  position: number
  /** At least one token. */
  tokens: number[]
  /** Draft tokens that were evaluated, and how many of `tokens`, from the first on, they gave. */
  offered: number
  accepted: number
  scout?: string
  /** Set in the last round. */
  end?: 'stop' | 'length'
}

export { prefill } from './prefill.ts'
export { verify } from './verify.ts'
