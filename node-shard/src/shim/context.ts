import { MAX_ANSWERS, MAX_WAITING } from './constants.ts'
import { Turns } from './turns.ts'
import type { AnswerEvent, Question } from '@shard/protocol/consume'
import type { ApiMetrics } from './metrics.ts'
import type { ShimInit } from './types.ts'

/** What the routes of the API share. */
export class ApiContext {
  readonly init: ShimInit
  readonly metrics: ApiMetrics
  readonly #stopping: AbortSignal
  readonly #turns = new Turns({ atOnce: MAX_ANSWERS, waiting: MAX_WAITING })

  /** @param stopping - aborts when the server closes */
  constructor(init: ShimInit, metrics: ApiMetrics, stopping: AbortSignal) {
    this.init = init
    this.metrics = metrics
    this.#stopping = stopping
  }

  /** Asks the swarm, when it is this question's turn. */
  ask(question: Question, gone: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined> {
    const asked = { ...question, draftPolicy: this.init.draftPolicy }
    return this.metrics.observe(this.#ask(asked, AbortSignal.any([this.#stopping, gone])))
  }

  async *#ask(question: Question, signal: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined> {
    const end = await this.#turns.take(signal)
    try {
      yield* this.init.consumer.ask(question, { signal })
    } finally {
      end()
    }
  }
}
