import { Chain } from './chain.ts'
import type { Draft, ScoutSession } from '@shard/protocol/draft'
import type { DraftChain, DraftSource, Round } from '../verify/index.ts'

/** One generation as its Scouts have it: their chains, and what each of them is told. */
export class DraftedGeneration implements DraftSource {
  readonly #chains = new Map<ScoutSession, Chain>()
  readonly #vocabularySize: number
  /** Whose chain was taken last: a peer may be here twice. */
  #used?: ScoutSession

  constructor(
    readonly id: number,
    readonly prompt: readonly number[],
    readonly maxTokens: number,
    vocabularySize: number
  ) {
    this.#vocabularySize = vocabularySize
  }

  get scouts(): ScoutSession[] {
    return [...this.#chains.keys()]
  }

  add(scout: ScoutSession, committed: readonly number[]): void {
    this.#chains.set(scout, new Chain())
    scout.begin({ generation: this.id, prompt: [...this.prompt], committed: [...committed], maxTokens: this.maxTokens })
  }

  remove(scout: ScoutSession): void {
    this.#chains.delete(scout)
  }

  /** Tokens outside the vocabulary would crash the target, so that a draft which has one is dropped whole. */
  draft(scout: ScoutSession, draft: Draft): void {
    if (draft.tokens.every((token) => token < this.#vocabularySize)) {
      this.#chains.get(scout)?.add(draft)
    }
  }

  /** The longest chain that fits. */
  best(committed: readonly number[]): DraftChain | undefined {
    let best: DraftChain | undefined
    this.#used = undefined
    for (const [scout, chain] of this.#chains) {
      const tokens = chain.ahead(committed)
      if (tokens.length > (best?.tokens.length ?? 0)) {
        best = { tokens, scout: scout.peer.toString() }
        this.#used = scout
      }
    }
    return best
  }

  /** Tells every Scout what was committed, and the one whose draft was used how much of it was its own. */
  commit({ position, tokens, accepted }: Round): void {
    for (const scout of this.#chains.keys()) {
      const own = scout === this.#used ? accepted : 0
      scout.commit({ generation: this.id, position, tokens, accepted: own })
    }
  }

  end(): void {
    for (const scout of this.#chains.keys()) {
      scout.end(this.id)
    }
    this.#chains.clear()
  }
}
