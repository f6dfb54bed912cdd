import { Answer } from './answer.ts'
import { merge } from './merge.ts'
import type { Question } from '@shard/protocol/consume'
import type { FastifyReply } from 'fastify'
import type { ApiMetrics } from './metrics.ts'
import type { ShimInit } from './types.ts'

/** What the routes of the API share. */
export interface ApiContext {
  init: ShimInit
  metrics: ApiMetrics
  /** Aborts when the server closes. */
  stopping: AbortSignal
}

/** The answers of one request. They are generated side by side; if one fails, or the client leaves, all end. */
export class Answers {
  readonly #answers: Answer[]
  readonly #leave = new AbortController()

  constructor({ init, metrics, stopping }: ApiContext, questions: Question[], gone: AbortSignal) {
    const signal = AbortSignal.any([stopping, gone, this.#leave.signal])
    this.#answers = questions.map((question) => {
      const asked = { draftPolicy: init.draftPolicy, ...question }
      return new Answer(metrics.observe(init.consumer.ask(asked, { signal })))
    })
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
