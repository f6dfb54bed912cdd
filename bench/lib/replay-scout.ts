import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Begin, Committed, Offer, ScoutSession } from '@shard/protocol/draft'
import type { PeerId } from '@libp2p/interface'
import type { ScoutPool } from '../../node-shard/dist/scouts/pool.js'

export interface ReplayInit {
  pool: ScoutPool
  offer: Offer
  /** What this Scout guesses after so many committed tokens, or nothing. */
  guess: (committed: number) => readonly number[]
  /** Ms from a commit to the draft that answers it: the round trip and the drafting. */
  delay: number
}

/**
 * A Scout whose drafts were recorded before, so that its computing is not charged to the Shard that shares this machine
 * with it. It answers every commit, `delay` ms later, with its guesses from there on.
 */
export class ReplayScout implements ScoutSession {
  readonly peer: PeerId
  readonly #init: ReplayInit
  readonly #timers = new Set<NodeJS.Timeout>()
  #chain = 0

  private constructor(peer: PeerId, init: ReplayInit) {
    this.peer = peer
    this.#init = init
  }

  static async join(init: ReplayInit): Promise<ReplayScout> {
    const scout = new ReplayScout(peerIdFromPrivateKey(await generateKeyPair('Ed25519')), init)
    init.pool.join(scout)
    return scout
  }

  get offer(): Offer {
    return this.#init.offer
  }

  begin({ generation, committed }: Begin): void {
    this.#answer(generation, committed.length)
  }

  commit({ generation, position, tokens }: Committed): void {
    this.#answer(generation, position + tokens.length)
  }

  end(): void {
    this.#timers.forEach((timer) => clearTimeout(timer))
    this.#timers.clear()
  }

  dismiss(): void {
    this.leave()
  }

  leave(): void {
    this.end()
    this.#init.pool.leave(this)
  }

  #answer(generation: number, position: number): void {
    const tokens = [...this.#init.guess(position)]
    if (tokens.length === 0) return
    const send = (): void => this.#init.pool.draft(this, { generation, chain: ++this.#chain, position, tokens })
    if (this.#init.delay === 0) {
      send()
      return
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      send()
    }, this.#init.delay)
    this.#timers.add(timer)
  }
}
