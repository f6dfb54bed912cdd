import { z } from 'zod'
import { GENERATE_LIMITS, MAX_CONTEXT_TOKENS } from '@shard/protocol/limits'
import { SAMPLING_RANGES, SEED_LIMIT } from '@shard/protocol/sampling'
import { ApiError } from './api-error.ts'
import type { ChatMessage, Question } from '@shard/protocol/consume'

/** A request that can be answered. */
export interface ChatRequest {
  /** A name or a CID. */
  model: string
  stream: boolean
  includeUsage: boolean
  question: Omit<Question, 'model' | 'draftPolicy'>
}

/** Accepts only the values of a parameter that ask for nothing, so that what is not supported is never ignored. */
function unsupported(...accepted: unknown[]): z.ZodOptional<z.ZodType> {
  const harmless = [null, ...accepted].map((value) => JSON.stringify(value))
  return z
    .any()
    .refine((value) => harmless.includes(JSON.stringify(value)), {
      params: { code: 'unsupported_parameter' },
      error: 'is not supported by this server yet; leave it out'
    })
    .optional()
}

function range([least, most]: readonly [number, number]): z.ZodType<number | null | undefined> {
  return z.number().min(least).max(most).nullish()
}

const text = z.strictObject({
  type: z.literal('text', 'is not supported by this server yet; use text'),
  text: z.string()
})

/** A text, or parts that are all text. */
const content = z.preprocess(
  (value) => (typeof value === 'string' ? [{ type: 'text', text: value }] : value),
  z.array(text, 'must be a text or a list of text parts').min(1)
)

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

const stopString = z.string().min(1).max(GENERATE_LIMITS.maxStopLength)
const tokenLimit = z.int().min(1).max(MAX_CONTEXT_TOKENS).nullish()

const body = z.strictObject({
  model: z.string().min(1).max(256),
  messages: z.array(message).min(1).max(GENERATE_LIMITS.maxMessages),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: unsupported(false) })
    .nullish(),
  temperature: range(SAMPLING_RANGES.temperature),
  top_p: range(SAMPLING_RANGES.topP),
  min_p: range(SAMPLING_RANGES.minP),
  top_k: z.int().min(0).max(0xffffffff).nullish(),
  repetition_penalty: range(SAMPLING_RANGES.repetitionPenalty),
  presence_penalty: range(SAMPLING_RANGES.presencePenalty),
  frequency_penalty: range(SAMPLING_RANGES.frequencyPenalty),
  seed: z
    .int()
    .min(0)
    .max(SEED_LIMIT - 1)
    .nullish(),
  max_tokens: tokenLimit,
  max_completion_tokens: tokenLimit,
  stop: z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      z.array(stopString, 'must be a text or a list of texts').max(GENERATE_LIMITS.maxStopStrings)
    )
    .nullish(),
  n: unsupported(1),
  tools: unsupported(),
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
  // Labels for the provider's own books; they ask for nothing in the answer.
  metadata: z.record(z.string(), z.string()).nullish(),
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish()
})

/**
 * Reads the body of `POST /v1/chat/completions`.
 *
 * @throws ApiError 400, naming the parameter
 */
export function parseChatRequest(value: unknown): ChatRequest {
  const result = body.safeParse(value)
  if (!result.success) {
    throw toError(result.error)
  }
  const { data } = result
  if (data.max_tokens != null && data.max_completion_tokens != null && data.max_tokens !== data.max_completion_tokens) {
    throw new ApiError(400, 'max_tokens and max_completion_tokens differ; give one of them.', { param: 'max_tokens' })
  }
  if (data.stream_options != null && data.stream !== true) {
    throw new ApiError(400, 'stream_options is for streams only; leave it out, or set stream.', {
      param: 'stream_options'
    })
  }
  return {
    model: data.model,
    stream: data.stream === true,
    includeUsage: data.stream_options?.include_usage === true,
    question: {
      messages: data.messages.map(toMessage),
      sampling: {
        temperature: data.temperature ?? undefined,
        topP: data.top_p ?? undefined,
        minP: data.min_p ?? undefined,
        topK: data.top_k ?? undefined,
        repetitionPenalty: data.repetition_penalty ?? undefined,
        presencePenalty: data.presence_penalty ?? undefined,
        frequencyPenalty: data.frequency_penalty ?? undefined,
        seed: data.seed ?? undefined
      },
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

function toError(error: z.ZodError): ApiError {
  const [issue] = error.issues
  if (issue?.code === 'unrecognized_keys') {
    const param = path([...issue.path, issue.keys[0] ?? ''])
    return new ApiError(400, `${param} is not known to this server; leave it out.`, {
      param,
      code: 'unknown_parameter'
    })
  }
  const param = path(issue?.path ?? [])
  const code: unknown = issue?.code === 'custom' ? issue.params?.code : undefined
  return new ApiError(400, `${param === '' ? 'The body' : param}: ${issue?.message ?? 'is not valid'}.`, {
    param: param === '' ? undefined : param,
    code: typeof code === 'string' ? code : undefined
  })
}

function path(keys: readonly PropertyKey[]): string {
  return keys.reduce<string>((text, key) => {
    if (typeof key === 'number') {
      return `${text}[${key}]`
    }
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}
