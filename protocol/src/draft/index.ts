/**
 * @packageDocumentation
 *
 * `/shard/draft/1`: a Scout offers to draft, a Shard gives it generations. One stream per Scout and Shard carries any
 * number of generations; drafts are guesses that the Shard may use or ignore, and never waits for.
 *
 * @example a Scout
 *
 * ```ts
 * const node = await createLibp2p({ services: { ...swarmServices({ dht: 'client' }), announce: announce(), draft: draft() } })
 * const runner = new ScoutRunner({ draft: node.services.draft, directory: node.services.announce, engine, model })
 * runner.start()
 * ```
 */

import { DraftService } from './service.ts'
import type { AssignmentMessage, Begin, Committed, Draft, Offer, Welcome } from '../pb/draft.ts'
import type { AbortOptions, PeerId, Startable } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'

/** A Shard's side of its stream with one Scout. Nothing here waits, throws or slows the Shard. */
export interface ScoutSession {
  readonly peer: PeerId
  readonly offer: Offer
  begin(begin: Begin): void
  commit(committed: Committed): void
  end(generation: number): void
  /** Tells the Scout why, and ends the stream. */
  dismiss(code: 'BUSY' | 'SHUTTING_DOWN', reason: string): void
}

/** What a Shard does with its Scouts. */
export interface ScoutHost {
  /** @throws ShardError to turn the Scout away */
  join(session: ScoutSession): void
  /** Already held to the limits; `draft.generation` was begun on this session, but may have ended since. */
  draft(session: ScoutSession, draft: Draft): void
  leave(session: ScoutSession): void
}

/** A Scout's side. */
export interface ShardSession {
  readonly shard: PeerId
  readonly welcome: Welcome
  /** Assignments in order; ends when the Shard ends the stream, throws its fault. */
  assignments(options?: AbortOptions): AsyncGenerator<AssignmentMessage, void, undefined>
  propose(draft: Draft): void
  /** Leaves the Shard, at once. */
  close(): void
}

export interface DraftInit {
  /** Only Shards have one. */
  host?: ScoutHost
}

export interface DraftComponents {
  registrar: Registrar
  connectionManager: ConnectionManager
}

export interface DraftProtocol extends Startable {
  /**
   * Offers this peer's drafts to a Shard.
   *
   * @throws ShardError BUSY, INCOMPATIBLE or UNKNOWN_MODEL where the Shard turns it away
   */
  offer(shard: PeerId, offer: Offer, options?: AbortOptions): Promise<ShardSession>
}

export function draft(init: DraftInit = {}): (components: DraftComponents) => DraftProtocol {
  return (components) => new DraftService(components, init)
}

export { DRAFT_PROTOCOL } from './constants.ts'
export { ScoutRunner } from './runner.ts'
export type { ScoutRunnerInit, ScoutStats } from './runner.ts'
export type { DraftEngine } from './engine.ts'
export type { Begin, Committed, Draft, Offer } from '../pb/draft.ts'
export { AssignmentMessage, ScoutMessage } from '../pb/draft.ts'
