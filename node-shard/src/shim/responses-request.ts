import { z } from 'zod'
import { GENERATE_LIMITS } from '@shard/protocol/limits'
import { labels, model, OR_TEXT, parseBody, samplingFields, tokenLimit, toSampling, unsupported } from './schema.ts'
import type { ChatMessage } from '@shard/protocol/consume'
import type { BareQuestion } from './chat-request.ts'

export interface ResponsesRequest {
  model: string
  stream: boolean
  question: BareQuestion
  /** What the response repeats of its request. */
  repeat: {
    instructions: string | null
    max_output_tokens: number | null
    metadata: Record<string, string>
    temperature: number | null
    top_p: number | null
    user: string | null
    safety_identifier: string | null
    prompt_cache_key: string | null
  }
}

const part = z.strictObject({
  type: z.enum(['input_text', 'output_text', 'text'], 'is not supported by this server yet; use input_text'),
  text: z.string(),
  // parts of an answer that clients send back as they got them
  annotations: unsupported([]),
  logprobs: unsupported([])
})

const content = z
  .preprocess(
    (value) => (typeof value === 'string' ? [{ type: 'input_text', text: value }] : value),
    z.array(part, 'must be a text or a list of text parts').min(1)
  )
  .meta({ [OR_TEXT]: true })

const item = z.strictObject({
  type: z.literal('message', 'is not supported by this server yet; use message').nullish(),
  role: z.enum(['system', 'developer', 'user', 'assistant'], 'must be system, developer, user or assistant'),
  content,
  id: z.string().nullish(),
  status: z.string().nullish(),
  phase: unsupported()
})

export const responsesBody = z.strictObject({
  model,
  input: z
    .preprocess(
      (value) => (typeof value === 'string' ? [{ role: 'user', content: value }] : value),
      z.array(item, 'must be a text or a list of messages').min(1).max(GENERATE_LIMITS.maxMessages)
    )
    .meta({ [OR_TEXT]: true }),
  instructions: z.string().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: unsupported(false) }).nullish(),
  ...samplingFields,
  max_output_tokens: tokenLimit,
  background: unsupported(false),
  conversation: unsupported(),
  include: unsupported([]),
  max_tool_calls: unsupported(),
  parallel_tool_calls: z.boolean().nullish(),
  previous_response_id: unsupported(),
  prompt: unsupported(),
  reasoning: unsupported({}),
  service_tier: unsupported('auto', 'default'),
  store: unsupported(false),
  text: unsupported({}, { format: { type: 'text' } }),
  tools: unsupported([]),
  tool_choice: unsupported('none', 'auto'),
  top_logprobs: unsupported(0),
  truncation: unsupported('disabled'),
  ...labels
})

/**
 * Reads the body of `POST /v1/responses`. Nothing is stored here, so each request brings its whole conversation.
 *
 * @throws ApiError 400, naming the parameter
 */
export function parseResponsesRequest(value: unknown): ResponsesRequest {
  const data = parseBody(responsesBody, value)
  const system: ChatMessage[] = data.instructions == null ? [] : [{ role: 'system', content: data.instructions }]
  return {
    model: data.model,
    stream: data.stream === true,
    question: {
      messages: [...system, ...data.input.map(toMessage)],
      sampling: toSampling(data),
      maxTokens: data.max_output_tokens ?? undefined
    },
    repeat: {
      instructions: data.instructions ?? null,
      max_output_tokens: data.max_output_tokens ?? null,
      metadata: data.metadata ?? {},
      temperature: data.temperature ?? null,
      top_p: data.top_p ?? null,
      user: data.user ?? null,
      safety_identifier: data.safety_identifier ?? null,
      prompt_cache_key: data.prompt_cache_key ?? null
    }
  }
}

function toMessage({ role, content: parts }: z.output<typeof item>): ChatMessage {
  return {
    role: role === 'developer' ? 'system' : role,
    content: parts.map(({ text }) => text).join('\n')
  }
}
