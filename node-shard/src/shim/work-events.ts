import { resolveModel } from './models-route.ts'
import { parseWork } from './work.ts'
import type { AnswerEvent } from '@shard/protocol/consume'
import type { ApiContext } from './context.ts'

/** The events of the answer to a request of the SDK. */
export async function startWork(
  context: ApiContext,
  request: unknown,
  gone: AbortSignal
): Promise<AsyncGenerator<AnswerEvent, void, undefined>> {
  const { model, question } = parseWork(request)
  const { cid } = resolveModel(await context.init.models(), model)
  return context.ask({ ...question, model: cid }, gone)
}
