import { Wllama } from '@wllama/wllama'
import wasmUrl from '@wllama/wllama/esm/wasm/wllama.wasm?url'
// For browsers without JSPI or 64-bit memory (Safari). Left unset, wllama would fetch these from a CDN.
import compatWorkerUrl from '@wllama/wllama-compat/wasm/wllama.js?url'
import compatWasmUrl from '@wllama/wllama-compat/wasm/wllama.wasm?url'
import { raceSignal } from 'race-signal'
import { z } from 'zod'
import type { Backend, LoadRequest } from './engine-api.ts'

/** Tokens that wllama evaluates at once in a prefill. An abort waits for the batch that is under way. */
const BATCH_TOKENS = 256

/** What llama-server adds to a completion with `verbose` and `return_tokens`. */
const completion = z.object({
  __verbose: z.object({ tokens: z.array(z.int().nonnegative()), tokens_evaluated: z.int().nonnegative() })
})

/** What a completion gave. */
export interface Completion {
  /** Drafted token ids; the end-of-turn token, where the model drew it, is the last one. */
  tokens: number[]
  /** Tokens that llama.cpp made of the prompt. */
  promptTokens: number
}

/** The model's own words about its tokens, known once it is loaded. */
export interface SessionInfo {
  contextLength: number
  /** The token that llama.cpp puts before every prompt by itself; undefined where it adds none. */
  bos: number | undefined
  isEndOfTurn(token: number): boolean
}

/** One loaded model on one back end. After a crash it is of no more use: `close` it and open another. */
export class WllamaSession {
  readonly backend: Backend
  readonly info: SessionInfo
  readonly #wllama: Wllama
  readonly #crashed: AbortSignal

  private constructor(backend: Backend, wllama: Wllama, info: SessionInfo, crashed: AbortSignal) {
    this.backend = backend
    this.#wllama = wllama
    this.info = info
    this.#crashed = crashed
  }

  /** Loads `request.model`. @throws Error with the last words of the native code where there are some */
  static async open(backend: Backend, request: LoadRequest): Promise<WllamaSession> {
    // wllama only logs an error event of its inner Worker, and what waits for that Worker would then wait forever.
    const crash = new AbortController()
    const wllama = new Wllama(
      { default: wasmUrl },
      {
        suppressNativeLog: true,
        logger: { debug() {}, log() {}, warn() {}, error: (...words: unknown[]) => crash.abort(lastWords(words)) }
      }
    )
    wllama.setCompat({ worker: compatWorkerUrl, wasm: compatWasmUrl })

    try {
      const loading = wllama.loadModel([request.model], {
        n_ctx: request.contextLength,
        n_batch: BATCH_TOKENS,
        n_threads: request.threads,
        // One sequence: all of the context belongs to it, and the cache of the last prompt is always the right one.
        n_parallel: 1,
        warmup: false,
        ...(backend === 'wasm' ? { n_gpu_layers: 0 } : {})
      })
      await raceSignal(loading, crash.signal)
    } catch (error) {
      await wllama.exit().catch(() => {})
      throw error
    }

    const loaded = wllama.getLoadedContextInfo()
    const info: SessionInfo = {
      contextLength: Math.min(loaded.n_ctx, loaded.n_ctx_train),
      bos: wllama.mustAddBosToken() ? wllama.getBOS() : undefined,
      isEndOfTurn: (token) => wllama.isTokenEOG(token)
    }
    return new WllamaSession(backend, wllama, info, crash.signal)
  }

  /** The greedy continuation of `prompt`, at most `k` tokens. Stops at the end of the turn unless `endless`. */
  async complete(
    prompt: string,
    k: number,
    options: { signal?: AbortSignal; endless?: boolean } = {}
  ): Promise<Completion> {
    const request = {
      prompt,
      max_tokens: k,
      temperature: 0,
      top_k: 1,
      // The other samplers cost time and cannot change which token is the likeliest.
      samplers: ['top_k'],
      // A rollback then costs one token: the prefix that this prompt shares with the last one is not evaluated again.
      cache_prompt: true,
      // llama-server's own words, the only way to token ids.
      verbose: true,
      return_tokens: true,
      ignore_eos: options.endless ?? false,
      ...(options.signal == null ? {} : { abortSignal: options.signal })
    }
    const answer = completion.parse(await raceSignal(this.#wllama.createCompletion(request), this.#crashed))
    return { tokens: answer.__verbose.tokens, promptTokens: answer.__verbose.tokens_evaluated }
  }

  async close(): Promise<void> {
    await this.#wllama.exit()
  }
}

function lastWords(words: unknown[]): Error {
  const error = words.find((word) => word instanceof Error)
  if (error != null) return error
  return new Error(words.map((word) => (word instanceof ErrorEvent ? word.message : String(word))).join(' '))
}
