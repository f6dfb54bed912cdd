import type { Begin, Draft } from '../pb/draft.ts'

/** One call of the engine for one generation. */
export interface DraftJob {
  /** Where in the generation the drafted tokens will stand. */
  readonly position: number
  readonly context: number[]
  readonly k: number
  /** Aborted as soon as the context is known to be wrong. */
  readonly signal: AbortSignal
}

/**
 * One generation as a Scout sees it: what is committed, and the guesses that reach past it. Guesses that follow one
 * another are a chain. A commit that disagrees ends the chain, and what is being drafted for it; a commit that merely
 * overtakes the engine does not, since what the engine is drafting may reach further still.
 */
export class Assignment {
  readonly generation: number
  readonly #prompt: readonly number[]
  readonly #committed: number[]
  readonly #maxTokens: number
  /** Guesses past the committed tokens. */
  #ahead: number[] = []
  #chain = 0
  /** Position after the last guess of the chain; -1: the next guess starts a new chain. */
  #chainEnd = -1
  /** The engine has nothing to add until a commit changes the context. */
  #exhausted = false
  #late = 0
  #interrupt = new AbortController()

  constructor(begin: Begin) {
    this.generation = begin.generation
    this.#prompt = begin.prompt
    this.#committed = [...begin.committed]
    this.#maxTokens = begin.maxTokens
  }

  /** Tokens that this Scout is ahead of the last commit. */
  get ahead(): number {
    return this.#ahead.length
  }

  /** Tokens that were committed during the last call of the engine in the place of what it drafted. */
  get late(): number {
    return this.#late
  }

  /** What to draft next, at most `step` tokens; undefined while `window` is full or there is nothing to guess. */
  next(step: number, window: number): DraftJob | undefined {
    const position = this.#committed.length + this.#ahead.length
    // a generation's last token is the Shard's own, so that a draft of it would be wasted
    const left = this.#maxTokens > 0 ? this.#maxTokens - 1 - position : step
    const k = Math.min(step, window - this.#ahead.length, left)
    if (this.#exhausted || k <= 0) {
      return undefined
    }
    const context = [...this.#prompt, ...this.#committed, ...this.#ahead]
    return { position, context, k, signal: this.#interrupt.signal }
  }

  /** Takes what the engine made of `job`, and gives the Draft to send, if it is still worth sending. */
  finish(job: DraftJob, tokens: readonly number[]): Draft | undefined {
    if (job.signal.aborted) {
      return undefined
    }
    const overtaken = Math.max(0, this.#committed.length - job.position)
    this.#late = overtaken
    if (tokens.length === 0) {
      this.#exhausted = overtaken === 0
      return undefined
    }
    for (let index = 0; index < overtaken; index++) {
      if (tokens[index] !== this.#committed[job.position + index]) {
        this.#chainEnd = -1
        return undefined
      }
    }
    if (job.position !== this.#chainEnd) {
      this.#chain++
    }
    this.#ahead.push(...tokens.slice(overtaken))
    this.#chainEnd = job.position + tokens.length
    return { generation: this.generation, chain: this.#chain, position: job.position, tokens: [...tokens] }
  }

  /** False if the tokens do not continue what this Scout knows: then the Shard breaks the protocol. */
  commit(position: number, tokens: readonly number[]): boolean {
    if (position !== this.#committed.length) {
      return false
    }
    this.#committed.push(...tokens)
    this.#exhausted = false
    const known = Math.min(this.#ahead.length, tokens.length)
    for (let index = 0; index < known; index++) {
      if (this.#ahead[index] !== tokens[index]) {
        this.#restart()
        return true
      }
    }
    this.#ahead.splice(0, known)
    return true
  }

  /** Stops what is being drafted. */
  end(): void {
    this.#interrupt.abort()
  }

  #restart(): void {
    this.#ahead = []
    this.#chainEnd = -1
    this.#interrupt.abort()
    this.#interrupt = new AbortController()
  }
}
