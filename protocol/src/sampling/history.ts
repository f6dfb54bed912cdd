/** Which tokens a generation has seen: what the penalties need. The meaning of each is vLLM's. */
export class TokenHistory {
  private readonly prompt: ReadonlySet<number>
  private readonly counts = new Map<number, number>()

  /**
   * @param prompt - the prompt's tokens; only the repetition penalty looks at them
   * @param generated - tokens that are committed already, where a generation goes on
   */
  constructor(prompt: Iterable<number> = [], generated: Iterable<number> = []) {
    this.prompt = new Set(prompt)

    for (const token of generated) {
      this.push(token)
    }
  }

  /** Adds a generated token. */
  push(token: number): void {
    this.counts.set(token, this.count(token) + 1)
  }

  /** How often the token was generated; occurrences in the prompt do not count. */
  count(token: number): number {
    return this.counts.get(token) ?? 0
  }

  /** True if the token is in the prompt or was generated. */
  seen(token: number): boolean {
    return this.counts.has(token) || this.prompt.has(token)
  }
}
