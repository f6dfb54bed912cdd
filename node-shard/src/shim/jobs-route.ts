import { z } from 'zod'
import { clientGone } from './answers.ts'
import type { ApiContext } from './context.ts'
import { Jobs } from './jobs.ts'
import { parseBody } from './schema.ts'
import type { FastifyInstance } from 'fastify'

const query = z.strictObject({ request_id: z.uuid() })

/** `POST /broadcast-work`, `GET /pop-result` and `DELETE /pop-result`: answers for clients that can only poll. */
export function addJobRoutes(app: FastifyInstance, context: ApiContext): void {
  const jobs = new Jobs(context)
  app.post('/broadcast-work', async ({ body }, reply) => {
    const request_id = await jobs.start(body)
    return reply.code(202).send({ request_id })
  })
  app.get('/pop-result', async (request, reply) => {
    const { request_id } = parseBody(query, request.query)
    void reply.header('cache-control', 'no-store')
    return { request_id, ...(await jobs.pop(request_id, clientGone(reply))) }
  })
  app.delete('/pop-result', async (request, reply) => {
    jobs.cancel(parseBody(query, request.query).request_id)
    return reply.code(204).send()
  })
}
