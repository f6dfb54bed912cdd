import type { AnswerEvent, AnswerFigures, AnswerPath } from '@shard/protocol/consume'

/** What is known before the first byte of an answer is sent. */
export interface AnswerStart {
  /** PeerId of the Shard that answers. */
  peer?: string
  path?: AnswerPath
}

export interface AnswerEnd {
  reason: 'stop' | 'length'
  figures: AnswerFigures
}

/**
 * An answer as HTTP can carry it: first who answers, then the text piece by piece. Until {@link begin} has resolved
 * nothing is sent, so that errors before it still have a status of their own.
 */
export class Answer {
  readonly start: AnswerStart = {}
  readonly #events: AsyncGenerator<AnswerEvent, void, undefined>
  #first?: AnswerEvent
  #end?: AnswerEnd

  constructor(events: AsyncGenerator<AnswerEvent, void, undefined>) {
    this.#events = events
  }

  /** Known when {@link text} has ended; an error before. */
  get end(): AnswerEnd {
    if (this.#end == null) {
      throw new Error('The answer ended without its end.')
    }
    return this.#end
  }

  /** Waits until a Shard has taken the question and found that it fits its context. Throws what the Consumer throws. */
  async begin(): Promise<void> {
    while (this.#first == null) {
      const { value: event, done } = await this.#events.next()
      if (done === true) {
        throw new Error('The answer ended before it began.')
      }
      this.#note(event)
      if (isUnderWay(event)) {
        this.#first = event
      }
    }
  }

  /** The text in the pieces in which it is committed; none is empty. */
  async *text(): AsyncGenerator<string, void, undefined> {
    const first = textOf(this.#first)
    if (first !== '') {
      yield first
    }
    this.#finish(this.#first)
    for await (const event of this.#events) {
      this.#note(event)
      const piece = textOf(event)
      if (piece !== '') {
        yield piece
      }
      this.#finish(event)
    }
  }

  /** Cancels the generation. */
  async cancel(): Promise<void> {
    await this.#events.return()
  }

  #note(event: AnswerEvent): void {
    if (event.type === 'shard') {
      this.start.peer = event.peer.toString()
      this.start.path = event.path
    }
  }

  #finish(event: AnswerEvent | undefined): void {
    if (event?.type === 'done') {
      this.#end = { reason: event.reason, figures: event.figures }
    }
  }
}

function isUnderWay(event: AnswerEvent): boolean {
  return (
    event.type === 'accepted' ||
    event.type === 'commit' ||
    event.type === 'done' ||
    // a Shard evaluates only what fits
    (event.type === 'prefill' && event.prefilledTokens > 0)
  )
}

function textOf(event: AnswerEvent | undefined): string {
  return event?.type === 'commit' || event?.type === 'done' ? event.text : ''
}
