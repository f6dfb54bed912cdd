import { ShardError } from '@shard/protocol/errors'
import { DraftPolicy } from '@shard/protocol/generate'
import { DRAFT_LIMITS } from '@shard/protocol/limits'
import { Acceptance } from '../verify/acceptance.ts'
import { SCOUT_PRIOR, SCOUTS_PER_GENERATION, SPARE_SCOUTS } from './constants.ts'
import { DraftedGeneration } from './generation.ts'
import type { DraftedGenerationInit } from './generation.ts'
import type { Draft, ScoutHost, ScoutSession } from '@shard/protocol/draft'
import type { PeerId } from '@libp2p/interface'

export interface ScoutPoolInit {
  /** Generations that can be decoded at once. */
  slots: number
  vocabularySize: number
  /** @throws ShardError INCOMPATIBLE or UNKNOWN_MODEL where these drafts would be of no use */
  check: (offer: ScoutSession['offer']) => void
  onChange: () => void
  depth: DraftedGenerationInit['depth']
}

export interface NewGeneration {
  prompt: readonly number[]
  committed: readonly number[]
  maxTokens: number
  policy: DraftPolicy
  consumer: PeerId
}

interface Open {
  generation: DraftedGeneration
  request: NewGeneration
  committed: readonly number[]
}

/** The Scouts of this Shard and who drafts what. */
export class ScoutPool implements ScoutHost {
  readonly #init: ScoutPoolInit
  /** How far each Scout can be believed. */
  readonly #sessions = new Map<ScoutSession, Acceptance>()
  readonly #open = new Map<number, Open>()
  #nextId = 1

  constructor(init: ScoutPoolInit) {
    this.#init = init
  }

  get size(): number {
    return this.#sessions.size
  }

  /** How many more Scouts could be of use. */
  get wanted(): number {
    return Math.max(0, this.#capacity - this.#sessions.size)
  }

  join(session: ScoutSession): void {
    this.#init.check(session.offer)
    if (this.wanted === 0) {
      throw new ShardError('BUSY', 'This Shard has all the Scouts that it can use; others may want more.')
    }
    this.#sessions.set(session, new Acceptance(SCOUT_PRIOR))
    this.#assignAll()
    this.#init.onChange()
  }

  draft(session: ScoutSession, draft: Draft): void {
    this.#open.get(draft.generation)?.generation.draft(session, draft)
  }

  leave(session: ScoutSession): void {
    this.#sessions.delete(session)
    for (const open of this.#open.values()) {
      open.generation.remove(session)
    }
    this.#assignAll()
    this.#init.onChange()
  }

  /** `committed` is read whenever a Scout joins later, so it has to be the list that grows. */
  begin(request: NewGeneration): DraftedGeneration {
    const { prompt, maxTokens, committed } = request
    const { vocabularySize, depth } = this.#init
    const id = this.#nextId++
    const generation = new DraftedGeneration({ id, prompt, committed, maxTokens, vocabularySize, depth })
    const open = { generation, request, committed }
    this.#open.set(generation.id, open)
    this.#assign(open)
    return generation
  }

  end(generation: DraftedGeneration): void {
    generation.end()
    this.#open.delete(generation.id)
    this.#assignAll()
  }

  /** Sends all Scouts away. */
  close(): void {
    for (const session of this.#sessions.keys()) {
      session.dismiss('SHUTTING_DOWN', 'This Shard stops.')
    }
  }

  get #capacity(): number {
    return this.#init.slots * SCOUTS_PER_GENERATION + SPARE_SCOUTS
  }

  /** Those that have the fewest Scouts come first. */
  #assignAll(): void {
    const open = [...this.#open.values()]
    open.sort((a, b) => a.generation.scouts.length - b.generation.scouts.length).forEach((each) => this.#assign(each))
  }

  /** Gives the generation the least busy Scouts that may see it. */
  #assign({ generation, request, committed }: Open): void {
    const has = new Set(generation.scouts)
    const eligible = [...this.#sessions]
      .filter(
        ([scout]) => !has.has(scout) && mayRead(scout, request) && this.#load(scout) < DRAFT_LIMITS.maxGenerations
      )
      .sort(([a], [b]) => this.#load(a) - this.#load(b))
    for (const [scout, acceptance] of eligible.slice(0, Math.max(0, SCOUTS_PER_GENERATION - has.size))) {
      generation.add(scout, committed, acceptance)
    }
  }

  #load(scout: ScoutSession): number {
    return [...this.#open.values()].filter(({ generation }) => generation.scouts.includes(scout)).length
  }
}

function mayRead(scout: ScoutSession, { policy, consumer }: NewGeneration): boolean {
  return policy === DraftPolicy.ANYONE || scout.peer.equals(consumer)
}
