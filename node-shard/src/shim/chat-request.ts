import { z } from 'zod'
import { GENERATE_LIMITS } from '@shard/protocol/limits'
import { ApiError } from './api-error.ts'
import {
  choices,
  labels,
  model,
  OR_TEXT,
  parseBody,
  samplingFields,
  stop,
  streamFields,
  tokenLimit,
  toSampling,
  toStreaming,
  unsupported
} from './schema.ts'
import type { ChatMessage, Question } from '@shard/protocol/consume'

/** A question without what the server adds. */
export type BareQuestion = Omit<Question, 'model' | 'draftPolicy'>

/** A request that can be answered. */
export interface ChatRequest {
  /** A name or a CID. */
  model: string
  stream: boolean
  includeUsage: boolean
  /** How many answers. */
  n: number
  question: BareQuestion
}

const text = z.strictObject({
  type: z.literal('text', 'is not supported by this server yet; use text'),
  text: z.string()
})

/** A text, or parts that are all text. */
const content = z
  .preprocess(
    (value) => (typeof value === 'string' ? [{ type: 'text', text: value }] : value),
    z.array(text, 'must be a text or a list of text parts').min(1)
  )
  .meta({ [OR_TEXT]: true })

const message = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant'], 'must be system, developer, user or assistant'),
  content,
  // parts of an answer that clients send back as they got them
  refusal: unsupported(),
  annotations: unsupported([]),
  audio: unsupported(),
  tool_calls: unsupported([]),
  function_call: unsupported(),
  name: unsupported()
})

export const chatBody = z.strictObject({
  model,
  messages: z.array(message).min(1).max(GENERATE_LIMITS.maxMessages),
  ...streamFields,
  ...samplingFields,
  max_tokens: tokenLimit,
  max_completion_tokens: tokenLimit,
  stop,
  n: choices,
  tools: unsupported([]),
  tool_choice: unsupported('none', 'auto'),
  parallel_tool_calls: unsupported(),
  functions: unsupported(),
  function_call: unsupported('none', 'auto'),
  logprobs: unsupported(false),
  top_logprobs: unsupported(0),
  logit_bias: unsupported({}),
  response_format: unsupported({ type: 'text' }),
  modalities: unsupported(['text']),
  audio: unsupported(),
  prediction: unsupported(),
  reasoning_effort: unsupported('none'),
  verbosity: unsupported('medium'),
  web_search_options: unsupported(),
  service_tier: unsupported('auto', 'default'),
  store: unsupported(false),
  ...labels
})

/**
 * Reads the body of `POST /v1/chat/completions`.
 *
 * @throws ApiError 400, naming the parameter
 */
export function parseChatRequest(value: unknown): ChatRequest {
  const data = parseBody(chatBody, value)
  if (data.max_tokens != null && data.max_completion_tokens != null && data.max_tokens !== data.max_completion_tokens) {
    throw new ApiError(400, 'max_tokens and max_completion_tokens differ; give one of them.', { param: 'max_tokens' })
  }
  return {
    model: data.model,
    ...toStreaming(data),
    n: data.n ?? 1,
    question: {
      messages: data.messages.map(toMessage),
      sampling: toSampling(data),
      maxTokens: data.max_completion_tokens ?? data.max_tokens ?? undefined,
      stop: data.stop ?? undefined
    }
  }
}

/** `developer` is OpenAI's later word for `system`; parts are lines, as llama.cpp's server and vLLM join them. */
function toMessage({ role, content: parts }: z.output<typeof message>): ChatMessage {
  return {
    role: role === 'developer' ? 'system' : role,
    content: parts.map((part) => part.text).join('\n')
  }
}
