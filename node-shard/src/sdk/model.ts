import { pollTransport } from './http-poll.ts'
import { GenerateError } from './types.ts'
import { websocketTransport } from './websocket.ts'
import type { ChatMessage } from '@shard/protocol/consume'
import type { WorkRequest } from '../shim/work.ts'
import type { GenerateOptions, Generated, LoadOptions, Prompt, StreamedToken, Transport } from './types.ts'

const LOCAL = 'http://127.0.0.1:9091'

/** What transformers.js's text-generation pipeline gives: of a text, the text; of a conversation, the conversation. */
export interface PipelineOutput<T extends Prompt = Prompt> {
  generated_text: T extends string ? string : ChatMessage[]
}

/** A model that the swarm runs, with the methods of a local one. */
export class ShardDistributedModel {
  readonly #id: string
  readonly #transport: Transport
  readonly #closing = new AbortController()

  private constructor(id: string, transport: Transport) {
    this.#id = id
    this.#transport = transport
  }

  /**
   * @param id - a model's name, as `/v1/models` lists it, or the CID of its manifest
   * @throws GenerateError where the swarm cannot be entered, or does not have the model
   */
  static async fromPretrained(id: string, options: LoadOptions = {}): Promise<ShardDistributedModel> {
    const { tokenizerName } = options
    if (tokenizerName != null && tokenizerName !== id) {
      throw new GenerateError(
        `A Shard tokenizes with its model's own tokenizer, not with ${tokenizerName}; leave tokenizerName out.`,
        { status: 400, code: 'unsupported_parameter' }
      )
    }
    return new ShardDistributedModel(id, await open(id, options))
  }

  /** The whole answer. */
  async generate(prompt: Prompt, options: GenerateOptions = {}): Promise<Generated> {
    const generated = { text: '', tokenIds: [] as number[] }
    const stream = this.streamGenerate(prompt, options)
    while (true) {
      const { done, value } = await stream.next()
      if (done === true) {
        return { ...generated, ...value }
      }
      generated.text += value.text
      generated.tokenIds.push(...value.tokenIds)
    }
  }

  /** The answer piece by piece. Leaving the loop cancels it. Returns how it ended. */
  async *streamGenerate(
    prompt: Prompt,
    options: GenerateOptions = {}
  ): AsyncGenerator<StreamedToken, Omit<Generated, keyof StreamedToken>, undefined> {
    const work = toWork(this.#id, prompt, options)
    const { signal: caller } = options
    const signal = caller == null ? this.#closing.signal : AbortSignal.any([caller, this.#closing.signal])
    signal.throwIfAborted()
    for await (const message of this.#transport.send(work, signal)) {
      if (!('event' in message)) {
        yield { text: message.token, tokenIds: message.token_ids }
      } else if (message.event === 'done') {
        const { finish_reason: finishReason, usage, seed } = message
        return { finishReason, promptTokens: usage.prompt_tokens, seed }
      } else {
        signal.throwIfAborted()
        throw new GenerateError(message.error.message, { status: message.status, code: message.error.code })
      }
    }
    signal.throwIfAborted()
    throw new GenerateError('The answer ended before it was complete; ask again.', {
      status: 502,
      code: 'disconnected'
    })
  }

  /** As the function that transformers.js's `pipeline('text-generation', id)` gives; bound, so it can be passed on. */
  readonly pipeline = async <T extends Prompt>(
    prompt: T,
    options: GenerateOptions = {}
  ): Promise<[PipelineOutput<T>]> => {
    const { text } = await this.generate(prompt, options)
    const all = typeof prompt === 'string' ? prompt + text : [...prompt, { role: 'assistant', content: text }]
    return [{ generated_text: all as PipelineOutput<T>['generated_text'] }]
  }

  /** Cancels what runs, and leaves the swarm. */
  async close(): Promise<void> {
    this.#closing.abort(new GenerateError('The model was closed.', { status: 499, code: 'closed' }))
    await this.#transport.close()
  }
}

async function open(id: string, options: LoadOptions): Promise<Transport> {
  const { relays = [], consumer, apiKey, signal } = options
  const routerUrl = (options.routerUrl ?? LOCAL).replace(/\/(v1\/?)?$/, '')
  const transport = options.transport ?? (relays.length > 0 || consumer != null ? 'p2p' : 'websocket')
  switch (transport) {
    case 'websocket':
      return websocketTransport(options.websocketUrl ?? `${routerUrl.replace(/^http/, 'ws')}/ws/generate`, apiKey)
    case 'http_poll':
      return pollTransport(routerUrl, apiKey)
    case 'p2p': {
      // a page that uses a local server needs no libp2p
      const { consumerTransport, joinSwarm } = await import('./p2p.ts')
      return consumer == null
        ? joinSwarm(id, relays, signal)
        : consumerTransport(
            consumer,
            () => [],
            async () => {}
          )
    }
    default:
      throw new GenerateError(`"${String(transport)}" is no transport; use websocket, http_poll or p2p.`, {
        status: 400,
        code: 'unsupported_parameter'
      })
  }
}

function toWork(model: string, prompt: Prompt, options: GenerateOptions): WorkRequest {
  const sample = options.doSample ?? options.do_sample
  return {
    model,
    ...(typeof prompt === 'string' ? { prompt } : { messages: conversation(prompt) }),
    max_new_tokens: options.maxNewTokens ?? options.max_new_tokens,
    temperature: sample === false ? 0 : options.temperature,
    top_p: options.topP ?? options.top_p,
    top_k: options.topK ?? options.top_k,
    min_p: options.minP ?? options.min_p,
    repetition_penalty: options.repetitionPenalty ?? options.repetition_penalty,
    seed: options.seed,
    stop: options.stop
  }
}

function conversation(prompt: unknown): ChatMessage[] {
  if (!Array.isArray(prompt) || prompt.some((message) => typeof message !== 'object')) {
    throw new GenerateError('The prompt must be a text or a list of messages; token ids are not supported yet.', {
      status: 400,
      code: 'unsupported_parameter'
    })
  }
  return prompt as ChatMessage[]
}
