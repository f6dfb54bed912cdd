/** Turns committed tokens into text; what is an incomplete character waits for its other bytes. */
export interface TextDecoder {
  push(tokens: readonly number[]): string
  flush(): string
}

/**
 * The text of one answer. A stop string ends it and is not part of it, so text that may be the beginning of one is held
 * back. What has been given after N tokens depends on these tokens only, not on how they were grouped: a second Shard
 * that is fed the same tokens goes on with exactly the text that is missing.
 */
export class AnswerText {
  readonly #decoder: TextDecoder
  readonly #stops: readonly string[]
  #held = ''
  #stopped = false

  constructor(decoder: TextDecoder, stops: readonly string[] = []) {
    this.#decoder = decoder
    this.#stops = stops
  }

  /** True once a stop string came: nothing follows. */
  get stopped(): boolean {
    return this.#stopped
  }

  /**
   * What one more token adds to the text. Tokens are taken singly, since the text ends at the token that completes a
   * stop string, and the generation with it.
   */
  push(token: number): string {
    if (this.#stopped) {
      return ''
    }
    this.#held += this.#decoder.push([token])
    const stop = this.#firstStop()
    if (stop >= 0) {
      this.#stopped = true
      return this.#release(stop)
    }
    return this.#release(this.#held.length - this.#beginning())
  }

  /** The rest, when no token follows. */
  flush(): string {
    if (this.#stopped) {
      return ''
    }
    this.#held += this.#decoder.flush()
    return this.#release(this.#held.length)
  }

  #release(length: number): string {
    const text = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    return text
  }

  /** Where the earliest stop string begins, or -1. */
  #firstStop(): number {
    const found = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((index) => index >= 0)
    return found.length === 0 ? -1 : Math.min(...found)
  }

  /** Length of the longest end of the held text that a stop string begins with. */
  #beginning(): number {
    for (let length = Math.min(this.#held.length, this.#longest()); length > 0; length--) {
      const end = this.#held.slice(-length)
      if (this.#stops.some((stop) => stop.startsWith(end))) {
        return length
      }
    }
    return 0
  }

  #longest(): number {
    return Math.max(0, ...this.#stops.map((stop) => stop.length - 1))
  }
}
