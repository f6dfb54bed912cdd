import { ShardError } from '@shard/protocol/errors'

/** Generations that may wait for a slot; past it a Consumer is better served by another Shard. */
export const MAX_QUEUE = 32

interface Waiting<T> {
  /** Set once it is this one's turn. */
  granted?: { slot: T }
  /** Its turn, or its place in the queue, has changed. */
  wake: () => void
}

/** A fixed number of slots, handed out in the order in which they were asked for. */
export class Slots<T> {
  readonly #free: T[]
  readonly #queue: Array<Waiting<T>> = []
  readonly total: number

  constructor(slots: readonly T[]) {
    this.#free = [...slots]
    this.total = slots.length
  }

  get active(): number {
    return this.total - this.#free.length
  }

  get queued(): number {
    return this.#queue.length
  }

  /**
   * Yields how many are served before, whenever that changes, and returns the slot.
   *
   * @throws ShardError BUSY if the queue is full; the signal's reason when aborted
   */
  async *acquire(signal: AbortSignal): AsyncGenerator<number, T, undefined> {
    signal.throwIfAborted()
    if (this.#free.length > 0) {
      return this.#free.pop() as T
    }
    if (this.#queue.length >= MAX_QUEUE) {
      throw new ShardError('BUSY', `${MAX_QUEUE} generations are waiting here already; ask another Shard, or later.`)
    }
    const waiting: Waiting<T> = { wake: () => undefined }
    this.#queue.push(waiting)
    let taken = false
    try {
      while (waiting.granted == null) {
        const woken = new Promise<void>((resolve) => {
          waiting.wake = resolve
        })
        signal.addEventListener('abort', waiting.wake, { once: true })
        // everyone who is served now is before the first in the queue
        yield this.#queue.indexOf(waiting) + 1
        await woken
        signal.throwIfAborted()
      }
      taken = true
      return waiting.granted.slot
    } finally {
      this.#leave(waiting, taken)
    }
  }

  release(slot: T): void {
    const next = this.#queue.shift()
    if (next == null) {
      this.#free.push(slot)
    } else {
      next.granted = { slot }
      next.wake()
      this.#moved()
    }
  }

  /** Whoever leaves the queue moves the others up; whoever leaves with a slot that it did not take gives it back. */
  #leave(waiting: Waiting<T>, taken: boolean): void {
    const index = this.#queue.indexOf(waiting)
    if (index >= 0) {
      this.#queue.splice(index, 1)
      this.#moved()
    } else if (!taken && waiting.granted != null) {
      this.release(waiting.granted.slot)
    }
  }

  #moved(): void {
    for (const waiting of this.#queue) {
      waiting.wake()
    }
  }
}
