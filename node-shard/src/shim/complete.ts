import { SEED_LIMIT } from '@shard/protocol/sampling'
import { Answers, clientGone } from './answers.ts'
import type { ApiContext } from './context.ts'
import { DONE, event, sendEvents } from './sse.ts'
import type { CID } from 'multiformats/cid'
import type { FastifyReply } from 'fastify'
import type { Answer, AnswerEnd } from './answer.ts'
import type { BareQuestion } from './chat-request.ts'
import type { CompletionWriter } from './completion.ts'

export interface CompleteInit {
  model: CID
  /** In the order of the answers. */
  questions: BareQuestion[]
  stream: boolean
  includeUsage: boolean
  writer: CompletionWriter
}

/** Replies to a request of the chat and the text endpoint, which differ in what they write only. */
export async function complete(context: ApiContext, reply: FastifyReply, init: CompleteInit): Promise<unknown> {
  const { model, writer } = init
  const gone = clientGone(reply)
  const answers = new Answers(
    context,
    init.questions.map((question) => ({ ...question, model })),
    gone
  )
  if (!init.stream) {
    const texts = await answers.all(wholeText)
    answers.setHeaders(reply)
    return writer.whole(
      texts.map(({ text }) => text),
      texts.map(({ end }) => end)
    )
  }
  return sendEvents(reply, {
    events: streamOf(answers, init),
    onBegin: () => answers.setHeaders(reply),
    failed: (error) => event(error.body),
    gone,
    metrics: context.metrics,
    log: context.init.log
  })
}

/** Asks the same `n` times: the i-th answer has the seed plus i, so that it can be asked for again by itself. */
export function repeated<T extends BareQuestion>(question: T, n: number): T[] {
  return Array.from({ length: n }, (_, index) => {
    const seed = question.sampling?.seed
    return seed == null
      ? question
      : { ...question, sampling: { ...question.sampling, seed: (seed + index) % SEED_LIMIT } }
  })
}

export async function wholeText(answer: Answer): Promise<{ text: string; end: AnswerEnd }> {
  await answer.begin()
  let text = ''
  for await (const piece of answer.text()) {
    text += piece
  }
  return { text, end: answer.end }
}

async function* streamOf(
  answers: Answers,
  { writer, includeUsage }: CompleteInit
): AsyncGenerator<string, void, undefined> {
  const ends: AnswerEnd[] = []
  yield* answers.merged(async function* (answer, index) {
    try {
      await answer.begin()
      yield event(writer.first(index))
      for await (const piece of answer.text()) {
        yield event(writer.piece(index, piece))
      }
      ends[index] = answer.end
      yield event(writer.last(index, answer.end))
    } finally {
      await answer.cancel()
    }
  })
  if (includeUsage) {
    yield event(writer.usage(ends))
  }
  yield DONE
}
