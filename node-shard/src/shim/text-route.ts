import { complete, repeated } from './complete.ts'
import { textWriter } from './completion.ts'
import { resolveModel } from './models-route.ts'
import { parseTextRequest } from './text-request.ts'
import type { FastifyInstance } from 'fastify'
import type { ApiContext } from './context.ts'

/** `POST /v1/completions`: text that goes on where a prompt ends, without a chat template. */
export function addTextRoute(app: FastifyInstance, context: ApiContext): void {
  app.post('/v1/completions', async ({ body }, reply) => {
    const { model, n, echo, stream, includeUsage, questions: prompts } = parseTextRequest(body)
    const { cid, id } = resolveModel(await context.init.models(), model)
    const questions = prompts.flatMap((question) => repeated(question, n))
    const writer = textWriter(
      { model: id, n, withUsage: includeUsage },
      echo ? questions.map(({ prompt }) => prompt) : undefined
    )
    return complete(context, reply, { model: cid, questions, stream, includeUsage, writer })
  })
}
