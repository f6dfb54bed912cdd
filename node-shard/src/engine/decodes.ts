/** Times what is decoded in one context, as far as one sequence had it to itself. */
export class Decodes {
  /** Called with the tokens and ms of each decode that no other sequence shared. */
  onTime: (tokens: number, ms: number) => void = () => {}
  #running = 0
  #started = 0

  /** @param tokens - undefined: not to be timed, but it disturbs others */
  async run<T>(tokens: number | undefined, decode: () => Promise<T>): Promise<T> {
    const alone = this.#running === 0
    const number = ++this.#started
    this.#running++
    const begin = performance.now()
    try {
      const result = await decode()
      if (tokens != null && alone && this.#started === number) {
        this.onTime(tokens, performance.now() - begin)
      }
      return result
    } finally {
      this.#running--
    }
  }
}
