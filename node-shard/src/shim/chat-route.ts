import { Readable } from 'node:stream'
import { Answer } from './answer.ts'
import { toApiError } from './api-error.ts'
import { parseChatRequest, type ChatRequest } from './chat-request.ts'
import { CompletionWriter, type Completion } from './completion.ts'
import { resolveModel } from './models-route.ts'
import type { ShimInit } from './types.ts'
import type { FastifyInstance, FastifyReply } from 'fastify'

/**
 * `POST /v1/chat/completions`, with and without `stream`.
 *
 * @param stopping - aborts when the server closes
 */
export function addChatRoute(app: FastifyInstance, init: ShimInit, stopping: AbortSignal): void {
  app.post('/v1/chat/completions', async ({ body }, reply) => {
    const request = parseChatRequest(body)
    const { cid, id } = resolveModel(await init.models(), request.model)
    const gone = clientGone(reply)
    const question = { ...request.question, model: cid, draftPolicy: init.draftPolicy }
    const answer = new Answer(init.consumer.ask(question, { signal: AbortSignal.any([stopping, gone]) }))
    await answer.begin()
    setAnswerHeaders(reply, answer)
    if (!request.stream) {
      return complete(answer, id)
    }
    const writer = new CompletionWriter(id, request.includeUsage)
    const onError = (error: unknown): void => {
      if (!gone.aborted) {
        init.log.warn({ err: error }, 'an answer was broken off')
      }
    }
    return reply
      .type('text/event-stream; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(Readable.from(streamOf(answer, writer, request, onError), { objectMode: false }))
  })
}

async function complete(answer: Answer, model: string): Promise<Completion> {
  let content = ''
  for await (const piece of answer.text()) {
    content += piece
  }
  return new CompletionWriter(model).whole(content, answer.end)
}

/** Server-sent events. An error ends them with an event of its own, and no [DONE]. */
async function* streamOf(
  answer: Answer,
  writer: CompletionWriter,
  { includeUsage }: ChatRequest,
  onError: (error: unknown) => void
): AsyncGenerator<string, void, undefined> {
  try {
    yield event(writer.first())
    for await (const piece of answer.text()) {
      yield event(writer.piece(piece))
    }
    yield event(writer.last(answer.end))
    if (includeUsage) {
      yield event(writer.usage(answer.end))
    }
    yield 'data: [DONE]\n\n'
  } catch (error) {
    onError(error)
    yield event(toApiError(error).body)
  } finally {
    await answer.cancel()
  }
}

function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

function setAnswerHeaders(reply: FastifyReply, { start }: Answer): void {
  if (start.peer != null) {
    void reply.header('x-shard-peer', start.peer)
  }
  if (start.path != null) {
    void reply.header('x-shard-path', start.path)
  }
}

/** Aborts when the connection ends before the reply does. */
function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) {
      gone.abort()
    }
  })
  return gone.signal
}
