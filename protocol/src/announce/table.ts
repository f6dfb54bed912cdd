import { ANNOUNCE_LIMITS } from '../limits.ts'
import type { KnownShard, ShardOffer } from './index.ts'
import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

interface Entry {
  shard: KnownShard
  /** When to forget it, `Date.now()`. */
  until: number
}

/** The Shards that this peer knows of, each for as long as its word is good. */
export class ShardTable {
  readonly #entries = new Map<string, Entry>()
  #waiting = new Set<() => void>()

  shards(model?: CID): KnownShard[] {
    const now = Date.now()
    for (const [id, { until }] of this.#entries) {
      if (until <= now) {
        this.#entries.delete(id)
      }
    }
    const shards = [...this.#entries.values()].map(({ shard }) => shard)
    return model == null ? shards : shards.filter((shard) => serves(shard, model))
  }

  announced(peer: PeerId, offer: ShardOffer): void {
    this.#set({ ...offer, peer, heard: Date.now() })
  }

  /** A Shard that the DHT names; false if it was known to serve the model already. */
  addProvider(peer: PeerId, model: CID): boolean {
    const known = this.#entries.get(peer.toString())?.shard
    if (known != null && serves(known, model)) {
      return false
    }
    const fromDht = { slots: 1, active: 0, queued: 0, scoutsWanted: 1, speed: 0, models: [] }
    const shard = known ?? { ...fromDht, peer }
    this.#set({ ...shard, models: [...shard.models, { manifest: model, name: '' }] })
    return true
  }

  delete(peer: PeerId): void {
    if (this.#entries.delete(peer.toString())) {
      this.#notify()
    }
  }

  async changed({ signal, timeout }: AbortOptions & { timeout: number }): Promise<void> {
    if (signal?.aborted === true) {
      return
    }
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeout)
      signal?.addEventListener('abort', done)
      this.#waiting.add(done)
    })
  }

  #set(shard: KnownShard): void {
    const id = shard.peer.toString()
    // re-inserted, so that the map's order is that of the last word
    this.#entries.delete(id)
    this.#entries.set(id, { shard, until: Date.now() + ANNOUNCE_LIMITS.ttl })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > ANNOUNCE_LIMITS.maxShards && oldest != null) {
      this.#entries.delete(oldest)
    }
    this.#notify()
  }

  #notify(): void {
    const waiting = [...this.#waiting]
    waiting.forEach((done) => done())
  }
}

function serves(shard: KnownShard, model: CID): boolean {
  return shard.models.some(({ manifest }) => manifest.equals(model))
}
