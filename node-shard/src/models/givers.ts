import { setTimeout as sleep } from 'node:timers/promises'
import { BITSWAP, type BitswapClient, type GiverSession } from './bitswap-client.ts'
import { DIAL_TIMEOUT, MAX_GIVERS, STALL_AT_MOST, type FetchTiming } from './constants.ts'
import { GiverError } from './errors.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Directory } from '@shard/protocol/announce'
import type { CID } from 'multiformats/cid'

/** The swarm, as far as a fetch needs it. */
export interface FetchSwarm {
  libp2p: Libp2p
  directory: Pick<Directory, 'shards'>
}

interface Candidate {
  peer: PeerId
  failures: number
  /** `Date.now()` from which it may be asked again; Infinity: never. */
  retryAt: number
  state: 'idle' | 'dialling' | 'giving'
  stall: number
}

/**
 * Peers that may have a model: Shards that announce it, Shards that announce another one, connected peers that speak
 * bitswap, and those that the DHT names. A peer that lied is never asked again, one that stalled later, and with more
 * patience.
 */
export class Givers {
  readonly #swarm: FetchSwarm
  readonly #client: BitswapClient
  readonly #timing: FetchTiming
  readonly #candidates = new Map<string, Candidate>()
  readonly #sessions = new Set<GiverSession>()
  readonly #listeners = new Set<(session: GiverSession) => void>()
  readonly #stopped = new AbortController()
  #looking: Promise<void> | undefined

  constructor(swarm: FetchSwarm, client: BitswapClient, timing: FetchTiming) {
    this.#swarm = swarm
    this.#client = client
    this.#timing = timing
  }

  /** True if somebody was asked, whatever came of it. */
  get met(): boolean {
    return [...this.#candidates.values()].some(({ state, failures }) => state === 'giving' || failures > 0)
  }

  /** Looks for peers that have what `ids` name, until {@link stop}. */
  start(ids: CID[]): void {
    this.#looking ??= this.#look(ids)
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('the fetch is over'))
    for (const session of this.#sessions) {
      session.fail(new GiverError('GONE', 'the fetch is over'))
    }
    await this.#looking
  }

  /** Called with every session that there is, and with every new one. */
  subscribe(listener: (session: GiverSession) => void): () => void {
    this.#listeners.add(listener)
    for (const session of this.#sessions) {
      listener(session)
    }
    return () => this.#listeners.delete(listener)
  }

  async #look(ids: CID[]): Promise<void> {
    const { signal } = this.#stopped
    const asking = new Map<CID, Promise<void>>()
    let pause = this.#timing.look / 20
    while (!signal.aborted) {
      await this.#addKnown(ids)
      for (const id of ids) {
        if (this.#sessions.size < MAX_GIVERS && !asking.has(id)) {
          asking.set(
            id,
            this.#askDht(id, signal).finally(() => asking.delete(id))
          )
        }
      }
      this.#dial(signal)
      // a peer that was just connected says what it speaks in a moment
      await sleep(pause, undefined, { signal }).catch(ignore)
      pause = Math.min(this.#timing.look, 2 * pause)
    }
    await Promise.all(asking.values())
  }

  async #addKnown(ids: CID[]): Promise<void> {
    const { libp2p, directory } = this.#swarm
    for (const { peer } of [...ids.flatMap((id) => directory.shards(id)), ...directory.shards()]) {
      this.#add(peer)
    }
    for (const { remotePeer } of libp2p.getConnections()) {
      const peer = await libp2p.peerStore.get(remotePeer).catch(() => undefined)
      if (peer?.protocols.includes(BITSWAP) === true) {
        this.#add(remotePeer)
      }
    }
  }

  async #askDht(cid: CID, outer: AbortSignal): Promise<void> {
    const { libp2p } = this.#swarm
    const signal = AbortSignal.any([outer, AbortSignal.timeout(this.#timing.search)])
    try {
      for await (const { id, multiaddrs } of libp2p.contentRouting.findProviders(cid, { signal })) {
        await libp2p.peerStore.merge(id, { multiaddrs })
        this.#add(id)
        this.#dial(outer)
      }
      // nobody else will come for a while
      await sleep(4 * this.#timing.look, undefined, { signal: outer })
    } catch {
      // no relay yet, or nobody knows: announcements may still name a Shard
    }
  }

  #add(peer: PeerId): void {
    const id = peer.toString()
    if (!this.#candidates.has(id) && !peer.equals(this.#swarm.libp2p.peerId)) {
      this.#candidates.set(id, { peer, failures: 0, retryAt: 0, state: 'idle', stall: this.#timing.stall })
    }
  }

  #dial(signal: AbortSignal): void {
    const busy = [...this.#candidates.values()].filter(({ state }) => state !== 'idle').length
    const ready = [...this.#candidates.values()].filter(({ state, retryAt }) => state === 'idle' && retryAt <= Date.now())
    ready.sort((a, b) => a.failures - b.failures)
    for (const candidate of ready.slice(0, Math.max(0, MAX_GIVERS - busy))) {
      void this.#connect(candidate, signal)
    }
  }

  /** Never rejects. */
  async #connect(candidate: Candidate, outer: AbortSignal): Promise<void> {
    candidate.state = 'dialling'
    try {
      await this.#swarm.libp2p.dial(candidate.peer, {
        signal: AbortSignal.any([outer, AbortSignal.timeout(DIAL_TIMEOUT)])
      })
      outer.throwIfAborted()
    } catch {
      this.#failed(candidate, 'GONE')
      return
    }
    candidate.state = 'giving'
    const session = this.#client.session(candidate.peer, candidate.stall)
    this.#sessions.add(session)
    for (const listener of this.#listeners) {
      listener(session)
    }
    const { fault } = await session.ended
    this.#sessions.delete(session)
    if (session.given > 0 && fault !== 'CORRUPT') {
      candidate.failures = 0
    }
    if (fault === 'STALLED') {
      candidate.stall = Math.min(STALL_AT_MOST, 2 * candidate.stall)
    }
    this.#failed(candidate, fault)
  }

  #failed(candidate: Candidate, fault: GiverError['fault']): void {
    candidate.state = 'idle'
    candidate.failures++
    // who lied once may lie again, and costs a block each time
    candidate.retryAt = fault === 'CORRUPT' ? Infinity : Date.now() + this.#timing.look * 2 ** Math.min(6, candidate.failures)
  }
}

function ignore(): void {
  // said where it is called
}
