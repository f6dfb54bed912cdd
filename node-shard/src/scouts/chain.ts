import { DRAFT_LIMITS } from '@shard/protocol/limits'
import type { Draft } from '@shard/protocol/draft'

/** An honest Scout is at most `maxRunAhead` tokens past what it knows, which may be as much behind the last commit. */
const MOST_KEPT = 2 * DRAFT_LIMITS.maxRunAhead

/**
 * What one Scout guesses of one generation: its current chain, cut to what is still ahead of the committed tokens. A
 * draft that comes late is compared with what was committed meanwhile; its tail may still be good.
 */
export class Chain {
  #number = 0
  #start = 0
  #tokens: number[] = []
  /** The chain disagreed with a commit: everything that follows in it was guessed from a wrong past. */
  #dead = true

  /** True if the draft was taken; false if it is stale or does not fit its chain. Tokens are not looked at. */
  add({ chain, position, tokens }: Draft): boolean {
    if (chain > this.#number) {
      this.#number = chain
      this.#start = position
      this.#tokens = []
      this.#dead = false
    }
    const fits =
      chain === this.#number &&
      !this.#dead &&
      position === this.#start + this.#tokens.length &&
      this.#tokens.length < MOST_KEPT
    if (fits) {
      this.#tokens.push(...tokens)
    }
    return fits
  }

  /** The guesses after `committed`; empty if there are none, or the chain disagrees with it. */
  ahead(committed: readonly number[]): readonly number[] {
    const known = Math.min(this.#tokens.length, committed.length - this.#start)
    for (let index = 0; index < known; index++) {
      if (this.#tokens[index] !== committed[this.#start + index]) {
        this.#dead = true
        this.#tokens = []
        return []
      }
    }
    if (known > 0) {
      this.#tokens.splice(0, known)
      this.#start += known
    }
    // a chain that starts past the commits cannot be used yet, nor trusted to wait for: its Scout knows no more than we do
    return this.#start === committed.length ? this.#tokens.slice(0, DRAFT_LIMITS.maxRunAhead) : []
  }
}
