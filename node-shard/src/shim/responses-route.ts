import { Answers, clientGone } from './answers.ts'
import type { ApiContext } from './context.ts'
import { wholeText } from './complete.ts'
import { resolveModel } from './models-route.ts'
import { ResponseWriter } from './response.ts'
import { parseResponsesRequest } from './responses-request.ts'
import { event, sendEvents } from './sse.ts'
import type { FastifyInstance } from 'fastify'

/** `POST /v1/responses`, of text, without memory. */
export function addResponsesRoute(app: FastifyInstance, context: ApiContext): void {
  app.post('/v1/responses', async ({ body }, reply) => {
    const { model, stream, question, repeat } = parseResponsesRequest(body)
    const { cid, id } = resolveModel(await context.init.models(), model)
    const writer = new ResponseWriter(id, repeat)
    const gone = clientGone(reply)
    const answers = new Answers(context, [{ ...question, model: cid }], gone)
    if (!stream) {
      const [answer] = await answers.all(wholeText)
      answers.setHeaders(reply)
      return writer.whole(answer!.text, answer!.end)
    }
    return sendEvents(reply, {
      events: streamOf(answers, writer),
      onBegin: () => answers.setHeaders(reply),
      failed: (error) => send(writer.failed(error)),
      gone,
      metrics: context.metrics,
      log: context.init.log
    })
  })
}

/** There is no [DONE] here: the last event says that it is the last. */
function streamOf(answers: Answers, writer: ResponseWriter): AsyncGenerator<string, void, undefined> {
  return answers.merged(async function* (answer) {
    try {
      await answer.begin()
      yield writer.first().map(send).join('')
      for await (const piece of answer.text()) {
        yield send(writer.piece(piece))
      }
      yield writer.last(answer.end).map(send).join('')
    } finally {
      await answer.cancel()
    }
  })
}

function send(data: { type: string }): string {
  return event(data, data.type)
}
