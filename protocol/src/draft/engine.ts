/**
 * What drafts tokens: a small model behind one interface, so that a browser tab (wllama, WebLLM) and a desktop
 * (node-llama-cpp) are the same kind of Scout. An engine is loaded when it exists; factories do the loading.
 */
export interface DraftEngine {
  /** For people and figures: what really runs, e.g. `wllama/webgpu`, `wllama/wasm`, `llama.cpp/cpu`. */
  readonly name: string
  /** SHA-256 of the tokenizer (see `tokenizerHash`). Drafts are token ids, so it must equal the target's. */
  readonly tokenizer: Uint8Array
  /** Longest context, in tokens. */
  readonly contextLength: number

  /**
   * The engine's greedy continuation of `context`, at most `k` tokens; fewer where the model ends its turn or the
   * context is full. Calls may overlap; an engine serialises them. It reuses the longest common prefix with its
   * last context, so a rollback costs one token.
   *
   * @throws the signal's reason when aborted, within one decode step
   */
  draft(context: readonly number[], k: number, options?: { signal?: AbortSignal }): Promise<number[]>

  /** Frees the model. Later calls to `draft` reject. */
  dispose(): Promise<void>
}
