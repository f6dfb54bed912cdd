import { Readable } from 'node:stream'
import { toApiError, type ApiError } from './api-error.ts'
import { codeOf, type ApiMetrics } from './metrics.ts'
import type { FastifyBaseLogger, FastifyReply } from 'fastify'

/** A server-sent event. `data` is one line: JSON has no line breaks. */
export function event(data: object, name?: string): string {
  return `${name == null ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`
}

export const DONE = 'data: [DONE]\n\n'

export interface StreamInit {
  /** Errors before the first event have a status of their own. */
  events: AsyncGenerator<string, void, undefined>
  /** Called before the first byte is sent. */
  onBegin: () => void
  /** The event that tells of an error in mid-answer, with which the stream ends. */
  failed: (error: ApiError) => string
  gone: AbortSignal
  metrics: ApiMetrics
  log: FastifyBaseLogger
}

/** Replies with a stream of events, each sent as soon as it is there and not generated before the last ones are read. */
export async function sendEvents(reply: FastifyReply, init: StreamInit): Promise<FastifyReply> {
  const first = await init.events.next()
  init.onBegin()
  return reply
    .type('text/event-stream; charset=utf-8')
    .header('cache-control', 'no-cache')
    .send(Readable.from(all(first, init), { objectMode: false }))
}

async function* all(
  first: IteratorResult<string, void>,
  { events, failed, gone, metrics, log }: StreamInit
): AsyncGenerator<string, void, undefined> {
  try {
    if (first.done !== true) {
      yield first.value
      yield* events
    }
  } catch (error) {
    const told = toApiError(error)
    if (!gone.aborted) {
      metrics.error(codeOf(told))
      log.warn({ err: error }, 'an answer was broken off')
    }
    yield failed(told)
  } finally {
    await events.return()
  }
}
