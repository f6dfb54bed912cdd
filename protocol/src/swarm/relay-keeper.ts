import {
  RELAY_DIAL_TIMEOUT,
  RELAY_REFRESH_AT_MOST_EVERY,
  RELAY_RETRY_AT_MOST,
  RELAY_RETRY_FIRST,
  RELAYS_WANTED
} from './constants.ts'
import type { RelayAddresses } from './relay-addresses.ts'

/** How a peer stands with its relays. */
export interface RelayState {
  /** PeerIds of the relays that are connected. */
  connected: string[]
  /** True while a relay is being dialled. */
  dialling: boolean
  /** Why no relay is connected, and what to do, once it was tried. */
  problem?: string
}

export interface RelayKeeperInit {
  /** The list of relays. Asked again while none of those that are known answers. */
  load: (options: { signal: AbortSignal }) => Promise<RelayAddresses[]>
  /** Connects to a relay over whichever address works. */
  dial: (relay: RelayAddresses, options: { signal: AbortSignal }) => Promise<unknown>
  isConnected: (id: string) => boolean
  onChange: (state: RelayState) => void
  /** From 0 to 1, as Math.random. */
  random?: () => number
}

interface Relay extends RelayAddresses {
  failures: number
  /** When it may be dialled again, as performance.now(). */
  due: number
  dialling: boolean
}

/** Keeps a few relays connected: dials them with back-off and jitter, one after another takes over when one is lost. */
export class RelayKeeper {
  readonly #init: RelayKeeperInit
  readonly #random: () => number
  #relays = new Map<string, Relay>()
  #stopped = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  #loading = false
  #loadFailures = 0
  #nextLoad = -Infinity
  #problem: string | undefined

  constructor(init: RelayKeeperInit) {
    this.#init = init
    this.#random = init.random ?? Math.random
  }

  get state(): RelayState {
    const connected = [...this.#relays.keys()].filter((id) => this.#init.isConnected(id))
    const dialling = this.#loading || [...this.#relays.values()].some((relay) => relay.dialling)
    return {
      connected,
      dialling,
      ...(connected.length === 0 && this.#problem != null ? { problem: this.#problem } : {})
    }
  }

  start(): void {
    this.#stopped = new AbortController()
    this.#tend()
  }

  stop(): void {
    this.#stopped.abort(new Error('This peer left the swarm.'))
    clearTimeout(this.#timer)
  }

  /** Looks after the relays again: a connection opened or closed. */
  check(): void {
    this.#tend()
  }

  /** Tries everything at once: the network is back, or the person is looking. */
  hurry(): void {
    for (const relay of this.#relays.values()) {
      relay.due = -Infinity
      relay.failures = 0
    }
    this.#nextLoad = -Infinity
    this.#loadFailures = 0
    this.#tend()
  }

  #tend(): void {
    clearTimeout(this.#timer)
    if (this.#stopped.signal.aborted) return
    const now = performance.now()
    const relays = [...this.#relays.values()]
    const up = relays.filter((relay) => this.#init.isConnected(relay.id)).length
    const underWay = relays.filter((relay) => relay.dialling).length
    const idle = relays.filter((relay) => !relay.dialling && !this.#init.isConnected(relay.id))

    // The relays may have moved; a list that has none that answers is worth another look.
    if (up === 0 && now >= this.#nextLoad && idle.every((relay) => relay.failures > 0)) void this.#load()

    const due = idle.filter((relay) => relay.due <= now).sort((a, b) => a.failures - b.failures)
    due.slice(0, Math.max(0, RELAYS_WANTED - up - underWay)).forEach((relay) => void this.#dial(relay))

    const waiting = up < RELAYS_WANTED ? idle.filter((relay) => relay.due > now).map((relay) => relay.due) : []
    if (up === 0 && this.#nextLoad > now) waiting.push(this.#nextLoad)
    if (waiting.length > 0) this.#timer = setTimeout(() => this.#tend(), Math.min(...waiting) - now)
    this.#init.onChange(this.state)
  }

  async #load(): Promise<void> {
    if (this.#loading) return
    this.#loading = true
    const { signal } = this.#stopped
    try {
      const known = this.#relays
      const list = shuffle(await this.#init.load({ signal }), this.#random)
      const fresh = { failures: 0, due: -Infinity, dialling: false }
      this.#relays = new Map(list.map((relay) => [relay.id, { ...(known.get(relay.id) ?? fresh), ...relay }]))
      this.#loadFailures = 0
      this.#nextLoad = performance.now() + RELAY_REFRESH_AT_MOST_EVERY
    } catch (error) {
      this.#problem = message(error)
      this.#nextLoad = performance.now() + this.#pause(this.#loadFailures++)
    } finally {
      this.#loading = false
    }
    this.#tend()
  }

  async #dial(relay: Relay): Promise<void> {
    relay.dialling = true
    const { signal } = this.#stopped
    try {
      await this.#init.dial(relay, { signal: AbortSignal.any([signal, AbortSignal.timeout(RELAY_DIAL_TIMEOUT)]) })
      relay.failures = 0
      // A relay that hangs up at once is not to be dialled in a tight loop.
      relay.due = performance.now() + this.#pause(0)
      this.#problem = undefined
    } catch (error) {
      relay.due = performance.now() + this.#pause(relay.failures++)
      this.#problem = `No relay could be reached (${message(error)}). Check the connection; it is tried again by itself.`
    } finally {
      relay.dialling = false
      // The list may have been renewed meanwhile.
      const current = this.#relays.get(relay.id)
      if (current != null && current !== relay)
        Object.assign(current, { failures: relay.failures, due: relay.due, dialling: false })
    }
    this.#tend()
  }

  /** Ms to wait after so many failures, with jitter, so that a relay that restarts does not meet all peers at once. */
  #pause(failures: number): number {
    return Math.min(RELAY_RETRY_AT_MOST, RELAY_RETRY_FIRST * 2 ** failures) * (0.5 + this.#random())
  }
}

function shuffle<T>(items: T[], random: () => number): T[] {
  const shuffled = [...items]
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const [a, b] = [shuffled[i], shuffled[j]]
    if (a != null && b != null) [shuffled[i], shuffled[j]] = [b, a]
  }
  return shuffled
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
