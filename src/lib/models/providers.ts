import { DIAL_TIMEOUT, MAX_DHT_PROVIDERS } from './constants.ts'
import { ModelFetchError } from './errors.ts'
import type { TabSwarm } from '../swarm/index.ts'
import type { PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import type { FetchTiming } from './constants.ts'

/** The part of the tab's swarm that fetching needs. */
export type FetchSwarm = Pick<TabSwarm, 'libp2p' | 'helia' | 'directory'>

interface Candidate {
  peer: PeerId
  failures: number
}

/** Peers that may have a file: those that the DHT names, and the Shards that this tab knows. */
export class Providers {
  readonly #swarm: FetchSwarm
  readonly #cid: CID
  readonly #timing: FetchTiming
  readonly #candidates = new Map<string, Candidate>()
  readonly #inDht = new Set<string>()
  #asking = false
  /** Resolved and renewed when a peer is added. */
  #found = Promise.withResolvers<void>()

  constructor(swarm: FetchSwarm, cid: CID, timing: FetchTiming) {
    this.#swarm = swarm
    this.#cid = cid
    this.#timing = timing
  }

  /** Peers that are known and have not failed yet. */
  get count(): number {
    return [...this.#candidates.values()].filter(({ failures }) => failures === 0).length
  }

  /**
   * Connects to the peer that failed least often, of these to one that the DHT names, and gives it.
   *
   * @throws ModelFetchError NO_PROVIDER where nobody is known or can be reached; the signal's reason when aborted
   */
  async next(options: { signal: AbortSignal }): Promise<PeerId> {
    this.#addShards()
    await this.#search(options.signal)
    let cause: unknown
    for (const candidate of this.#ranked()) {
      try {
        const signal = AbortSignal.any([options.signal, AbortSignal.timeout(DIAL_TIMEOUT)])
        await this.#swarm.libp2p.dial(candidate.peer, { signal })
        return candidate.peer
      } catch (error) {
        options.signal.throwIfAborted()
        candidate.failures++
        cause = error
      }
    }
    const found = this.#candidates.size > 0 ? 'could be reached' : 'was found'
    const remedy = 'Start one with `shard serve`, or check the connection and try again.'
    throw new ModelFetchError('NO_PROVIDER', `No peer that has this model ${found}. ${remedy}`, { cause })
  }

  /** This peer did not deliver: others are asked first from now on. */
  failed(peer: PeerId): void {
    const candidate = this.#candidates.get(peer.toString())
    if (candidate != null) candidate.failures++
  }

  #ranked(): Candidate[] {
    const rank = ({ peer, failures }: Candidate): number => failures * 2 + (this.#inDht.has(peer.toString()) ? 0 : 1)
    return [...this.#candidates.values()].sort((a, b) => rank(a) - rank(b))
  }

  /** Looks for peers in the DHT; waits for the first only where nobody that did not fail is known. */
  async #search(outer: AbortSignal): Promise<void> {
    if (!this.#asking) {
      this.#asking = true
      void this.#askDht(outer).finally(() => {
        this.#asking = false
      })
    }
    if (this.count > 0) return
    // With somebody to try again, a look is enough; with nobody, whoever comes first.
    const patience = this.#candidates.size > 0 ? this.#timing.patience : this.#timing.search
    const signal = AbortSignal.any([outer, AbortSignal.timeout(patience)])
    while (!signal.aborted && this.count === 0) {
      await Promise.race([this.#found.promise, this.#swarm.directory.changed({ signal, timeout: patience })])
      this.#addShards()
    }
    outer.throwIfAborted()
  }

  async #askDht(outer: AbortSignal): Promise<void> {
    const { libp2p } = this.#swarm
    try {
      let found = 0
      const signal = AbortSignal.any([outer, AbortSignal.timeout(this.#timing.search)])
      for await (const { id, multiaddrs } of libp2p.contentRouting.findProviders(this.#cid, { signal })) {
        if (id.equals(libp2p.peerId)) continue
        await libp2p.peerStore.merge(id, { multiaddrs })
        this.#inDht.add(id.toString())
        this.#add(id)
        if (++found === MAX_DHT_PROVIDERS) return
      }
    } catch {
      // No relay yet, or nobody knows: announcements may still name a Shard.
    }
  }

  #addShards(): void {
    for (const { peer } of this.#swarm.directory.shards()) this.#add(peer)
  }

  #add(peer: PeerId): void {
    const id = peer.toString()
    if (this.#candidates.has(id)) return
    this.#candidates.set(id, { peer, failures: 0 })
    this.#found.resolve()
    this.#found = Promise.withResolvers()
  }
}
