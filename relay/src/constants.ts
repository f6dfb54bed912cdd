/** TCP port for WebSockets and UDP port for WebRTC-Direct: the web app's own port is 9091. */
export const DEFAULT_PORT = 9092

/** Plain TCP, for desktop peers, takes the port above that of WebSockets: one TCP port cannot serve both. */
export const TCP_PORT_OFFSET = 1

/** Every network of the machine: a relay that only this machine can reach is of no use to others. */
export const DEFAULT_HOST = '0.0.0.0'

/** What one relay gives away. Each is bounded, because whoever asks is a stranger. */
export interface RelayLimits {
  /** Open connections. Past it the least useful are closed, those without a reservation first. */
  maxConnections: number
  /** Peers that may be reached through this relay at a time. */
  maxReservations: number
  /** Bytes, both ways together, of one relayed connection. */
  maxRelayedBytes: number
  /** Milliseconds that one relayed connection may stay open. */
  maxRelayedTime: number
}

export const RELAY_LIMITS: RelayLimits = {
  /**
   * Measured with 120 idle peers: 0.9 MiB and 0.4 ms of a core a second for each over WebSockets, 1.4 MiB and 1 ms over
   * WebRTC-Direct. So a full relay fits 2 GiB and one core, and the 4,096 descriptors that service managers allow.
   */
  maxConnections: 1_024,
  /** Half of the connections: peers that wait to be dialled must leave room for those that dial them. */
  maxReservations: 512,
  /**
   * A WebRTC handshake takes 9 KiB, identify included (measured). The rest is for two peers whose NATs allow no direct
   * connection: a long question and an answer of 4,096 tokens, each committed alone, are about half of this. libp2p's
   * 128 KiB would cut that answer off.
   */
  maxRelayedBytes: 1024 * 1024,
  /** That answer at 8 tokens a second. libp2p's 2 minutes are for handshakes alone. */
  maxRelayedTime: 10 * 60 * 1000
}

/**
 * Milliseconds for which a reservation lasts unless its peer renews it, which libp2p does by itself. A closed connection
 * ends it at once, so this only bounds peers that stay connected and lose interest.
 */
export const RESERVATION_TTL = 60 * 60 * 1000

/**
 * Milliseconds for one HOP request. It waits for the other peer's answer to STOP, a few round trips; libp2p's 30 s would
 * outlast the dialler, who gives up after 10.
 */
export const HOP_TIMEOUT = 10_000

/** HOP streams on one connection: each is a relayed connection that this peer opened, or its reservation. */
export const MAX_HOP_STREAMS = 32

/**
 * STOP streams to one peer: relayed connections to a popular Shard behind a NAT. libp2p leaves one open after the upgrade
 * to WebRTC, until its time limit, so this is how many new peers may come within that time.
 */
export const MAX_STOP_STREAMS = 300

/** Milliseconds for a clean stop; whatever still hangs then is cut off, so that Ctrl-C always works. */
export const STOP_TIMEOUT = 4_000

/**
 * Milliseconds for which the WebRTC-Direct certificate is valid. Peers pin it by the hash in the relay's address, and
 * bootstrap lists hold that address for years; libp2p's own certificate changes every 13 days.
 */
export const CERTIFICATE_LIFETIME = 10 * 365 * 24 * 60 * 60 * 1000

/** Milliseconds before its end at which a start of the relay replaces the certificate. */
export const CERTIFICATE_RENEWAL = 30 * 24 * 60 * 60 * 1000
