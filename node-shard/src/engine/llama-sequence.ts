import { MAX_CANDIDATES } from '@shard/protocol/sampling'
import { Decodes } from './decodes.ts'
import type { Candidates } from '@shard/protocol/sampling'
import type { ControlledEvaluateInputItem, LlamaContextSequence, Token } from 'node-llama-cpp'
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
  readonly #decodes: Decodes

  /** @param decodes - shared by all sequences of a context */
  constructor(sequence: LlamaContextSequence, decodes: Decodes = new Decodes()) {
    this.#sequence = sequence
    this.#decodes = decodes
  }

  get length(): number {
    return this.#sequence.nextTokenIndex
  }

  async adapt(tokens: readonly number[]): Promise<void> {
    await this.#sequence.adaptStateToTokens(asTokens(tokens), false)
  }

  async prefill(tokens: readonly number[]): Promise<void> {
    await this.#decodes.run(undefined, async () => this.#sequence.evaluateWithoutGeneratingNewTokens(asTokens(tokens)))
  }

  async evaluate(tokens: readonly number[]): Promise<Candidates[]> {
    const items = asTokens(tokens).map((token): ControlledEvaluateInputItem => [token, CANDIDATES])
    const outputs = await this.#decodes.run(items.length, async () => this.#sequence.controlledEvaluate(items))
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
