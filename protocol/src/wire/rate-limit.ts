/** A token bucket (RFC 2697, one rate): `perSecond` on average, bursts of as much as `window` ms are worth. */
export class RateLimit {
  readonly #perMs: number
  readonly #burst: number
  readonly #now: () => number
  #level: number
  #at: number

  constructor(perSecond: number, window: number, now: () => number = () => performance.now()) {
    this.#perMs = perSecond / 1000
    this.#burst = this.#perMs * window
    this.#level = this.#burst
    this.#now = now
    this.#at = now()
  }

  /** Takes one from the bucket; false if it is empty. */
  allows(): boolean {
    const now = this.#now()
    this.#level = Math.min(this.#burst, this.#level + (now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#level < 1) {
      return false
    }
    this.#level -= 1
    return true
  }
}
