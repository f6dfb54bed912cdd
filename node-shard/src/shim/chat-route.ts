import { parseChatRequest } from './chat-request.ts'
import { complete, repeated } from './complete.ts'
import { chatWriter } from './completion.ts'
import { resolveModel } from './models-route.ts'
import type { FastifyInstance } from 'fastify'
import type { ApiContext } from './context.ts'

/** `POST /v1/chat/completions`, with and without `stream`. */
export function addChatRoute(app: FastifyInstance, context: ApiContext): void {
  app.post('/v1/chat/completions', async ({ body }, reply) => {
    const { model, n, stream, includeUsage, question } = parseChatRequest(body)
    const { cid, id } = resolveModel(await context.init.models(), model)
    const writer = chatWriter({ model: id, n, withUsage: includeUsage })
    return complete(context, reply, { model: cid, questions: repeated(question, n), stream, includeUsage, writer })
  })
}
