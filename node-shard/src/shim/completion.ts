import { randomUUID } from 'node:crypto'
import type { AnswerEnd } from './answer.ts'

/** Token counts of an answer, as OpenAI names them. */
export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
}

type FinishReason = AnswerEnd['reason']

interface Envelope<T extends string, Choice> {
  id: string
  object: T
  /** Unix time, seconds. */
  created: number
  model: string
  choices: Choice[]
  /** In chunks only where the client asked for it; null in all chunks but the last. */
  usage?: Usage | null
}

/** `POST /v1/chat/completions` without `stream`. */
export type ChatCompletion = Envelope<
  'chat.completion',
  {
    index: number
    message: { role: 'assistant'; content: string; refusal: null }
    logprobs: null
    finish_reason: FinishReason
  }
>

/** One event of a stream. */
export type ChatCompletionChunk = Envelope<
  'chat.completion.chunk',
  {
    index: number
    delta: { role?: 'assistant'; content?: string }
    logprobs: null
    finish_reason: FinishReason | null
  }
>

/** `POST /v1/completions`, whole and in events. */
export type TextCompletion = Envelope<
  'text_completion',
  { index: number; text: string; logprobs: null; finish_reason: FinishReason | null }
>

/** Writes the objects of one reply, which share their id, time and model. `index` is that of an answer. */
export interface CompletionWriter {
  whole(texts: string[], ends: AnswerEnd[]): object
  /** Begins an answer's part of the stream. */
  first(index: number): object
  piece(index: number, text: string): object
  last(index: number, end: AnswerEnd): object
  usage(ends: AnswerEnd[]): object
}

export interface WriterInit {
  /** As the client knows it. */
  model: string
  /** Answers to each prompt, whose tokens count once. */
  n: number
  /** Whether chunks bear a `usage`. */
  withUsage: boolean
}

export function chatWriter({ model, n, withUsage }: WriterInit): CompletionWriter {
  const base = envelope('chatcmpl', model)
  const chunk = (choices: ChatCompletionChunk['choices']): ChatCompletionChunk => ({
    ...base,
    object: 'chat.completion.chunk',
    choices,
    ...(withUsage ? { usage: null } : {})
  })
  return {
    whole: (texts, ends): ChatCompletion => ({
      ...base,
      object: 'chat.completion',
      choices: texts.map((content, index) => ({
        index,
        message: { role: 'assistant', content, refusal: null },
        logprobs: null,
        finish_reason: ends[index]!.reason
      })),
      usage: usageOf(ends, n)
    }),
    first: (index) =>
      chunk([{ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }]),
    piece: (index, content) => chunk([{ index, delta: { content }, logprobs: null, finish_reason: null }]),
    last: (index, { reason }) => chunk([{ index, delta: {}, logprobs: null, finish_reason: reason }]),
    usage: (ends) => ({ ...chunk([]), usage: usageOf(ends, n) })
  }
}

/** @param prompts - given where answers begin with their prompt (`echo`); one for each answer */
export function textWriter({ model, n, withUsage }: WriterInit, prompts?: string[]): CompletionWriter {
  const base = envelope('cmpl', model)
  const make = (choices: TextCompletion['choices']): TextCompletion => ({ ...base, object: 'text_completion', choices })
  const chunk = (index: number, text: string, finish_reason: FinishReason | null): TextCompletion => ({
    ...make([{ index, text, logprobs: null, finish_reason }]),
    ...(withUsage ? { usage: null } : {})
  })
  return {
    whole: (texts, ends) => ({
      ...make(
        texts.map((text, index) => ({
          index,
          text: `${prompts?.[index] ?? ''}${text}`,
          logprobs: null,
          finish_reason: ends[index]!.reason
        }))
      ),
      usage: usageOf(ends, n)
    }),
    first: (index) => chunk(index, prompts?.[index] ?? '', null),
    piece: (index, text) => chunk(index, text, null),
    last: (index, { reason }) => chunk(index, '', reason),
    usage: (ends) => ({ ...make([]), usage: usageOf(ends, n) })
  }
}

function envelope(prefix: string, model: string): { id: string; created: number; model: string } {
  return { id: `${prefix}-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model }
}

function usageOf(ends: AnswerEnd[], n: number): Usage {
  const prompt = ends.reduce((sum, { figures }) => sum + figures.promptTokens, 0) / n
  const completion = ends.reduce((sum, { figures }) => sum + figures.completionTokens, 0)
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
}
