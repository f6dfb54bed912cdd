/** Passes on the first value at once, and after that the latest one at most every `ms`. None that is last is lost. */
export class Throttle<T> {
  readonly #ms: number
  readonly #pass: (value: T) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #waiting: { value: T } | undefined

  constructor(ms: number, pass: (value: T) => void) {
    this.#ms = ms
    this.#pass = pass
  }

  push(value: T): void {
    if (this.#timer == null) this.#emit(value)
    else this.#waiting = { value }
  }

  #emit(value: T): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const waiting = this.#waiting
      this.#waiting = undefined
      if (waiting != null) this.#emit(waiting.value)
    }, this.#ms)
    this.#pass(value)
  }
}
