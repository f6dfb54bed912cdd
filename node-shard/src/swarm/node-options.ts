import { FaultTolerance } from '@libp2p/interface'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { dcutr } from '@libp2p/dcutr'
import { keychain } from '@libp2p/keychain'
import { tcp } from '@libp2p/tcp'
import { webRTC, webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { announce } from '@shard/protocol/announce'
import { draft } from '@shard/protocol/draft'
import { generate } from '@shard/protocol/generate'
import { keepListeners, NO_ICE_SERVERS, swarmDefaults, swarmServices } from '@shard/protocol/swarm'
import type { Announce, AnnounceInit } from '@shard/protocol/announce'
import type { DraftInit, DraftProtocol } from '@shard/protocol/draft'
import type { Generate, GenerateInit } from '@shard/protocol/generate'
import type { SwarmServices } from '@shard/protocol/swarm'
import type { PrivateKey } from '@libp2p/interface'
import type { Keychain } from '@libp2p/keychain'
import type { Libp2pOptions } from 'libp2p'

/** The services of a desktop peer, whatever its role. */
export type NodeServices = SwarmServices & {
  announce: Announce
  generate: Generate
  draft: DraftProtocol
  /** Makes direct connections of relayed ones; nobody calls it. */
  dcutr: unknown
  keychain: Keychain
}

/** What a Shard adds to a peer that only asks or drafts. */
export interface ShardRole {
  answer: GenerateInit['answer']
  host: DraftInit['host']
  offer: AnnounceInit['offer']
}

export interface NodeInit {
  /** A fresh one where it is left out: a peer that nobody has to know again. */
  privateKey?: PrivateKey
  /** Multiaddrs to listen on; none for a peer that only asks or drafts. */
  listen: string[]
  /** Relays that this peer may be reached through; it asks for a reservation on as many. */
  reservations: number
  /** Only Shards have one. */
  shard?: ShardRole
}

/** libp2p's options for a desktop peer. It dials nobody by itself, and no third party ever. */
export function nodeOptions({ privateKey, listen, reservations, shard }: NodeInit): Libp2pOptions<NodeServices> {
  const reachable = reservations > 0 ? [...Array<string>(reservations).fill('/p2p-circuit'), '/webrtc'] : []
  return {
    ...swarmDefaults(),
    privateKey,
    addresses: { listen: [...listen, ...reachable] },
    transports: [
      tcp(),
      webSockets(),
      keepListeners(webRTCDirect({ rtcConfiguration: NO_ICE_SERVERS })),
      webRTC({ rtcConfiguration: NO_ICE_SERVERS }),
      circuitRelayTransport()
    ],
    // a relay that is down when the Shard starts must not keep it from starting
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    services: {
      // keeps WebRTC-Direct's certificate in the datastore, whose hash is a part of this peer's address
      keychain: keychain(),
      ...swarmServices({ dht: shard == null ? 'client' : 'server' }),
      announce: announce({ offer: shard?.offer }),
      generate: generate({ answer: shard?.answer }),
      draft: draft({ host: shard?.host }),
      dcutr: dcutr()
    }
  }
}
