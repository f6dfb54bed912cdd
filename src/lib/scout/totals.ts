import type { ScoutStats } from '@shard/protocol/draft'

/** What a Scout did, for people. */
export interface ScoutFigures {
  /** Tokens that were sent as drafts, and those of them that became part of an answer. */
  drafted: number
  accepted: number
  /** Answers that were drafted for. */
  generations: number
  /** Tokens that the engine drafts in a second of work; 0 before the first. */
  tokensPerSecond: number
  /** Shards that this Scout is with now, and those that it has been with. */
  shards: number
  helped: number
  /** True while an answer is being drafted for. */
  working: boolean
}

/** Adds to a runner's figures what the runner does not keep: the Shards that are gone again. */
export class Totals {
  readonly #helped = new Set<string>()

  figures({ drafted, accepted, generations, engineMs, shards, working }: ScoutStats): ScoutFigures {
    if (working) shards.forEach((shard) => this.#helped.add(shard.toString()))
    const tokensPerSecond = engineMs > 0 ? (drafted * 1_000) / engineMs : 0
    return {
      drafted,
      accepted,
      generations,
      tokensPerSecond,
      shards: shards.length,
      helped: this.#helped.size,
      working
    }
  }
}
