import { MAX_CANDIDATES } from '@shard/protocol/sampling'
import type { Candidates } from '@shard/protocol/sampling'
import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import type { TargetSequence } from '../verify/index.ts'

/**
 * Asks for the raw logits of the top candidates of one position; the sampling itself is ours. The sampler options have to
 * be neutral ones: node-llama-cpp ranks and cuts by them.
 */
const CANDIDATES = {
  generateNext: {
    token: true,
    logits: true,
    options: { temperature: 1, topK: MAX_CANDIDATES, topP: 1, minP: 0, seed: 0 }
  }
} as const

/** A {@link TargetSequence} on node-llama-cpp. */
export class LlamaSequence implements TargetSequence {
  readonly #sequence: LlamaContextSequence

  constructor(sequence: LlamaContextSequence) {
    this.#sequence = sequence
  }

  get length(): number {
    return this.#sequence.nextTokenIndex
  }

  async adapt(tokens: readonly number[]): Promise<void> {
    await this.#sequence.adaptStateToTokens(asTokens(tokens), false)
  }

  async prefill(tokens: readonly number[]): Promise<void> {
    await this.#sequence.evaluateWithoutGeneratingNewTokens(asTokens(tokens))
  }

  async evaluate(tokens: readonly number[]): Promise<Candidates[]> {
    const outputs = await this.#sequence.controlledEvaluate(asTokens(tokens).map((token) => [token, CANDIDATES]))
    return outputs.map((output) => output?.next.logits ?? [])
  }

  async truncate(length: number): Promise<void> {
    if (length < this.length) {
      await this.#sequence.eraseContextTokenRanges([{ start: length, end: this.length }])
    }
  }

  async dispose(): Promise<void> {
    await this.#sequence.dispose()
  }
}

/** node-llama-cpp brands its token ids; ours are the same numbers. */
function asTokens(tokens: readonly number[]): Token[] {
  return tokens as unknown as Token[]
}
