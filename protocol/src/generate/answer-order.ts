import { ShardError } from '../errors.ts'
import type { Ask, Commit, GenerateResponse } from '../pb/generate.ts'

/** Holds a Shard's responses to the order of docs/PROTOCOL.md: Accepted once, then commits without a gap, then Done. */
export class AnswerOrder {
  readonly #maxTokens: number
  #accepted = false
  #position: number

  constructor({ committed, maxTokens }: Ask) {
    this.#position = committed.length
    this.#maxTokens = maxTokens > 0 ? maxTokens : Infinity
  }

  /** @throws ShardError OUT_OF_ORDER or MALFORMED: the Shard breaks the protocol */
  check({ progress, accepted, commit, done }: GenerateResponse): void {
    if (accepted != null) {
      if (this.#accepted) {
        throw new ShardError('OUT_OF_ORDER', 'A generation is accepted once.')
      }
      this.#accepted = true
    } else if (commit != null || done != null) {
      if (!this.#accepted) {
        throw new ShardError('OUT_OF_ORDER', 'A generation has to be accepted before anything is committed.')
      }
      this.#commit(commit)
    } else if (progress == null) {
      throw new ShardError('MALFORMED', 'A response that is none of the known ones.')
    }
  }

  #commit(commit: Commit | undefined): void {
    if (commit == null) {
      return
    }
    if (commit.tokens.length === 0 || commit.drafted > commit.tokens.length) {
      throw new ShardError('MALFORMED', 'A Commit has at least one token, and no more drafted ones than tokens.')
    }
    if (commit.position !== this.#position) {
      throw new ShardError('OUT_OF_ORDER', `Tokens at ${commit.position} came where ${this.#position} was due.`)
    }
    this.#position += commit.tokens.length
    if (this.#position > this.#maxTokens) {
      throw new ShardError('OUT_OF_ORDER', `More than the ${this.#maxTokens} tokens that were asked for.`)
    }
  }
}
