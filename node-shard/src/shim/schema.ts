import { z } from 'zod'
import { GENERATE_LIMITS, MAX_CONTEXT_TOKENS } from '@shard/protocol/limits'
import { SAMPLING_RANGES, SEED_LIMIT } from '@shard/protocol/sampling'
import { ApiError } from './api-error.ts'
import type { SamplingParameters } from '@shard/protocol/generate'

/** Answers to one request. A Shard's queue is 32 long; one client should not fill it. */
export const MAX_CHOICES = 16

const NOT_YET = 'is not supported by this server yet; leave it out'

/** Accepts only the values of a parameter that ask for nothing, so that what is not supported is never ignored. */
export function unsupported(...accepted: unknown[]): z.ZodOptional<z.ZodType> {
  const harmless = [null, ...accepted]
  const texts = harmless.map((value) => JSON.stringify(value))
  return z
    .any()
    .refine((value) => texts.includes(JSON.stringify(value)), {
      params: { code: 'unsupported_parameter' },
      error: NOT_YET
    })
    .meta({ enum: harmless, description: 'Other values are refused: not supported yet.' })
    .optional()
}

function range([least, most]: readonly [number, number]): z.ZodOptional<z.ZodNullable<z.ZodNumber>> {
  return z.number().min(least).max(most).nullish()
}

/** A list of texts, for which one text may be given alone. Its JSON Schema says so: see openapi.ts. */
export function texts<T extends z.ZodType>(list: T): z.ZodPreprocess<T> {
  return z.preprocess((value) => (typeof value === 'string' ? [value] : value), list).meta({ [OR_TEXT]: true })
}

/** Marks lists that may also be one text. */
export const OR_TEXT = 'x-or-text'

export const model = z.string().min(1).max(256).meta({ description: 'A name or a CID, as /v1/models lists them.' })

export const tokenLimit = z.int().min(1).max(MAX_CONTEXT_TOKENS).nullish()

export const stop = texts(
  z
    .array(z.string().min(1).max(GENERATE_LIMITS.maxStopLength), 'must be a text or a list of texts')
    .max(GENERATE_LIMITS.maxStopStrings)
).nullish()

export const choices = z.int().min(1).max(MAX_CHOICES).nullish()

export const samplingFields = {
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
    .nullish()
}

export const streamFields = {
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: unsupported(false) })
    .nullish()
}

/** Labels for the provider's own books; they ask for nothing in the answer. */
export const labels = {
  metadata: z.record(z.string(), z.string()).nullish(),
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish()
}

type SamplingFields = z.output<z.ZodObject<typeof samplingFields>>

export function toSampling(data: SamplingFields): Partial<SamplingParameters> {
  return {
    temperature: data.temperature ?? undefined,
    topP: data.top_p ?? undefined,
    minP: data.min_p ?? undefined,
    topK: data.top_k ?? undefined,
    repetitionPenalty: data.repetition_penalty ?? undefined,
    presencePenalty: data.presence_penalty ?? undefined,
    frequencyPenalty: data.frequency_penalty ?? undefined,
    seed: data.seed ?? undefined
  }
}

/** @throws ApiError 400 where options of streams are given for an answer that is none */
export function toStreaming(data: z.output<z.ZodObject<typeof streamFields>>): {
  stream: boolean
  includeUsage: boolean
} {
  if (data.stream_options != null && data.stream !== true) {
    throw new ApiError(400, 'stream_options is for streams only; leave it out, or set stream.', {
      param: 'stream_options'
    })
  }
  return { stream: data.stream === true, includeUsage: data.stream_options?.include_usage === true }
}

/**
 * Reads a body.
 *
 * @throws ApiError 400, naming the parameter
 */
export function parseBody<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value)
  if (!result.success) {
    throw toError(result.error)
  }
  return result.data
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
