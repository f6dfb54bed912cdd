import { z } from 'zod'
import { GENERATE_LIMITS } from '@shard/protocol/limits'
import { toApiError, type ErrorBody } from './api-error.ts'
import { model, parseBody, samplingFields, stop, tokenLimit, toSampling } from './schema.ts'
import type { AnswerEvent } from '@shard/protocol/consume'
import type { BareQuestion } from './chat-request.ts'

/** What the SDK's clients are told of an answer, over WebSocket and over polls. */
export type WorkMessage =
  /** The next piece of the text, which may be empty, and the tokens that it was made of. */
  | { token: string; token_ids: number[] }
  | {
      event: 'done'
      finish_reason: 'stop' | 'length'
      usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
      /** With the same seed the answer is the same. */
      seed: number
    }
  | ({ event: 'error'; status: number } & ErrorBody)

export const workBody = z
  .strictObject({
    model,
    /** As it is, without a chat template. */
    prompt: z.string().min(1).nullish(),
    messages: z
      .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
      .min(1)
      .max(GENERATE_LIMITS.maxMessages)
      .nullish(),
    max_new_tokens: tokenLimit,
    stop,
    ...samplingFields
  })
  .refine(({ prompt, messages }) => (prompt == null) !== (messages == null), {
    path: ['prompt'],
    error: 'is needed, or messages; not both'
  })

/** What a client of the SDK asks. */
export type WorkRequest = z.input<typeof workBody>

/** @throws ApiError 400, naming the parameter */
export function parseWork(value: unknown): { model: string; question: BareQuestion } {
  const data = parseBody(workBody, value)
  return {
    model: data.model,
    question: {
      prompt: data.prompt ?? undefined,
      messages: data.messages ?? undefined,
      sampling: toSampling(data),
      maxTokens: data.max_new_tokens ?? undefined,
      stop: data.stop ?? undefined
    }
  }
}

/** An answer's events as messages; the last one says how it ended. Leaving the loop cancels the generation. */
export async function* toMessages(events: AsyncIterable<AnswerEvent>): AsyncGenerator<WorkMessage, void, undefined> {
  try {
    for await (const event of events) {
      if (event.type === 'commit') {
        yield { token: event.text, token_ids: event.tokens }
      } else if (event.type === 'done') {
        if (event.text !== '') {
          yield { token: event.text, token_ids: [] }
        }
        const { promptTokens, completionTokens, seed } = event.figures
        const total_tokens = promptTokens + completionTokens
        const usage = { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens }
        yield { event: 'done', finish_reason: event.reason, usage, seed }
      }
    }
  } catch (error) {
    yield errorMessage(error)
  }
}

export function errorMessage(error: unknown): WorkMessage {
  const { status, body } = toApiError(error)
  return { event: 'error', status, ...body }
}
