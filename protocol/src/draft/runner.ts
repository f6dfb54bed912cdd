import { TypedEventEmitter } from '@libp2p/interface'
import { isShardError, ShardError } from '../errors.ts'
import { DRAFT_LIMITS } from '../limits.ts'
import { Assignment } from './assignment.ts'
import { DRAFT_STEP, MAX_SHARDS } from './constants.ts'
import type { DraftEngine } from './engine.ts'
import type { DraftProtocol, ShardSession } from './index.ts'
import type { Directory } from '../announce/index.ts'
import type { AssignmentMessage } from '../pb/draft.ts'
import type { PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

export interface ScoutRunnerInit {
  draft: DraftProtocol
  directory: Directory
  engine: DraftEngine
  /** CID of the manifest whose target this Scout drafts for. */
  model: CID
  log?: (message: string, ...args: unknown[]) => void
}

export interface ScoutStats {
  /** Tokens that were sent as drafts, and those of them that Shards committed. */
  drafted: number
  accepted: number
  /** Generations that were drafted for. */
  generations: number
  /** Ms that the engine worked. */
  engineMs: number
  /** Shards that have this Scout now. */
  shards: PeerId[]
  /** True while a generation is being drafted for. */
  working: boolean
}

/** How long a Scout leaves a Shard alone that turned it away or was lost, in ms: at first, and at most. */
const RETRY_AFTER = 1_000
const RETRY_AT_MOST = 60_000

/** Kept short, since announcements wake the runner too; it only paces retries and the first look into the DHT. */
const LOOK_EVERY = 2_000

interface Refusals {
  count: number
  until: number
}

interface Serving {
  session: ShardSession
  assignments: Map<number, Assignment>
}

/**
 * A Scout at work: keeps itself engaged with Shards that want drafts, and its engine busy with the generation in which
 * it is least ahead. The same for a tab and for `shard scout`. Emits `update` when its stats changed.
 */
export class ScoutRunner extends TypedEventEmitter<{ update: CustomEvent<ScoutStats> }> {
  readonly #init: ScoutRunnerInit
  readonly #serving = new Map<string, Serving>()
  readonly #engaging = new Set<string>()
  readonly #refusals = new Map<string, Refusals>()
  readonly #engagements = new Set<Promise<void>>()
  #searching?: Promise<void>
  #stopped = new AbortController()
  #wake: () => void = () => {}
  #drafted = 0
  #accepted = 0
  #generations = 0
  #engineMs = 0
  #running?: Promise<unknown>

  constructor(init: ScoutRunnerInit) {
    super()
    this.#init = init
  }

  get stats(): ScoutStats {
    const serving = [...this.#serving.values()]
    return {
      drafted: this.#drafted,
      accepted: this.#accepted,
      generations: this.#generations,
      engineMs: this.#engineMs,
      shards: serving.map(({ session }) => session.shard),
      working: serving.some(({ assignments }) => assignments.size > 0)
    }
  }

  start(): void {
    if (this.#running == null) {
      this.#stopped = new AbortController()
      this.#running = Promise.all([this.#look(), this.#work()])
    }
  }

  /** Leaves all Shards. The engine is the caller's to dispose. */
  async stop(): Promise<void> {
    this.#stopped.abort(new ShardError('SHUTTING_DOWN', 'The Scout stops.'))
    for (const { session, assignments } of this.#serving.values()) {
      assignments.forEach((assignment) => assignment.end())
      session.close()
    }
    this.#wake()
    await Promise.all([this.#running, this.#searching, ...this.#engagements])
    this.#running = undefined
  }

  /** Finds Shards that want drafts, until stopped. */
  async #look(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      for (const shard of this.#candidates()) {
        const engagement = this.#engage(shard)
        this.#engagements.add(engagement)
        void engagement.then(() => this.#engagements.delete(engagement))
      }
      if (this.#serving.size + this.#engaging.size === 0) {
        this.#searching ??= this.#search(signal)
      }
      await this.#init.directory.changed({ signal, timeout: LOOK_EVERY })
    }
  }

  /** Asks the DHT, which may take long; whoever announces itself meanwhile is not kept waiting. Never rejects. */
  async #search(signal: AbortSignal): Promise<void> {
    await this.#init.directory.discover(this.#init.model, { signal }).catch(() => {
      // nobody was found; announcements may still come
    })
    this.#searching = undefined
  }

  #candidates(): PeerId[] {
    const free = MAX_SHARDS - this.#serving.size - this.#engaging.size
    return this.#init.directory
      .shards(this.#init.model)
      .filter(({ peer, scoutsWanted }) => scoutsWanted > 0 && this.#mayEngage(peer.toString()))
      .sort((a, b) => b.scoutsWanted - a.scoutsWanted)
      .slice(0, Math.max(0, free))
      .map(({ peer }) => peer)
  }

  #mayEngage(id: string): boolean {
    return (
      !this.#serving.has(id) && !this.#engaging.has(id) && (this.#refusals.get(id)?.until ?? 0) <= performance.now()
    )
  }

  /** Serves one Shard for as long as it wants. Never rejects. */
  async #engage(shard: PeerId): Promise<void> {
    const id = shard.toString()
    const { signal } = this.#stopped
    const { draft, engine, model, log } = this.#init
    this.#engaging.add(id)
    try {
      const offer = {
        model: model.bytes,
        tokenizer: engine.tokenizer as Uint8Array<ArrayBuffer>,
        engine: engine.name
      }
      const session = await draft.offer(shard, offer, { signal })
      const serving = { session, assignments: new Map<number, Assignment>() }
      this.#engaging.delete(id)
      this.#serving.set(id, serving)
      this.#refusals.delete(id)
      this.#update()
      for await (const message of session.assignments({ signal })) {
        this.#receive(serving, message)
      }
    } catch (error) {
      if (!signal.aborted) {
        log?.('Shard %s: %s', id, isShardError(error) ? `${error.code}: ${error.message}` : String(error))
        const count = (this.#refusals.get(id)?.count ?? 0) + 1
        const delay = Math.min(RETRY_AT_MOST, RETRY_AFTER * 2 ** (count - 1)) * (0.5 + Math.random())
        this.#refusals.set(id, { count, until: performance.now() + delay })
      }
    } finally {
      this.#engaging.delete(id)
      this.#serving.get(id)?.assignments.forEach((assignment) => assignment.end())
      this.#serving.delete(id)
      this.#update()
    }
  }

  #receive({ assignments }: Serving, { begin, committed, end }: AssignmentMessage): void {
    if (begin != null) {
      if (assignments.size >= DRAFT_LIMITS.maxGenerations) {
        throw new ShardError('OVERSIZED', `A Scout takes at most ${DRAFT_LIMITS.maxGenerations} generations.`)
      }
      if (assignments.has(begin.generation)) {
        throw new ShardError('OUT_OF_ORDER', `Generation ${begin.generation} was begun already.`)
      }
      if (begin.prompt.length + begin.committed.length < this.#init.engine.contextLength) {
        assignments.set(begin.generation, new Assignment(begin))
        this.#generations++
      }
    } else if (committed != null) {
      const assignment = assignments.get(committed.generation)
      if (assignment?.commit(committed.position, committed.tokens) === false) {
        throw new ShardError('OUT_OF_ORDER', `Tokens at ${committed.position} do not continue the generation.`)
      }
      this.#accepted += committed.accepted
    } else if (end != null) {
      assignments.get(end.generation)?.end()
      assignments.delete(end.generation)
    } else {
      throw new ShardError('MALFORMED', 'An assignment that is none of the known ones.')
    }
    this.#wake()
    this.#update()
  }

  /** Drafts, one job at a time, until stopped. */
  async #work(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const next = this.#next()
      if (next == null) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      const { assignment, session, job } = next
      const started = performance.now()
      try {
        const tokens = await this.#init.engine.draft(job.context, job.k, { signal: job.signal })
        const draft = assignment.finish(job, tokens)
        if (draft != null) {
          session.propose(draft)
          this.#drafted += draft.tokens.length
        }
      } catch (error) {
        if (!job.signal.aborted) {
          this.#init.log?.('the draft engine failed: %s', String(error))
          assignment.finish(job, [])
        }
      }
      this.#engineMs += performance.now() - started
      this.#update()
    }
  }

  /** The job of the generation in which this Scout is least ahead. */
  #next() {
    const open = [...this.#serving.values()]
      .flatMap(({ session, assignments }) => [...assignments.values()].map((assignment) => ({ session, assignment })))
      .sort((a, b) => a.assignment.ahead - b.assignment.ahead)
    for (const { session, assignment } of open) {
      // to get ahead of a Shard that is fast, a call has to reach past what is committed meanwhile
      const step = Math.min(DRAFT_STEP + assignment.late, session.welcome.maxDraftTokens)
      const window = Math.min(DRAFT_LIMITS.maxRunAhead, session.welcome.maxRunAhead)
      const job = assignment.next(step, window)
      if (job != null) {
        return { session, assignment, job }
      }
    }
    return undefined
  }

  #update(): void {
    this.safeDispatchEvent('update', { detail: this.stats })
  }
}
