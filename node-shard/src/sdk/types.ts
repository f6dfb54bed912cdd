import type { ChatMessage, Consumer } from '@shard/protocol/consume'
import type { WorkMessage, WorkRequest } from '../shim/work.ts'

/** How a model is reached. */
export interface LoadOptions {
  /**
   * `websocket` and `http_poll` go through a `shard serve` or `shard connect` on this machine; `p2p` (Node only) enters
   * the swarm itself. Default: `p2p` where relays or a Consumer are given, else `websocket`.
   */
  transport?: 'websocket' | 'http_poll' | 'p2p'
  /** Base URL of the local server. Default: `http://127.0.0.1:9091`. */
  routerUrl?: string
  /** Default: `/ws/generate` at {@link routerUrl}. */
  websocketUrl?: string
  /** The local server's API key, if it asks for one. */
  apiKey?: string
  /** The Shard tokenizes, with the model's own tokenizer: so the model's id, or left out. */
  tokenizerName?: string
  /** Multiaddrs of relays, for `p2p`. */
  relays?: string[]
  /** For `p2p`: of a node that is there already, as in a tab. The model's id has to be its CID then. */
  consumer?: Pick<Consumer, 'ask'>
  /** Ends loading. */
  signal?: AbortSignal
}

/** Names of both styles are understood: ours, and those of transformers.js. */
export interface GenerateOptions {
  maxNewTokens?: number
  max_new_tokens?: number
  /** False: always the likeliest token, whatever the temperature. */
  doSample?: boolean
  do_sample?: boolean
  temperature?: number
  topP?: number
  top_p?: number
  topK?: number
  top_k?: number
  minP?: number
  min_p?: number
  repetitionPenalty?: number
  repetition_penalty?: number
  /** The same seed gives the same answer. */
  seed?: number
  stop?: string | string[]
  signal?: AbortSignal
}

/** Text that is continued as it is, or a conversation that is answered. */
export type Prompt = string | ChatMessage[]

export interface Generated {
  text: string
  tokenIds: number[]
  finishReason: 'stop' | 'length'
  promptTokens: number
  seed: number
}

/** A piece of an answer. */
export interface StreamedToken {
  /** May be empty: a character can be several tokens long. */
  text: string
  tokenIds: number[]
}

export interface Transport {
  send: (work: WorkRequest, signal: AbortSignal) => AsyncGenerator<WorkMessage, void, undefined>
  close: () => Promise<void>
}

/** An answer that failed. The message says what to do. */
export class GenerateError extends Error {
  override readonly name = 'GenerateError'
  /** As in the API's errors; e.g. `model_not_found`, `context_length_exceeded`, `disconnected`. */
  readonly code: string | null
  /** The HTTP status that the API gives with it. */
  readonly status: number

  constructor(message: string, options: ErrorOptions & { code?: string | null; status: number }) {
    super(message, options)
    this.code = options.code ?? null
    this.status = options.status
  }
}
