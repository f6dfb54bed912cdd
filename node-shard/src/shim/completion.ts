import { randomUUID } from 'node:crypto'
import type { AnswerEnd } from './answer.ts'

/** Token counts of an answer, as OpenAI names them. */
export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
}

/** `POST /v1/chat/completions` without `stream`. */
export interface Completion {
  id: string
  object: 'chat.completion'
  created: number
  model: string
  choices: Array<{
    index: 0
    message: { role: 'assistant'; content: string; refusal: null }
    logprobs: null
    finish_reason: AnswerEnd['reason']
  }>
  usage: Usage
}

/** One event of a stream. */
export interface CompletionChunk {
  id: string
  object: 'chat.completion.chunk'
  created: number
  model: string
  choices: Array<{
    index: 0
    delta: { role?: 'assistant'; content?: string }
    logprobs: null
    finish_reason: AnswerEnd['reason'] | null
  }>
  /** Only where the client asked for it; null in all chunks but the last. */
  usage?: Usage | null
}

/** Writes the objects of one answer, which share their id, time and model. */
export class CompletionWriter {
  readonly #id = `chatcmpl-${randomUUID()}`
  /** Unix time, seconds. */
  readonly #created = Math.floor(Date.now() / 1000)
  readonly #model: string
  readonly #withUsage: boolean

  constructor(model: string, withUsage = false) {
    this.#model = model
    this.#withUsage = withUsage
  }

  whole(content: string, end: AnswerEnd): Completion {
    return {
      id: this.#id,
      object: 'chat.completion',
      created: this.#created,
      model: this.#model,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content, refusal: null },
          logprobs: null,
          finish_reason: end.reason
        }
      ],
      usage: usageOf(end)
    }
  }

  first(): CompletionChunk {
    return this.#chunk({ role: 'assistant', content: '' }, null)
  }

  piece(content: string): CompletionChunk {
    return this.#chunk({ content }, null)
  }

  last({ reason }: AnswerEnd): CompletionChunk {
    return this.#chunk({}, reason)
  }

  usage(end: AnswerEnd): CompletionChunk {
    return { ...this.#chunk({}, null), choices: [], usage: usageOf(end) }
  }

  #chunk(delta: CompletionChunk['choices'][0]['delta'], reason: AnswerEnd['reason'] | null): CompletionChunk {
    return {
      id: this.#id,
      object: 'chat.completion.chunk',
      created: this.#created,
      model: this.#model,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
      ...(this.#withUsage ? { usage: null } : {})
    }
  }
}

function usageOf({ figures }: AnswerEnd): Usage {
  return {
    prompt_tokens: figures.promptTokens,
    completion_tokens: figures.completionTokens,
    total_tokens: figures.promptTokens + figures.completionTokens
  }
}
