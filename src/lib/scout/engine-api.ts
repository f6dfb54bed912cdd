/** What the tab and its engine Worker say to each other (through comlink). */

/** The two back ends of wllama. */
export type Backend = 'webgpu' | 'wasm'

/** What really runs, and why, as a sentence for people. */
export interface EngineStatus {
  backend: Backend
  reason: string
}

export interface LoadRequest {
  /** The draft model's GGUF file. */
  model: Blob
  /** Tokens of context to make room for; a model that was trained for less gets what it was trained for. */
  contextLength: number
  /** WASM threads. More threads than free cores is 10 to 60 times slower, and each needs cross-origin isolation. */
  threads: number
}

export interface Loaded extends EngineStatus {
  /** SHA-256 of the tokenizer. */
  tokenizer: Uint8Array
  contextLength: number
}

/** The Worker's side. Errors cross as Errors with their name and message. */
export interface EngineHost {
  /** @param onStatus called when the back end changes after loading, e.g. because the graphics card was lost */
  load(request: LoadRequest, onStatus: (status: EngineStatus) => void): Promise<Loaded>
  /** `id` is chosen by the caller and names this draft in `abort`. */
  draft(id: number, context: readonly number[], k: number): Promise<number[]>
  abort(id: number): void
}
