import { ANNOUNCE_LIMITS } from '../limits.ts'

/** The DHT of Shard's own: records of other networks cannot leak in, and ours cannot leak out. */
export const KAD_PROTOCOL = '/shard/kad/1.0.0'

/** The one gossip topic. Shards announce their offer on it; it never carries a prompt, a draft or a token. */
export const ANNOUNCE_TOPIC = 'shard/announce/1'

/**
 * libp2p's default is 5 inbound connections a second from one host, and a 6th is reset. A household, an office or a
 * mobile carrier shares one address, and so does everything on loopback: 100 is far above their bursts, and still a
 * bound for one machine that floods.
 */
export const INBOUND_CONNECTIONS_PER_SECOND = 100

/**
 * Connections that may be in the middle of their handshake. WebRTC-Direct takes 8 round trips, 0.8 s at 100 ms, so
 * libp2p's default of 10 refuses honest peers when a popular link opens many tabs at once.
 */
export const MAX_PENDING_CONNECTIONS = 64

/**
 * Ping streams a connection, either way. libp2p's connection monitor and the DHT's routing table both ping over the
 * same connection, and with the default of 1 outbound stream the monitor takes the clash for a dead peer and aborts.
 */
export const MAX_PING_STREAMS = 16

/**
 * Milliseconds from start to the DHT's first look around, for which every query waits. The default of a second is a
 * visible pause in a tab that was just opened; with no peer yet, the look around waits for the first one anyway.
 */
export const DHT_FIRST_LOOK = 250

/**
 * Milliseconds that a provider record is kept. The default of 48 h is made for servers; a desktop that went to bed
 * would still be offered to everyone the next day.
 */
export const PROVIDER_VALIDITY = 2 * 60 * 60 * 1000

/** A living Shard renews its records when they expire within this many milliseconds ... */
export const PROVIDER_RENEWAL = 60 * 60 * 1000

/** ... and looks for such records, and for dead ones of others, this often: four chances before one lapses. */
export const PROVIDER_CHECK_INTERVAL = 15 * 60 * 1000

/**
 * Bytes of one gossip RPC; a longer one ends that peer's gossip stream. An answer to IWANT holds every message of the
 * last seconds in one RPC, so it must be far longer than one announcement: 64 of the longest, with 1 KiB each for the
 * sender's key and signature.
 */
export const MAX_GOSSIP_RPC_BYTES = 64 * (ANNOUNCE_LIMITS.maxBytes + 1024)

/**
 * Memory for one peer's subscriptions. An honest peer needs one topic, about 1 KiB of bookkeeping; the default is
 * 1 MiB. (`allowedTopics` drops foreign topics before they are counted; this is the second line.)
 */
export const MAX_TOPIC_BYTES_PER_PEER = 16 * 1024

/** How many of each item one gossip RPC may hold before decoding stops. The defaults are 5,000. */
export const GOSSIP_RPC_LIMITS = {
  /** One topic, subscribed and unsubscribed in the same tick, and slack for later versions. */
  maxSubscriptions: 32,
  /** One announcement of each remembered Shard. */
  maxMessages: ANNOUNCE_LIMITS.maxShards,
  maxIhaveMessageIDs: 4 * ANNOUNCE_LIMITS.maxShards,
  maxIwantMessageIDs: 4 * ANNOUNCE_LIMITS.maxShards,
  maxIdontwantMessageIDs: ANNOUNCE_LIMITS.maxShards,
  maxControlMessages: 64,
  /** gossipsub's own default: a PRUNE names at most 16 other peers. */
  maxPeerInfos: 16
} as const

/**
 * gossipsub's mesh assumes that peers know several others: a peer passes a message to at most `Dhi` = 12, tells a quarter
 * of the rest of it, and trusts that these heard it elsewhere. Peers that know only their relay hear it nowhere else.
 */
export const GOSSIP_HUB = {
  /** Everyone who asks to join the mesh may: more than a relay has connections. */
  Dhi: 4_096,
  /** Everyone outside the mesh is told of every message. */
  gossipFactor: 1
} as const

/** Relays that a peer stays connected to, where it knows as many. One is enough to work; others take over. */
export const RELAYS_WANTED = 2

/** Ms of one dial: WebRTC-Direct takes 8 round trips, 6 s for a satellite link and to spare. */
export const RELAY_DIAL_TIMEOUT = 10_000

/** Pause before a relay that could not be reached is tried again, in ms: doubled each time, halved to 1.5 times at random. */
export const RELAY_RETRY_FIRST = 500
export const RELAY_RETRY_AT_MOST = 30_000

/** While no relay answers, the list is fetched again at most this often, in ms: the relays may have moved. */
export const RELAY_REFRESH_AT_MOST_EVERY = 15_000

/**
 * How announcements change a peer's gossip score: messages that are no announcement lower it, six of them below the
 * graylist's -80 (gossipsub counts their square), and it recovers in a minute. What else gossipsub scores is off: most
 * peers have little to say here, and a quiet peer is not a bad one.
 */
export const ANNOUNCE_SCORE = {
  topicWeight: 1,
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -10,
  invalidMessageDeliveriesDecay: 0.9
} as const
