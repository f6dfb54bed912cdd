import type { DraftEngine } from '@shard/protocol/draft'

/** Passes drafts through, and tells when the engine under it fails for good: a runner only logs that and goes on. */
export class SteadyEngine implements DraftEngine {
  readonly #engine: DraftEngine
  readonly #failure = Promise.withResolvers<never>()

  constructor(engine: DraftEngine) {
    this.#engine = engine
    this.#failure.promise.catch(() => {})
  }

  get name(): string {
    return this.#engine.name
  }

  get tokenizer(): Uint8Array {
    return this.#engine.tokenizer
  }

  get contextLength(): number {
    return this.#engine.contextLength
  }

  async draft(context: readonly number[], k: number, options: { signal?: AbortSignal } = {}): Promise<number[]> {
    try {
      return await this.#engine.draft(context, k, options)
    } catch (error) {
      if (options.signal?.aborted !== true) this.#failure.reject(error)
      throw error
    }
  }

  async dispose(): Promise<void> {
    await this.#engine.dispose()
  }

  /** Never resolves: rejects with the engine's error, or with the signal's reason. */
  async failed(signal: AbortSignal): Promise<never> {
    signal.throwIfAborted()
    signal.addEventListener('abort', () => this.#failure.reject(signal.reason), { once: true })
    return this.#failure.promise
  }
}
