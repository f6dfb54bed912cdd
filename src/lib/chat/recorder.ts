/**
 * Writes something that changes many times a second at most once per `interval`, always with its newest state, and
 * one write at a time. `flush` writes at once what is not yet written: call it when the page is about to go.
 */
export class Recorder {
  #dirty = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #writing: Promise<void> | undefined

  constructor(
    private readonly write: () => Promise<void>,
    /** In ms. */
    private readonly interval: number
  ) {}

  touch(): void {
    this.#dirty = true
    this.#timer ??= setTimeout(() => void this.flush(), this.interval)
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#dirty) {
      if (this.#writing != null) {
        await this.#writing
        continue
      }
      this.#dirty = false
      this.#writing = this.write().finally(() => {
        this.#writing = undefined
      })
    }
    await this.#writing
  }
}
