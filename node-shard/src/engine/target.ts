import { availableParallelism } from 'node:os'
import { ShardError } from '@shard/protocol/errors'
import { tokenizerHash, TokenText, Vocabulary } from '@shard/protocol/model'
import { BATCH_SIZE, CPU_PREFILL_CHUNK, DEFAULT_CONTEXT, DEFAULT_SLOTS, GPU_PREFILL_CHUNK } from './constants.ts'
import { checkModelFile } from '../store/index.ts'
import { CostModel } from './cost-model.ts'
import { Decodes } from './decodes.ts'
import { fairBatching } from './fair-batching.ts'
import { LlamaSequence } from './llama-sequence.ts'
import { PromptTokenizer } from './prompt.ts'
import { calibrateThreads } from './threads.ts'
import type { GgmlTokenizer } from '@shard/protocol/model'
import type { Llama, LlamaContext, LlamaModel, Token } from 'node-llama-cpp'
import type { Logger } from 'pino'

export interface TargetInit {
  llama: Llama
  path: string
  log: Logger
  /** Generations that can be decoded at once. */
  slots?: number
  /** Tokens of prompt and answer together; default: the model's own, at most 8192. */
  contextLength?: number
  /** CPU threads; default: what a short measurement finds fastest. */
  threads?: number
  signal?: AbortSignal
}

/** The full model: tokenises, and gives sequences that share one context and one batch. */
export class Target {
  readonly vocabulary: Vocabulary
  readonly tokenizer: Uint8Array
  readonly prompts: PromptTokenizer
  readonly sequences: readonly LlamaSequence[]
  readonly prefillChunk: number
  readonly #model: LlamaModel
  readonly #context: LlamaContext

  private constructor(
    model: LlamaModel,
    context: LlamaContext,
    sequences: readonly LlamaSequence[],
    vocabulary: Vocabulary,
    tokenizer: Uint8Array,
    /** `cpu`, `vulkan`, `metal` or `cuda`. */
    readonly device: string,
    /** What a decode costs here, now. */
    readonly cost: CostModel
  ) {
    this.#model = model
    this.#context = context
    this.vocabulary = vocabulary
    this.tokenizer = tokenizer
    this.prompts = new PromptTokenizer(model)
    this.prefillChunk = device === 'cpu' ? CPU_PREFILL_CHUNK : GPU_PREFILL_CHUNK
    this.sequences = sequences
  }

  /** @throws Error with a sentence that says what to do where the file, the memory or the model does not serve */
  static async load({ llama, path, log, signal, ...wanted }: TargetInit): Promise<Target> {
    await checkModelFile(path, { signal })
    const model = await explain(path, async () => llama.loadModel({ modelPath: path, loadSignal: signal }))
    const metadata = model.fileInfo.metadata.tokenizer?.ggml as GgmlTokenizer | undefined
    if (metadata == null) {
      throw new ShardError('INCOMPATIBLE', `${path} has no tokenizer; it is not a language model.`)
    }
    const device = llama.gpu === false ? 'cpu' : llama.gpu
    const most = wanted.threads ?? (device === 'cpu' ? availableParallelism() : 1)
    const { threads } = wanted.threads == null ? await calibrateThreads(model, most) : { threads: wanted.threads }
    const contextLength = Math.min(wanted.contextLength ?? DEFAULT_CONTEXT, model.trainContextSize)
    const context = await explain(path, async () =>
      model.createContext({
        sequences: wanted.slots ?? DEFAULT_SLOTS,
        contextSize: contextLength,
        batchSize: BATCH_SIZE,
        threads,
        // bit-identical batches, see CPU_PREFILL_CHUNK
        flashAttention: true,
        batching: { itemPrioritizationStrategy: fairBatching },
        createSignal: signal
      })
    )
    const decodes = new Decodes()
    const sequences = Array.from(
      { length: context.totalSequences },
      () => new LlamaSequence(context.getSequence(), decodes)
    )
    const cost = await measure(sequences, model)
    decodes.onTime = (tokens, ms) => cost.observe(tokens, ms)
    log.info({ device, threads, cost, contextLength, slots: context.totalSequences }, 'target loaded')
    return new Target(model, context, sequences, new Vocabulary(metadata), await tokenizerHash(metadata), device, cost)
  }

  /** Tokens/s of one generation without drafts. */
  get speed(): number {
    return 1000 / this.cost.ms(1)
  }

  get contextLength(): number {
    return Math.min(this.#context.contextSize, this.#model.trainContextSize)
  }

  isEnd(token: number): boolean {
    return this.#model.isEogToken(token as Token)
  }

  text(): TokenText {
    return new TokenText(this.vocabulary)
  }

  async dispose(): Promise<void> {
    await this.#context.dispose()
    await this.#model.dispose()
  }
}

async function measure([sequence]: readonly LlamaSequence[], model: LlamaModel): Promise<CostModel> {
  const token = model.tokens.bos ?? model.tokens.eos ?? model.tokenize('a').at(0)
  if (sequence == null || token == null) {
    throw new ShardError('INCOMPATIBLE', 'The model has no token to measure with.')
  }
  return CostModel.measure(sequence, token)
}

/** What llama.cpp says is for those who know it; a user wants to know what to do. */
async function explain<T>(path: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    if (cause instanceof Error && cause.name === 'InsufficientMemoryError') {
      throw new Error(
        `There is not enough memory for ${path}. Take a smaller model, fewer --slots or a smaller --context. (${reason})`,
        { cause }
      )
    }
    throw new Error(`${path} cannot be loaded. Is it a complete GGUF file of a language model? (${reason})`, { cause })
  }
}
