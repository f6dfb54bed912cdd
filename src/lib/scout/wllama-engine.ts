import { proxy, releaseProxy, wrap } from 'comlink'
import { raceSignal } from 'race-signal'
import type { DraftEngine } from '@shard/protocol/draft'
import type { EngineHost, EngineStatus, Loaded } from './engine-api.ts'
import type { Remote } from 'comlink'

export interface WllamaEngineInit {
  /** The draft model's GGUF file. */
  model: Blob
  /** Tokens of context to make room for. */
  contextLength: number
  /** WASM threads, 1 by default. */
  threads?: number
  signal?: AbortSignal
  /** Called when what really runs changes after loading, e.g. because the graphics card was lost. */
  onStatus?: (status: EngineStatus) => void
}

/** Drafts with wllama (llama.cpp in the tab) in a dedicated Worker, on WebGPU or in WebAssembly. */
export class WllamaEngine implements DraftEngine {
  readonly tokenizer: Uint8Array
  readonly contextLength: number
  #status: EngineStatus
  #next = 0
  readonly #worker: EngineWorker

  private constructor(worker: EngineWorker, loaded: Loaded) {
    this.#worker = worker
    this.#status = { backend: loaded.backend, reason: loaded.reason }
    this.tokenizer = loaded.tokenizer
    this.contextLength = loaded.contextLength
  }

  /**
   * Starts the Worker and loads the model.
   *
   * @throws the signal's reason when aborted; Error where the file is no GGUF or neither back end loads it
   */
  static async load(init: WllamaEngineInit): Promise<WllamaEngine> {
    init.signal?.throwIfAborted()
    const worker = new EngineWorker()
    let engine: WllamaEngine | undefined
    const onStatus = (status: EngineStatus): void => {
      if (engine != null) engine.#status = status
      init.onStatus?.(status)
    }
    try {
      const request = { model: init.model, contextLength: init.contextLength, threads: init.threads ?? 1 }
      const loaded = await worker.call(init.signal, (host) => host.load(request, proxy(onStatus)))
      engine = new WllamaEngine(worker, loaded)
      return engine
    } catch (error) {
      worker.end(error)
      throw error
    }
  }

  /** `wllama/webgpu` or `wllama/wasm`: what really runs now. */
  get name(): string {
    return `wllama/${this.#status.backend}`
  }

  /** Why this back end, as a part of a sentence for people. */
  get reason(): string {
    return this.#status.reason
  }

  async draft(context: readonly number[], k: number, options: { signal?: AbortSignal } = {}): Promise<number[]> {
    const id = this.#next++
    return this.#worker.call(
      options.signal,
      (host) => host.draft(id, context, k),
      (host) => host.abort(id)
    )
  }

  async dispose(): Promise<void> {
    this.#worker.end(new Error('The draft engine was stopped. Load it again to draft.'))
  }
}

/** A comlink Worker whose calls also settle when the Worker ends, which comlink's own never do. */
class EngineWorker {
  readonly #worker: Worker
  readonly #host: Remote<EngineHost>
  readonly #ended = new AbortController()

  constructor() {
    this.#worker = new Worker(new URL('./engine.worker.ts', import.meta.url), { type: 'module', name: 'shard-draft' })
    this.#host = wrap<EngineHost>(this.#worker)
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault()
      this.end(
        new Error(`The draft engine's Worker failed: ${event.message || 'it could not be started'}. Reload the page.`)
      )
    })
  }

  async call<T>(
    signal: AbortSignal | undefined,
    work: (host: Remote<EngineHost>) => Promise<T>,
    cancel?: (host: Remote<EngineHost>) => Promise<void>
  ): Promise<T> {
    const stop = signal == null ? this.#ended.signal : AbortSignal.any([signal, this.#ended.signal])
    stop.throwIfAborted()
    const onAbort = (): void => {
      if (!this.#ended.signal.aborted) cancel?.(this.#host).catch(() => {})
    }
    stop.addEventListener('abort', onAbort, { once: true })
    try {
      return await raceSignal(work(this.#host), stop)
    } finally {
      stop.removeEventListener('abort', onAbort)
    }
  }

  /** Ends the Worker, and with it wllama's own, and frees all of their memory. */
  end(reason: unknown): void {
    if (this.#ended.signal.aborted) return
    this.#ended.abort(reason)
    this.#host[releaseProxy]()
    this.#worker.terminate()
  }
}
