import { ASSUMED_SPEED, FAILURE_MEMORY, FAILURE_WEIGHT, SPEED_WEIGHT } from './constants.ts'
import type { KnownShard } from '../announce/index.ts'
import type { PeerId } from '@libp2p/interface'

interface Experience {
  /** Tokens/s that this Consumer got, running mean. */
  speed?: number
  /** Ms until the first token, running mean. */
  firstToken?: number
  failures: number
  failedAt: number
}

/**
 * What this Consumer learned of Shards by itself. It ranks on that and on the announced load, by the power of two
 * choices (Mitzenmacher 2001): of two random Shards the better one, so that Consumers that know the same don't all run
 * to the same Shard.
 */
export class Ranking {
  readonly #experience = new Map<string, Experience>()
  readonly #random: () => number
  readonly #now: () => number

  constructor(options: { random?: () => number; now?: () => number } = {}) {
    this.#random = options.random ?? Math.random
    this.#now = options.now ?? Date.now
  }

  /** One of `shards`, or undefined if there are none. */
  choose(shards: readonly KnownShard[]): KnownShard | undefined {
    const first = this.#pick(shards)
    const second = this.#pick(shards.filter((shard) => shard !== first))
    if (first == null || second == null) {
      return first
    }
    return this.cost(second) < this.cost(first) ? second : first
  }

  /** `speed` in tokens/s, 0 where the answer was too short to tell; `firstToken` in ms. */
  succeeded(peer: PeerId, measured: { speed: number; firstToken: number }): void {
    const known = this.#of(peer)
    known.failures = 0
    if (measured.speed > 0) {
      known.speed = mean(known.speed, measured.speed)
    }
    known.firstToken = mean(known.firstToken, measured.firstToken)
  }

  failed(peer: PeerId): void {
    const known = this.#of(peer)
    known.failures = this.#recentFailures(known) + 1
    known.failedAt = this.#now()
  }

  /** Expected ms for a token of the next generation, on a scale of its own: only the order matters. */
  cost(shard: KnownShard): number {
    const known = this.#experience.get(shard.peer.toString())
    const speed = known?.speed ?? (shard.speed > 0 ? shard.speed : ASSUMED_SPEED)
    const load = (shard.active + shard.queued + 1) / Math.max(1, shard.slots)
    const failures = known == null ? 0 : this.#recentFailures(known)
    // a typical answer of 100 tokens spreads the wait for its first one
    return ((1000 / speed) * Math.max(1, load) + (known?.firstToken ?? 0) / 100) * FAILURE_WEIGHT ** failures
  }

  #recentFailures({ failures, failedAt }: Experience): number {
    return this.#now() - failedAt < FAILURE_MEMORY ? failures : 0
  }

  #pick(shards: readonly KnownShard[]): KnownShard | undefined {
    return shards[Math.floor(this.#random() * shards.length)]
  }

  #of(peer: PeerId): Experience {
    const id = peer.toString()
    let known = this.#experience.get(id)
    if (known == null) {
      known = { failures: 0, failedAt: -Infinity }
      this.#experience.set(id, known)
    }
    return known
  }
}

function mean(old: number | undefined, value: number): number {
  return old == null ? value : old + SPEED_WEIGHT * (value - old)
}
