import { Acceptance } from '../verify/acceptance.ts'
import { Chain } from './chain.ts'
import { LOOKUP_PRIOR } from './constants.ts'
import { PromptLookup } from './prompt-lookup.ts'
import type { Draft, ScoutSession } from '@shard/protocol/draft'
import type { Depth } from '../verify/depth.ts'
import type { DraftChain, DraftSource, Round } from '../verify/index.ts'

/** One that guesses: a Scout, or the lookup in the generation itself. */
interface Drafter {
  acceptance: Acceptance
  scout?: ScoutSession
  /** What it had to offer when the last batch was made up. */
  offered: readonly number[]
}

export interface DraftedGenerationInit {
  id: number
  prompt: readonly number[]
  committed: readonly number[]
  maxTokens: number
  vocabularySize: number
  /** How many of a drafter's tokens are worth evaluating, and what they promise. */
  depth: (acceptance: Acceptance, available: number) => Depth
}

/** One generation as its drafters have it: their chains, how far each can be believed, and what Scouts are told. */
export class DraftedGeneration implements DraftSource {
  readonly #init: DraftedGenerationInit
  readonly #chains = new Map<ScoutSession, Chain>()
  readonly #drafters = new Map<ScoutSession, Drafter>()
  readonly #lookup: PromptLookup
  readonly #own: Drafter = { acceptance: new Acceptance(LOOKUP_PRIOR), offered: [] }
  /** Whose chain was taken last: a peer may be here twice. */
  #used?: Drafter

  constructor(init: DraftedGenerationInit) {
    this.#init = init
    this.#lookup = new PromptLookup([...init.prompt, ...init.committed])
  }

  get id(): number {
    return this.#init.id
  }

  get scouts(): ScoutSession[] {
    return [...this.#chains.keys()]
  }

  /** `acceptance` is the Scout's own over all generations, so that a bad one is known as such in the next. */
  add(scout: ScoutSession, committed: readonly number[], acceptance: Acceptance): void {
    const { id: generation, prompt, maxTokens } = this.#init
    this.#chains.set(scout, new Chain())
    this.#drafters.set(scout, { acceptance, scout, offered: [] })
    scout.begin({ generation, prompt: [...prompt], committed: [...committed], maxTokens })
  }

  remove(scout: ScoutSession): void {
    this.#chains.delete(scout)
    this.#drafters.delete(scout)
  }

  /** Tokens outside the vocabulary would crash the target, so that a draft which has one is dropped whole. */
  draft(scout: ScoutSession, draft: Draft): void {
    if (draft.tokens.every((token) => token < this.#init.vocabularySize)) {
      this.#chains.get(scout)?.add(draft)
    }
  }

  /** The chain that promises the most tokens per ms, as long as it should be; undefined if none beats decoding alone. */
  best(committed: readonly number[]): DraftChain | undefined {
    let best: (Depth & { drafter: Drafter }) | undefined
    for (const drafter of this.#candidates(committed)) {
      const depth = this.#init.depth(drafter.acceptance, drafter.offered.length)
      if (depth.k > 0 && depth.rate > (best?.rate ?? 0)) {
        best = { ...depth, drafter }
      }
    }
    this.#used = best?.drafter
    return best && { tokens: best.drafter.offered.slice(0, best.k), scout: best.drafter.scout?.peer.toString() }
  }

  /** Learns from what was committed, and tells every Scout; the one whose draft was used, how much of it was its own. */
  commit({ position, tokens, accepted }: Round): void {
    this.#lookup.push(tokens)
    this.#own.acceptance.observe(this.#own.offered, tokens)
    for (const [scout, drafter] of this.#drafters) {
      drafter.acceptance.observe(drafter.offered, tokens)
      const own = drafter === this.#used ? accepted : 0
      scout.commit({ generation: this.id, position, tokens, accepted: own })
    }
  }

  end(): void {
    for (const scout of this.#chains.keys()) {
      scout.end(this.id)
    }
    this.#chains.clear()
    this.#drafters.clear()
  }

  #candidates(committed: readonly number[]): Drafter[] {
    this.#own.offered = this.#lookup.guess()
    for (const [scout, drafter] of this.#drafters) {
      drafter.offered = this.#chains.get(scout)?.ahead(committed) ?? []
    }
    return [...this.#drafters.values(), this.#own]
  }
}
