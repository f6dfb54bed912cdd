import { availableParallelism } from 'node:os'
import { ShardError } from '@shard/protocol/errors'
import { tokenizerHash } from '@shard/protocol/model'
import { checkModelFile } from '../store/index.ts'
import { LlamaSequence } from './llama-sequence.ts'
import { calibrateThreads } from './threads.ts'
import type { DraftEngine } from '@shard/protocol/draft'
import type { GgmlTokenizer } from '@shard/protocol/model'
import type { Llama, LlamaContext, LlamaModel, LlamaContextSequence, Token } from 'node-llama-cpp'

/** Tokens of a context that are evaluated between two looks at the signal. */
const PREFILL_CHUNK = 64

export interface LlamaDraftEngineInit {
  llama: Llama
  path: string
  threads?: number
  signal?: AbortSignal
}

/** Drafts with a GGUF in llama.cpp, for Scouts without a browser. */
export class LlamaDraftEngine implements DraftEngine {
  readonly name: string
  readonly tokenizer: Uint8Array
  readonly #model: LlamaModel
  readonly #context: LlamaContext
  readonly #sequence: LlamaContextSequence
  readonly #evaluated: LlamaSequence
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(model: LlamaModel, context: LlamaContext, tokenizer: Uint8Array, device: string) {
    this.#model = model
    this.#context = context
    this.#sequence = context.getSequence()
    this.#evaluated = new LlamaSequence(this.#sequence)
    this.tokenizer = tokenizer
    this.name = `llama.cpp/${device}`
  }

  /** @throws Error where the file is no language model, or the memory does not suffice */
  static async load({ llama, path, threads, signal }: LlamaDraftEngineInit): Promise<LlamaDraftEngine> {
    await checkModelFile(path, { signal })
    const model = await llama.loadModel({ modelPath: path, loadSignal: signal })
    const metadata = model.fileInfo.metadata.tokenizer?.ggml as GgmlTokenizer | undefined
    if (metadata == null) {
      throw new ShardError('INCOMPATIBLE', `${path} has no tokenizer; it is not a language model.`)
    }
    const best = threads ?? (await calibrateThreads(model, llama.gpu === false ? availableParallelism() : 1)).threads
    const context = await model.createContext({
      contextSize: model.trainContextSize,
      sequences: 1,
      threads: best,
      flashAttention: true,
      createSignal: signal
    })
    const device = llama.gpu === false ? 'cpu' : llama.gpu
    return new LlamaDraftEngine(model, context, await tokenizerHash(metadata), device)
  }

  get contextLength(): number {
    return Math.min(this.#context.contextSize, this.#model.trainContextSize)
  }

  async draft(context: readonly number[], k: number, options: { signal?: AbortSignal } = {}): Promise<number[]> {
    const turn = this.#queue.then(async () => this.#draft(context, k, options.signal))
    this.#queue = turn.catch(() => undefined)
    return await turn
  }

  async dispose(): Promise<void> {
    await this.#queue
    await this.#context.dispose()
    await this.#model.dispose()
  }

  async #draft(context: readonly number[], k: number, signal?: AbortSignal): Promise<number[]> {
    const room = Math.min(k, this.contextLength - context.length)
    const last = context.at(-1)
    if (room <= 0 || last == null) {
      return []
    }
    await this.#evaluated.adapt(context.slice(0, -1))
    while (this.#evaluated.length < context.length - 1) {
      signal?.throwIfAborted()
      const from = this.#evaluated.length
      await this.#evaluated.prefill(context.slice(from, Math.min(from + PREFILL_CHUNK, context.length - 1)))
    }
    const drafted: number[] = []
    for (let token = last; drafted.length < room;) {
      signal?.throwIfAborted()
      token = await this.#greedy(token)
      drafted.push(token)
      if (this.#model.isEogToken(token as Token)) {
        break
      }
    }
    return drafted
  }

  async #greedy(token: number): Promise<number> {
    const [output] = await this.#sequence.controlledEvaluate([
      [token as Token, { generateNext: { token: true, options: { temperature: 0 } } }]
    ])
    const next = output?.next.token
    if (next == null) {
      throw new ShardError('INTERNAL', 'The draft model gave no token.')
    }
    return next
  }
}
