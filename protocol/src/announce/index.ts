/**
 * @packageDocumentation
 *
 * Who serves what. A Shard announces itself on gossipsub (`shard/announce/1`) and as a provider of its manifests on the
 * DHT; every peer keeps its own {@link Directory} of the Shards that it heard of. There is no global list.
 *
 * @example
 *
 * ```ts
 * const node = await createLibp2p({ services: { ...swarmServices({ dht: 'client' }), announce: announce() } })
 * await node.services.announce.discover(model)
 * const [shard] = node.services.announce.shards(model)
 * ```
 */

import { AnnounceService } from './service.ts'
import type { GossipSub } from '@libp2p/gossipsub'
import type {
  AbortOptions,
  ContentRouting,
  Libp2pEvents,
  PeerId,
  PeerStore,
  Startable,
  TypedEventTarget
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager } from '@libp2p/interface-internal'
import type { CID } from 'multiformats/cid'

/** What a Shard says of itself. */
export interface ShardOffer {
  models: Array<{ manifest: CID; name: string }>
  /** Generations that can be decoded at once, that are, and that wait. */
  slots: number
  active: number
  queued: number
  /** Scouts that could still be used. */
  scoutsWanted: number
  /** Tokens/s of one generation without drafts; 0 while it is not known. */
  speed: number
}

/** A Shard as this peer knows it. Without `heard` it is known from the DHT only, and its load is not. */
export interface KnownShard extends ShardOffer {
  peer: PeerId
  /** When its last announcement came, `Date.now()`. */
  heard?: number
}

export interface Directory {
  /** The Shards that this peer knows of, of one model if it is named, in no particular order. */
  shards(model?: CID): KnownShard[]
  /** Asks the DHT for Shards of a model and adds them. Resolves when one more is known, or the search is over. */
  discover(model: CID, options?: AbortOptions): Promise<void>
  /** Resolves when something changed, after `timeout` ms, or when aborted; never rejects. */
  changed(options: AbortOptions & { timeout: number }): Promise<void>
  /** A peer turned out not to serve what was thought: forget it until it announces itself again. */
  forget(peer: PeerId): void
}

export interface AnnounceInit {
  /** Only Shards have one. Asked whenever an announcement is due. */
  offer?: () => ShardOffer
}

export interface AnnounceComponents {
  pubsub: GossipSub
  contentRouting: ContentRouting
  peerStore: PeerStore
  peerId: PeerId
  addressManager: AddressManager
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
}

export interface Announce extends Directory, Startable {
  /** Announces the offer anew, soon: it changed. */
  update(): void
}

export function announce(init: AnnounceInit = {}): (components: AnnounceComponents) => Announce {
  return (components) => new AnnounceService(components, init)
}
