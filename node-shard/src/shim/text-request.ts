import { z } from 'zod'
import {
  choices,
  labels,
  MAX_CHOICES,
  model,
  parseBody,
  samplingFields,
  stop,
  streamFields,
  texts,
  tokenLimit,
  toSampling,
  toStreaming,
  unsupported
} from './schema.ts'
import { ApiError } from './api-error.ts'
import type { BareQuestion } from './chat-request.ts'

/** OpenAI's own default for this endpoint, which clients rely on. */
const DEFAULT_MAX_TOKENS = 16

export interface TextRequest {
  model: string
  stream: boolean
  includeUsage: boolean
  /** Answers to each prompt. */
  n: number
  /** Whether an answer begins with its prompt. */
  echo: boolean
  /** One for each prompt. */
  questions: Array<BareQuestion & { prompt: string }>
}

export const textBody = z.strictObject({
  model,
  prompt: texts(
    z
      .array(z.string('must be a text: token ids are not supported by this server yet').min(1), {
        error: 'must be a text or a list of texts'
      })
      .min(1)
      .max(MAX_CHOICES)
  ),
  ...streamFields,
  ...samplingFields,
  max_tokens: tokenLimit.describe(`Default: ${DEFAULT_MAX_TOKENS}`),
  stop,
  n: choices,
  echo: z.boolean().nullish(),
  best_of: unsupported(1),
  suffix: unsupported(''),
  logprobs: unsupported(),
  logit_bias: unsupported({}),
  user: labels.user
})

/**
 * Reads the body of `POST /v1/completions`.
 *
 * @throws ApiError 400, naming the parameter
 */
export function parseTextRequest(value: unknown): TextRequest {
  const data = parseBody(textBody, value)
  const n = data.n ?? 1
  if (n * data.prompt.length > MAX_CHOICES) {
    throw new ApiError(
      400,
      `${data.prompt.length} prompts with ${n} answers each are more than ${MAX_CHOICES} answers; ask several times.`,
      { param: 'n' }
    )
  }
  return {
    model: data.model,
    ...toStreaming(data),
    n,
    echo: data.echo === true,
    questions: data.prompt.map((prompt) => ({
      prompt,
      sampling: toSampling(data),
      maxTokens: data.max_tokens ?? DEFAULT_MAX_TOKENS,
      stop: data.stop ?? undefined
    }))
  }
}
