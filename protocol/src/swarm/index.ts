/**
 * @packageDocumentation
 *
 * What every peer of a swarm must agree on, whatever its role: a tab, a Shard, a Scout, a Consumer, a relay. A role
 * adds its transports, its addresses and its own services.
 *
 * @example
 *
 * ```TypeScript
 * import { createLibp2p } from 'libp2p'
 * import { webSockets } from '@libp2p/websockets'
 * import { webRTCDirect } from '@libp2p/webrtc'
 * import { NO_ICE_SERVERS, swarmDefaults, swarmServices } from '@shard/protocol/swarm'
 *
 * const libp2p = await createLibp2p({
 *   ...swarmDefaults(),
 *   transports: [webSockets(), webRTCDirect({ rtcConfiguration: NO_ICE_SERVERS })],
 *   services: {
 *     ...swarmServices({ dht: 'client' }),
 *     // Services are built in this order and see those above them: what needs pubsub or the DHT comes here.
 *     announce: announce()
 *   }
 * })
 * ```
 */

import { gossipsub, StrictSign } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { createTopicScoreParams } from '@libp2p/gossipsub/score'
import {
  ANNOUNCE_SCORE,
  ANNOUNCE_TOPIC,
  DHT_FIRST_LOOK,
  GOSSIP_HUB,
  GOSSIP_RPC_LIMITS,
  INBOUND_CONNECTIONS_PER_SECOND,
  KAD_PROTOCOL,
  MAX_GOSSIP_RPC_BYTES,
  MAX_PENDING_CONNECTIONS,
  MAX_PING_STREAMS,
  MAX_TOPIC_BYTES_PER_PEER,
  PROVIDER_CHECK_INTERVAL,
  PROVIDER_RENEWAL,
  PROVIDER_VALIDITY
} from './constants.ts'
import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub'
import type { Identify, IdentifyComponents, IdentifyPush, IdentifyPushComponents } from '@libp2p/identify'
import type { ConnectionGater, StreamMuxerFactory } from '@libp2p/interface'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import type { Ping, PingComponents } from '@libp2p/ping'

export { ANNOUNCE_TOPIC, KAD_PROTOCOL } from './constants.ts'
export { keepListeners } from './keep-listeners.ts'
export { groupRelays, parseRelay } from './relay-addresses.ts'
export { RelayKeeper } from './relay-keeper.ts'
export type { RelayAddresses } from './relay-addresses.ts'
export type { RelayKeeperInit, RelayState } from './relay-keeper.ts'

/**
 * For the `rtcConfiguration` of `webRTC` and `webRTCDirect`, always. Left out, libp2p asks the public STUN servers of
 * other companies for the peer's address. A role that has a STUN server of its own passes that instead.
 */
export const NO_ICE_SERVERS: { iceServers: never[] } = { iceServers: [] }

export interface SwarmInit {
  /**
   * `server` stores and answers records: peers that others can dial and that stay, so relays and Shards. `client` only
   * asks: tabs, Scouts, Consumers.
   */
  dht: 'server' | 'client'
  /**
   * True for a peer that many others know as their only one: a relay. It then passes each announcement to everyone who
   * listens instead of to a dozen of them.
   */
  hub?: boolean
}

/**
 * Factories of the shared services, in the order in which libp2p must build them. A type and not an interface, which
 * `createLibp2p` could not infer its services from.
 */
export type SwarmServiceFactories = {
  identify: (components: IdentifyComponents) => Identify
  identifyPush: (components: IdentifyPushComponents) => IdentifyPush
  ping: (components: PingComponents) => Ping
  dht: (components: KadDHTComponents) => KadDHT
  pubsub: (components: GossipSubComponents) => GossipSub
}

/** The shared services as a node has them: use as `Libp2p<SwarmServices>`. */
export type SwarmServices = { [Name in keyof SwarmServiceFactories]: ReturnType<SwarmServiceFactories[Name]> }

/** The services that every peer runs. Spread them first, before services that need pubsub or the DHT. */
export function swarmServices(init: SwarmInit): SwarmServiceFactories {
  return {
    identify: identify(),
    identifyPush: identifyPush(),
    ping: ping({ maxInboundStreams: MAX_PING_STREAMS, maxOutboundStreams: MAX_PING_STREAMS }),
    dht: kadDHT({
      protocol: KAD_PROTOCOL,
      // Said outright, because libp2p would make a server only of a peer with a public address.
      clientMode: init.dht === 'client',
      // The default drops private addresses, so that a swarm at home or in one building would find nobody.
      peerInfoMapper: passthroughMapper,
      initialQuerySelfInterval: DHT_FIRST_LOOK,
      reprovide: {
        validity: PROVIDER_VALIDITY,
        threshold: PROVIDER_RENEWAL,
        interval: PROVIDER_CHECK_INTERVAL
      }
    }),
    pubsub: gossipsub({
      // An announcement is worth only what its signer is: unsigned ones are dropped, and not passed on.
      globalSignaturePolicy: StrictSign,
      // The first Shard of a swarm announces to nobody, which is no error.
      allowPublishToZeroTopicPeers: true,
      // The default lowers the score of peers that share an address and drops every message of theirs past 10 of them:
      // one household, one carrier's NAT, one relay. Who may announce is the announcements' matter, not the address's.
      scoreParams: {
        IPColocationFactorWeight: 0,
        topics: { [ANNOUNCE_TOPIC]: createTopicScoreParams(ANNOUNCE_SCORE) }
      },
      // Foreign topics would make every peer a free message bus, and each costs memory.
      allowedTopics: [ANNOUNCE_TOPIC],
      maxTopicBytesPerPeer: MAX_TOPIC_BYTES_PER_PEER,
      maxInboundDataLength: MAX_GOSSIP_RPC_BYTES,
      decodeRpcLimits: GOSSIP_RPC_LIMITS,
      // A relayed link carries a handshake's worth of bytes and belongs to the two peers that need it; both ends reach
      // the relay itself directly, and hear the gossip there.
      runOnLimitedConnection: false,
      // Without it a peer that speaks floodsub alone would get everything and prove nothing.
      fallbackToFloodsub: false,
      ...(init.hub === true ? GOSSIP_HUB : {})
    })
  }
}

/** What {@link swarmDefaults} gives: a part of libp2p's own options. */
export interface SwarmDefaults {
  connectionEncrypters: Array<ReturnType<typeof noise>>
  streamMuxers: Array<() => StreamMuxerFactory>
  connectionGater: ConnectionGater
  connectionManager: { inboundConnectionThreshold: number; maxIncomingPendingConnections: number }
}

/**
 * Everything but transports, addresses and services: a fresh object each call, because libp2p fills it in. A role that
 * wants a `connectionManager` of its own spreads this one's into it.
 */
export function swarmDefaults(): SwarmDefaults {
  return {
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // In a browser the default refuses private addresses and ws without TLS: then a tab could not reach a Shard on the
    // same desk. The addresses come from signed announcements and the private DHT, and Noise proves who answers.
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: {
      inboundConnectionThreshold: INBOUND_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: MAX_PENDING_CONNECTIONS
    }
  }
}
