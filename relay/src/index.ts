/**
 * @packageDocumentation
 *
 * A relay: circuit-relay-v2, bootstrap and DHT server, and a router of the announcement topic. It lets peers find each
 * other and shake hands; what they then say runs on direct, encrypted streams that it neither carries nor understands.
 *
 * @example
 *
 * ```TypeScript
 * import { createRelay } from '@shard/relay'
 *
 * const relay = await createRelay({ listen: ['/ip4/127.0.0.1/tcp/9092/ws'], data: '/var/lib/shard-relay' })
 * console.log(relay.addresses.map(String))
 * await relay.stop()
 * ```
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { TopicValidatorResult } from '@libp2p/gossipsub'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { tcp } from '@libp2p/tcp'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { ANNOUNCE_LIMITS } from '@shard/protocol/limits'
import { ANNOUNCE_TOPIC, NO_ICE_SERVERS, keepListeners, swarmDefaults, swarmServices } from '@shard/protocol/swarm'
import { LevelDatastore } from 'datastore-level'
import { createLibp2p } from 'libp2p'
import {
  HOP_TIMEOUT,
  MAX_HOP_STREAMS,
  MAX_STOP_STREAMS,
  RELAY_LIMITS,
  RESERVATION_TTL,
  STOP_TIMEOUT
} from './constants.ts'
import { RelayError, systemCode } from './errors.ts'
import { createIdentity, loadIdentity } from './identity.ts'
import { checkFree, listenAddresses, parseAnnounce, parseListen } from './listen.ts'
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { SwarmServices } from '@shard/protocol/swarm'
import type { Libp2p } from 'libp2p'
import type { RelayLimits } from './constants.ts'
import type { RelayIdentity } from './identity.ts'

export { RELAY_LIMITS } from './constants.ts'
export type { RelayLimits } from './constants.ts'
export { RelayError } from './errors.ts'
export type { RelayErrorCode } from './errors.ts'
export { listenAddresses } from './listen.ts'
export type { ListenInit } from './listen.ts'

/** What a relay writes to: pino's logger fits. */
export interface RelayLog {
  debug: (detail: Record<string, unknown>, message: string) => void
  info: (detail: Record<string, unknown>, message: string) => void
  warn: (detail: Record<string, unknown>, message: string) => void
}

export interface RelayInit {
  /** Multiaddrs to listen on: IP addresses with tcp, ws or webrtc-direct. Default: `listenAddresses()`. */
  listen?: string[]
  /**
   * Multiaddrs to tell others in place of those that this machine has: behind a router or a reverse proxy. A missing
   * certhash of WebRTC-Direct is filled in.
   */
  announce?: string[]
  /** Folder for the keys and the records. Left out, all is in memory and the next start is another relay. */
  data?: string
  limits?: Partial<RelayLimits>
  log?: RelayLog
}

export interface RelayStatus {
  /** Peers that are connected. */
  peers: number
  /** Of those, how many may be reached through this relay. */
  reservations: number
}

export interface Relay {
  readonly peerId: PeerId
  /** Every address under which this relay can be dialled now, each with its peer id. */
  readonly addresses: Multiaddr[]
  readonly status: RelayStatus
  /** Calls back when `addresses` changes; returns a function that ends this. */
  onAddresses: (listener: (addresses: Multiaddr[]) => void) => () => void
  /**
   * Says goodbye and lets go of files and TCP ports, within 5 s whatever hangs. A UDP port stays taken until the process
   * ends (see `keepListeners`). Safe to call twice.
   */
  stop: () => Promise<void>
}

type RelayServices = SwarmServices & { relay: CircuitRelayService }

/**
 * Starts a relay; it is ready when the promise resolves.
 *
 * @throws RelayError with a sentence that says what to do
 */
export async function createRelay(init: RelayInit = {}): Promise<Relay> {
  const announce = parseAnnounce(init.announce ?? [])
  const listen = await checkFree(parseListen(init.listen ?? listenAddresses()))
  const identity = init.data == null ? await createIdentity() : await loadIdentity(init.data)
  const datastore = init.data == null ? undefined : await openDatastore(join(init.data, 'datastore'))
  try {
    const libp2p = await startLibp2p(init, identity, datastore, listen, announce)
    return new ShardRelay(libp2p, datastore, init.log)
  } catch (error) {
    await datastore?.close()
    throw error
  }
}

async function startLibp2p(
  init: RelayInit,
  identity: RelayIdentity,
  datastore: LevelDatastore | undefined,
  listen: Multiaddr[],
  announce: Multiaddr[]
): Promise<Libp2p<RelayServices>> {
  const limits = { ...RELAY_LIMITS, ...init.limits }
  const { connectionManager, ...defaults } = swarmDefaults()
  const libp2p = await createLibp2p<RelayServices>({
    ...defaults,
    privateKey: identity.privateKey,
    datastore,
    addresses: { listen: listen.map(String), announce: announce.map(String) },
    transports: [
      tcp(),
      webSockets(),
      keepListeners(webRTCDirect({ rtcConfiguration: NO_ICE_SERVERS, certificate: identity.certificate }))
    ],
    connectionManager: { ...connectionManager, maxConnections: limits.maxConnections },
    services: {
      ...swarmServices({ dht: 'server', hub: true }),
      relay: circuitRelayServer({
        hopTimeout: HOP_TIMEOUT,
        maxInboundHopStreams: MAX_HOP_STREAMS,
        maxOutboundStopStreams: MAX_STOP_STREAMS,
        reservations: {
          maxReservations: limits.maxReservations,
          reservationTtl: RESERVATION_TTL,
          defaultDataLimit: BigInt(limits.maxRelayedBytes),
          defaultDurationLimit: limits.maxRelayedTime
        }
      })
    }
  })
  const { pubsub } = libp2p.services
  // The one thing that a relay checks of an announcement: what is in it is the matter of those who read it.
  pubsub.topicValidators.set(ANNOUNCE_TOPIC, (_peer, message) =>
    message.data.byteLength > ANNOUNCE_LIMITS.maxBytes ? TopicValidatorResult.Reject : TopicValidatorResult.Accept
  )
  // A router passes on only the topics that it has joined.
  pubsub.subscribe(ANNOUNCE_TOPIC)
  return libp2p
}

async function openDatastore(path: string): Promise<LevelDatastore> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const datastore = new LevelDatastore(path)
  try {
    // Not `datastore.open()`, which does the same and hides the reason where it fails.
    await datastore.db.open()
    return datastore
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    const locked = [error, cause].some((reason) => systemCode(reason) === 'LEVEL_LOCKED')
    throw locked
      ? new RelayError(
          'DATA_IN_USE',
          `Another relay uses the folder ${path}: stop it, or give this one its own with --data.`,
          {
            cause: error
          }
        )
      : new RelayError(
          'DATA_REFUSED',
          `Cannot open the records in ${path}: remove that folder (the relay's key is not in it) and start again.`,
          {
            cause: error
          }
        )
  }
}

class ShardRelay implements Relay {
  readonly #libp2p: Libp2p<RelayServices>
  readonly #datastore: LevelDatastore | undefined
  readonly #log: RelayLog | undefined
  #stopped: Promise<void> | undefined

  constructor(libp2p: Libp2p<RelayServices>, datastore: LevelDatastore | undefined, log: RelayLog | undefined) {
    this.#libp2p = libp2p
    this.#datastore = datastore
    this.#log = log
    libp2p.addEventListener('peer:connect', ({ detail: peer }) => {
      log?.debug({ peer: peer.toString(), ...this.status }, 'peer connected')
    })
    libp2p.addEventListener('peer:disconnect', ({ detail: peer }) => {
      this.#endReservation(peer)
      log?.debug({ peer: peer.toString(), ...this.status }, 'peer gone')
    })
  }

  get peerId(): PeerId {
    return this.#libp2p.peerId
  }

  get addresses(): Multiaddr[] {
    return this.#libp2p.getMultiaddrs()
  }

  get status(): RelayStatus {
    return { peers: this.#libp2p.getPeers().length, reservations: this.#libp2p.services.relay.reservations.size }
  }

  onAddresses(listener: (addresses: Multiaddr[]) => void): () => void {
    let known = this.addresses.join()
    const changed = (): void => {
      const now = this.addresses
      if (now.join() === known) return
      known = now.join()
      listener(now)
    }
    this.#libp2p.addEventListener('self:peer:update', changed)
    return () => this.#libp2p.removeEventListener('self:peer:update', changed)
  }

  async stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    await this.#stopped
  }

  async #stop(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), STOP_TIMEOUT)
    })
    // A peer that vanished may leave a connection that never reports its end.
    const clean = Promise.resolve(this.#libp2p.stop()).then(() => 'clean' as const)
    const outcome = await Promise.race([clean, late])
    clearTimeout(timer)
    if (outcome === 'late') this.#log?.warn({ ...this.status }, 'cut off connections that did not close in time')
    await this.#datastore?.close()
  }

  /**
   * libp2p keeps the place of a peer that left until its time is up, so an hour of tabs that come and go would fill a
   * relay with places for nobody. The timer goes too: it would end the place that the same peer takes next.
   */
  #endReservation(peer: PeerId): void {
    const { reservations } = this.#libp2p.services.relay
    reservations.get(peer)?.signal.clear()
    reservations.delete(peer)
  }
}
