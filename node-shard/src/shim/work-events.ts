import { resolveModel } from './models-route.ts'
import { parseWork } from './work.ts'
import type { AnswerEvent } from '@shard/protocol/consume'
import type { ApiContext } from './answers.ts'

/** The events of the answer to a request of the SDK. */
export async function startWork(
  { init, metrics, stopping }: ApiContext,
  request: unknown,
  gone: AbortSignal
): Promise<AsyncGenerator<AnswerEvent, void, undefined>> {
  const { model, question } = parseWork(request)
  const { cid } = resolveModel(await init.models(), model)
  const asked = { ...question, model: cid, draftPolicy: init.draftPolicy }
  return metrics.observe(init.consumer.ask(asked, { signal: AbortSignal.any([stopping, gone]) }))
}
