import { randomUUID } from 'node:crypto'
import { DEFAULT_SAMPLING } from '@shard/protocol/sampling'
import type { AnswerEnd } from './answer.ts'
import type { ApiError } from './api-error.ts'
import type { ResponsesRequest } from './responses-request.ts'

type Status = 'in_progress' | 'completed' | 'incomplete' | 'failed'

export interface ResponseEvent {
  type: string
  sequence_number: number
}

/** Writes the objects of one response of `/v1/responses`, whole and as numbered events. */
export class ResponseWriter {
  readonly #id = `resp_${randomUUID()}`
  readonly #message = `msg_${randomUUID()}`
  /** Unix time, seconds. */
  readonly #created = Math.floor(Date.now() / 1000)
  readonly #model: string
  readonly #repeat: ResponsesRequest['repeat']
  #sequence = 0
  #text = ''

  constructor(model: string, repeat: ResponsesRequest['repeat']) {
    this.#model = model
    this.#repeat = repeat
  }

  whole(text: string, end: AnswerEnd): object {
    return this.#response(statusOf(end), [this.#item(text, statusOf(end))], end)
  }

  first(): ResponseEvent[] {
    const response = this.#response('in_progress', [])
    return [
      this.#event('response.created', { response }),
      this.#event('response.in_progress', { response }),
      this.#event('response.output_item.added', { output_index: 0, item: this.#item(undefined, 'in_progress') }),
      this.#event('response.content_part.added', { ...this.#place, part: part('') })
    ]
  }

  piece(delta: string): ResponseEvent {
    this.#text += delta
    return this.#event('response.output_text.delta', { ...this.#place, delta, logprobs: [] })
  }

  last(end: AnswerEnd): ResponseEvent[] {
    const text = this.#text
    const item = this.#item(text, statusOf(end))
    const status = statusOf(end)
    return [
      this.#event('response.output_text.done', { ...this.#place, text, logprobs: [] }),
      this.#event('response.content_part.done', { ...this.#place, part: part(text) }),
      this.#event('response.output_item.done', { output_index: 0, item }),
      this.#event(`response.${status}`, { response: this.#response(status, [item], end) })
    ]
  }

  failed({ message, code }: ApiError): ResponseEvent {
    const output = this.#text === '' ? [] : [this.#item(this.#text, 'incomplete')]
    const response = { ...this.#response('failed', output), error: { code: code ?? 'server_error', message } }
    return this.#event('response.failed', { response })
  }

  get #place(): object {
    return { item_id: this.#message, output_index: 0, content_index: 0 }
  }

  #event(type: string, rest: object): ResponseEvent {
    return { type, sequence_number: this.#sequence++, ...rest }
  }

  /** @param text - undefined while there is none yet */
  #item(text: string | undefined, status: 'in_progress' | 'completed' | 'incomplete'): object {
    return {
      id: this.#message,
      type: 'message',
      status,
      role: 'assistant',
      content: text == null ? [] : [part(text)]
    }
  }

  #response(status: Status, output: object[], end?: AnswerEnd): object {
    return {
      id: this.#id,
      object: 'response',
      created_at: this.#created,
      status,
      background: false,
      error: null,
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      max_tool_calls: null,
      model: this.#model,
      output,
      parallel_tool_calls: true,
      previous_response_id: null,
      reasoning: { effort: null, summary: null },
      service_tier: 'default',
      store: false,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
      top_logprobs: 0,
      truncation: 'disabled',
      ...this.#repeat,
      temperature: this.#repeat.temperature ?? DEFAULT_SAMPLING.temperature,
      top_p: this.#repeat.top_p ?? DEFAULT_SAMPLING.topP,
      usage: end == null ? null : usageOf(end)
    }
  }
}

function part(text: string): object {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function statusOf({ reason }: AnswerEnd): 'completed' | 'incomplete' {
  return reason === 'length' ? 'incomplete' : 'completed'
}

function usageOf({ figures }: AnswerEnd): object {
  return {
    input_tokens: figures.promptTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: figures.completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: figures.promptTokens + figures.completionTokens
  }
}
