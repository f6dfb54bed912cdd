import { ApiError } from './api-error.ts'

/** Lets a number of users in at a time, the others in the order in which they came. */
export class Turns {
  readonly #waiting = new Set<() => void>()
  readonly #mostWaiting: number
  #free: number

  constructor({ atOnce, waiting }: { atOnce: number; waiting: number }) {
    this.#free = atOnce
    this.#mostWaiting = waiting
  }

  /**
   * @returns what ends the turn
   * @throws ApiError 503 if too many wait already; the signal's reason
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
    } else {
      await this.#wait(signal)
    }
    let over = false
    return () => {
      if (!over) {
        over = true
        this.#pass()
      }
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#mostWaiting) {
      throw new ApiError(503, `${this.#mostWaiting} questions wait here already; ask again later.`, { code: 'busy' })
    }
    await new Promise<void>((resolve, reject) => {
      const start = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        this.#waiting.delete(start)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.add(start)
    })
  }

  /** To whoever waits longest. */
  #pass(): void {
    const [next] = this.#waiting
    if (next == null) {
      this.#free++
    } else {
      this.#waiting.delete(next)
      next()
    }
  }
}
