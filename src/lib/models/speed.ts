import { SPEED_WINDOW } from './constants.ts'

/** Bytes per second over the last {@link SPEED_WINDOW}. */
export class Speed {
  readonly #samples: Array<{ at: number; bytes: number }> = []
  readonly #start: number

  /** @param now - as performance.now(), in ms */
  constructor(now: number) {
    this.#start = now
  }

  add(bytes: number, now: number): void {
    this.#samples.push({ at: now, bytes })
    this.#forget(now)
  }

  bytesPerSecond(now: number): number {
    this.#forget(now)
    const sum = this.#samples.reduce((bytes, sample) => bytes + sample.bytes, 0)
    // A young download is measured over its own age, but over no less than the resolution of a progress bar.
    const span = Math.min(SPEED_WINDOW, Math.max(now - this.#start, 250))
    return (sum * 1000) / span
  }

  #forget(now: number): void {
    while (this.#samples[0] != null && this.#samples[0].at < now - SPEED_WINDOW) this.#samples.shift()
  }
}
