/**
 * @packageDocumentation
 *
 * A desktop peer's place in the swarm: its libp2p node, and the relays that it keeps a connection to.
 */

import { createLibp2p } from 'libp2p'
import { keepRelays } from './keep-relays.ts'
import { nodeOptions } from './node-options.ts'
import type { Libp2p } from '@libp2p/interface'
import type { RelayAddresses } from '@shard/protocol/swarm'
import type { KeptRelays } from './keep-relays.ts'
import type { NodeServices } from './node-options.ts'

export { keepRelays, nodeOptions }
export type { KeptRelays, NodeServices }

export interface Peer {
  libp2p: Libp2p<NodeServices>
  relays: KeptRelays
  stop(): Promise<void>
}

/** A peer that asks or drafts: it listens nowhere, keeps nothing, and is a new one each time. */
export async function startPeer(relays: RelayAddresses[]): Promise<Peer> {
  const libp2p = await createLibp2p(nodeOptions({ listen: [], reservations: 0 }))
  const kept = keepRelays(libp2p, relays)
  return {
    libp2p,
    relays: kept,
    stop: async () => {
      kept.stop()
      await libp2p.stop()
    }
  }
}
