import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { webRTC, webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { announce } from '@shard/protocol/announce'
import { draft } from '@shard/protocol/draft'
import { generate } from '@shard/protocol/generate'
import { NO_ICE_SERVERS, swarmDefaults, swarmServices } from '@shard/protocol/swarm'
import { IDBBlockstore } from 'blockstore-idb'
import { createHeliaLight } from 'helia'
import type { Announce } from '@shard/protocol/announce'
import type { DraftProtocol } from '@shard/protocol/draft'
import type { Generate } from '@shard/protocol/generate'
import type { SwarmServices } from '@shard/protocol/swarm'
import type { HeliaWithLibp2p } from '@helia/libp2p'

/** Where fetched blocks stay over visits. */
const BLOCKSTORE = 'shard/blocks'

/** The services of a tab's node: it asks, it drafts, it serves nothing. */
export type TabServices = SwarmServices & { announce: Announce; generate: Generate; draft: DraftProtocol }

export type TabNode = HeliaWithLibp2p<TabServices>

/**
 * Starts this tab's libp2p node and Helia on top of it. It listens nowhere and dials nobody by itself.
 *
 * The PeerId is a fresh one and lives as long as the page: nothing is stored, on purpose. A reload with the same id
 * meets peers that still hold the old page's connection for dead seconds, and then gossip and bitswap hang, because
 * the other side believes that it has said and sent all already.
 */
export async function createTabNode(): Promise<TabNode> {
  const blockstore = await openBlockstore()
  const node = withLibp2pLight(createHeliaLight(blockstore == null ? {} : { blockstore }), {
    ...swarmDefaults(),
    addresses: { listen: [] },
    transports: [
      webSockets(),
      webRTCDirect({ rtcConfiguration: NO_ICE_SERVERS }),
      webRTC({ rtcConfiguration: NO_ICE_SERVERS }),
      circuitRelayTransport()
    ],
    services: {
      ...swarmServices({ dht: 'client' }),
      announce: announce(),
      generate: generate(),
      draft: draft()
    }
  })
  return withBitswap(node).start()
}

/**
 * IndexedDB stores the whole buffer behind a view. A block that bitswap received is a view of its whole message, up to
 * 4 MiB, so that without a copy each block would take the space of all that came with it.
 */
class CompactBlockstore extends IDBBlockstore {
  override put(...[key, value, options]: Parameters<IDBBlockstore['put']>): ReturnType<IDBBlockstore['put']> {
    const view = value instanceof Uint8Array && value.byteLength < value.buffer.byteLength
    return super.put(key, view ? value.slice() : value, options)
  }
}

/** IndexedDB, or nothing where the browser forbids it (private windows): then blocks live as long as the page. */
async function openBlockstore(): Promise<IDBBlockstore | undefined> {
  const store = new CompactBlockstore(BLOCKSTORE)
  try {
    await store.open()
    return store
  } catch {
    return undefined
  }
}
