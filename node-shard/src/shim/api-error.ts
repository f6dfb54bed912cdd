import { isShardError, type ShardError } from '@shard/protocol/errors'
import { RETRY_AFTER } from './constants.ts'
import type { FastifyReply } from 'fastify'

/** The body that OpenAI's API gives with every error. */
export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null }
}

/** An answer other than 2xx, in OpenAI's shape. The message is a sentence for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string | null
  readonly param: string | null

  constructor(status: number, message: string, detail: ErrorOptions & { code?: string; param?: string } = {}) {
    super(message, detail)
    this.status = status
    this.code = detail.code ?? null
    this.param = detail.param ?? null
  }

  get body(): ErrorBody {
    const type = this.status < 500 ? 'invalid_request_error' : 'server_error'
    return { error: { message: this.message, type, param: this.param, code: this.code } }
  }
}

/** What a client is told of any error. */
export function toApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) {
    return cause
  }
  if (isShardError(cause)) {
    return fromShardError(cause)
  }
  if (isHttpError(cause)) {
    return new ApiError(cause.statusCode, sentence(cause), { cause })
  }
  return new ApiError(500, 'The Shard failed at this request; its log says why.', { cause, code: 'internal' })
}

export function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  if (error.status === 503) {
    void reply.header('retry-after', String(RETRY_AFTER))
  }
  return reply.code(error.status).send(error.body)
}

function fromShardError(cause: ShardError): ApiError {
  const { message } = cause
  switch (cause.code) {
    case 'INVALID_REQUEST':
    case 'OVERSIZED':
      return new ApiError(400, message, { cause })
    case 'CONTEXT_OVERFLOW':
      return new ApiError(400, message, { cause, code: 'context_length_exceeded', param: 'messages' })
    case 'UNKNOWN_MODEL':
      return new ApiError(404, message, { cause, code: 'model_not_found', param: 'model' })
    case 'NO_SHARD':
    case 'BUSY':
      return new ApiError(503, message, { cause, code: cause.code.toLowerCase() })
    default:
      return new ApiError(502, message, { cause, code: cause.code.toLowerCase() })
  }
}

/** Fastify's own refusals: a body that is no JSON, that is too long, of another type. */
function isHttpError(error: unknown): error is Error & { statusCode: number } {
  return (
    error instanceof Error &&
    'statusCode' in error &&
    typeof error.statusCode === 'number' &&
    error.statusCode >= 400 &&
    error.statusCode < 500
  )
}

function sentence({ message }: Error): string {
  return /[.!?]$/.test(message) ? message : `${message}.`
}
