import { Answer } from './answer.ts'
import { merge } from './merge.ts'
import type { Question } from '@shard/protocol/consume'
import type { FastifyReply } from 'fastify'
import type { ApiContext } from './context.ts'

/** The answers of one request. They are generated side by side; if one fails, or the client leaves, all end. */
export class Answers {
  readonly #answers: Answer[]
  readonly #leave = new AbortController()

  constructor(context: ApiContext, questions: Question[], gone: AbortSignal) {
    const signal = AbortSignal.any([gone, this.#leave.signal])
    this.#answers = questions.map((question) => new Answer(context.ask(question, signal)))
  }

  /** Waits for all; `use` makes something of each. */
  async all<T>(use: (answer: Answer, index: number) => Promise<T>): Promise<T[]> {
    try {
      return await Promise.all(this.#answers.map(use))
    } finally {
      this.end()
    }
  }

  /** What `use` makes of each, as it comes. Every answer is cancelled when the generator ends. */
  merged<T>(
    use: (answer: Answer, index: number) => AsyncGenerator<T, void, undefined>
  ): AsyncGenerator<T, void, undefined> {
    return merge(this.#answers.map(use), () => this.end())
  }

  /** Cancels what still runs. */
  end(): void {
    this.#leave.abort(new Error('The request has ended.'))
  }

  /** Tells the client which Shard answers: of several, one of those that have begun. */
  setHeaders(reply: FastifyReply): void {
    const { peer, path } = this.#answers.find(({ begun }) => begun)?.start ?? {}
    if (peer != null) {
      void reply.header('x-shard-peer', peer)
    }
    if (path != null) {
      void reply.header('x-shard-path', path)
    }
  }
}

/** Aborts when the connection ends before the reply does. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) {
      gone.abort(new Error('The client is gone.'))
    }
  })
  return gone.signal
}
