/** Tokens that have to agree before what followed them is worth a guess. */
const KEY_LENGTH = 3

/** Guesses at a time. */
const MOST = 15

/**
 * The drafter that is always there and costs nothing: what followed the last time that the same few tokens came, in the
 * prompt or the answer (prompt lookup decoding, Saxena 2023). Good for code, quotes and lists, useless otherwise.
 */
export class PromptLookup {
  readonly #tokens: number[] = []
  /** Where each run of KEY_LENGTH tokens ended last, and the time before. */
  readonly #last = new Map<string, number>()
  readonly #before = new Map<string, number>()

  constructor(tokens: readonly number[]) {
    this.push(tokens)
  }

  push(tokens: readonly number[]): void {
    for (const token of tokens) {
      this.#tokens.push(token)
      const key = this.#key()
      const last = this.#last.get(key)
      if (last != null) {
        this.#before.set(key, last)
      }
      this.#last.set(key, this.#tokens.length)
    }
  }

  /** What may come next; empty if these tokens have not come before. */
  guess(): readonly number[] {
    const end = this.#before.get(this.#key())
    return end == null ? [] : this.#tokens.slice(end, end + MOST)
  }

  #key(): string {
    return this.#tokens.slice(-KEY_LENGTH).join(' ')
  }
}
