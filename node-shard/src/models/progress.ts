import { SPEED_WINDOW } from './constants.ts'

/** How far a fetch is. */
export interface FetchProgress {
  /** What is fetched, for people: `target`, `draft`. */
  what: string
  /** Checked and on the disk, in bytes. */
  bytes: number
  total: number
  /** Bytes/s, averaged over the last seconds. */
  speed: number
  /** Peers and web servers that give at the moment. */
  peers: number
  /** Seconds; undefined while nothing arrives. */
  eta?: number
}

/** Bytes per second over the last {@link SPEED_WINDOW} ms. */
export class Speed {
  readonly #samples: Array<{ at: number; bytes: number }> = []

  add(bytes: number, at = performance.now()): void {
    this.#samples.push({ at, bytes })
    this.#trim(at)
  }

  at(now = performance.now()): number {
    this.#trim(now)
    const first = this.#samples[0]
    const span = first == null ? 0 : now - first.at
    const sum = this.#samples.reduce((total, { bytes }) => total + bytes, 0)
    return span < 1 ? 0 : (sum * 1000) / span
  }

  #trim(now: number): void {
    while (this.#samples[0] != null && this.#samples[0].at < now - SPEED_WINDOW) {
      this.#samples.shift()
    }
  }
}
