import { BATCH_SIZES, MEMORY, PRIOR_WEIGHT } from './constants.ts'

const DEEPEST = Math.max(...BATCH_SIZES) - 1

/**
 * How often the target agrees with one drafter: the share of right tokens at each depth (1 is the first token after the
 * committed ones), given that all before it were right. Old tokens fade; a depth of which little is known is taken to be
 * like the drafter as a whole.
 */
export class Acceptance {
  readonly #prior: number
  readonly #right = new Float64Array(DEEPEST + 1)
  readonly #seen = new Float64Array(DEEPEST + 1)

  /** @param prior - share that is assumed until the drafter has shown something */
  constructor(prior: number) {
    this.#prior = prior
  }

  /**
   * A chain met the tokens that were committed in its place. It need not have been used: what was guessed and not
   * evaluated says as much, so that a drafter which is out of favour costs nothing and can win it back.
   */
  observe(guessed: readonly number[], committed: readonly number[]): void {
    const deepest = Math.min(guessed.length, committed.length, DEEPEST)
    for (let depth = 1; depth <= deepest; depth++) {
      const right = guessed[depth - 1] === committed[depth - 1]
      this.#fade()
      this.#seen[depth] = (this.#seen[depth] ?? 0) + 1
      this.#right[depth] = (this.#right[depth] ?? 0) + (right ? 1 : 0)
      if (!right) {
        return
      }
    }
  }

  /** Share of right tokens over all depths. */
  get rate(): number {
    return share(sum(this.#right), sum(this.#seen), this.#prior)
  }

  /** Tokens that a round is expected to commit with `k` drafted ones, the target's own included. */
  expected(k: number): number {
    const { rate } = this
    let chance = 1
    let tokens = 1
    for (let depth = 1; depth <= k; depth++) {
      chance *= share(this.#right[depth] ?? 0, this.#seen[depth] ?? 0, rate)
      tokens += chance
    }
    return tokens
  }

  #fade(): void {
    for (let depth = 1; depth <= DEEPEST; depth++) {
      this.#right[depth] = (this.#right[depth] ?? 0) * MEMORY
      this.#seen[depth] = (this.#seen[depth] ?? 0) * MEMORY
    }
  }
}

function share(right: number, seen: number, assumed: number): number {
  return (right + PRIOR_WEIGHT * assumed) / (seen + PRIOR_WEIGHT)
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}
