import { CHOICE_KEY, REPORT_EVERY } from './constants.ts'
import { Contributor } from './contributor.ts'
import { Throttle } from './throttle.ts'
import type { Contribution, Locks } from './contributor.ts'
import type { ScoutParts } from './run-scout.ts'

/** This tab's contribution, alive over all pages of the app. */
export class Scouting {
  /** The switch. */
  on = $state(false)
  /** What is going on. */
  now = $state.raw<Contribution>({ step: 'off' })

  readonly #contributor: Contributor
  readonly #storage: () => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

  constructor(
    parts: ScoutParts,
    locks: Locks | undefined,
    storage: () => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  ) {
    // A fast Scout reports several hundred times a second.
    const throttle = new Throttle<Contribution>(REPORT_EVERY, (contribution) => {
      this.now = contribution
    })
    this.#contributor = new Contributor(parts, locks, (contribution) => throttle.push(contribution))
    this.#storage = storage
  }

  /** Switches contributing on or off, and remembers it. */
  set(on: boolean): void {
    this.#remember(on)
    this.#switch(on)
  }

  /** Goes on where the person left the switch at the last visit. Without a choice, nothing is asked or started. */
  resume(): void {
    if (this.#choice()) this.#switch(true)
  }

  retry(): void {
    this.#contributor.retry()
  }

  #switch(on: boolean): void {
    this.on = on
    if (on) this.#contributor.on()
    else void this.#contributor.off()
  }

  #choice(): boolean {
    try {
      return this.#storage().getItem(CHOICE_KEY) === 'on'
    } catch {
      return false
    }
  }

  #remember(on: boolean): void {
    try {
      if (on) this.#storage().setItem(CHOICE_KEY, 'on')
      else this.#storage().removeItem(CHOICE_KEY)
    } catch {
      // Storage is forbidden: the choice lasts as long as the page.
    }
  }
}

/** The real parts, each loaded when it is needed: most visits never draft. */
const parts: ScoutParts = {
  swarm: async () => (await import('../swarm/index.ts')).getSwarm(),
  fetchManifest: async (...args) => (await import('../models/index.ts')).fetchManifest(...args),
  fetchModel: async (...args) => (await import('../models/index.ts')).fetchModelFile(...args),
  loadEngine: async (init) => (await import('./wllama-engine.ts')).WllamaEngine.load(init),
  createRunner: async (init) => new (await import('@shard/protocol/draft')).ScoutRunner(init)
}

/** The one contribution of this tab. */
export const scouting = new Scouting(parts, globalThis.navigator?.locks, () => localStorage)
