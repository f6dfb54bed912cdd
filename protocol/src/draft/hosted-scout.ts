import { isShardError, ShardError } from '../errors.ts'
import { DRAFT_LIMITS } from '../limits.ts'
import { AssignmentMessage, ScoutMessage } from '../pb/draft.ts'
import { Channel } from '../wire/channel.ts'
import { RateLimit } from '../wire/rate-limit.ts'
import type { ScoutHost, ScoutSession } from './index.ts'
import type { Begin, Committed, Draft, Offer } from '../pb/draft.ts'
import type { PeerId, Stream } from '@libp2p/interface'

/**
 * One Scout as a Shard has it: reads what it sends, holds it to the limits, and hands drafts to the host. Whatever a
 * Scout does wrong ends its own stream and nothing else.
 */
export class HostedScout implements ScoutSession {
  readonly peer: PeerId
  readonly #channel: Channel<ScoutMessage, AssignmentMessage>
  readonly #host: ScoutHost
  /** Highest generation number that this Scout was told of. */
  #begun = -1
  readonly #rate = new RateLimit(DRAFT_LIMITS.maxDraftsPerSecond, DRAFT_LIMITS.rateWindow)
  #offer?: Offer
  /** What the host told this Scout while it let it join, which is to come after the Welcome; undefined from then on. */
  #early?: Array<Partial<AssignmentMessage>> = []

  constructor(stream: Stream, peer: PeerId, host: ScoutHost) {
    this.peer = peer
    this.#host = host
    this.#channel = new Channel(stream, {
      reads: ScoutMessage,
      writes: AssignmentMessage,
      maxBytes: DRAFT_LIMITS.maxScoutMessageBytes,
      silence: DRAFT_LIMITS.silence,
      writeTimeout: DRAFT_LIMITS.writeTimeout,
      limits: { draft: { tokens: DRAFT_LIMITS.maxDraftTokens } }
    })
  }

  get offer(): Offer {
    if (this.#offer == null) {
      throw new ShardError('OUT_OF_ORDER', 'This Scout has not offered anything yet.')
    }
    return this.#offer
  }

  /** Serves the stream until it ends. Never rejects. */
  async run(): Promise<void> {
    let joined = false
    const beat = setInterval(() => this.#channel.post({ beat: {} }), DRAFT_LIMITS.keepAlive)
    try {
      const hello = await this.#channel.read({ timeout: DRAFT_LIMITS.helloTimeout })
      if (hello?.offer == null) {
        throw new ShardError('OUT_OF_ORDER', 'The first message of a Scout has to be an Offer.')
      }
      this.#offer = hello.offer
      this.#host.join(this)
      joined = true
      this.#welcome()
      await this.#receive()
      await this.#channel.close()
    } catch (error) {
      const fault = isShardError(error)
        ? error
        : new ShardError('INTERNAL', 'The Shard failed to serve this Scout.', { cause: error })
      await this.#channel.fail(fault)
    } finally {
      clearInterval(beat)
      if (joined) {
        this.#host.leave(this)
      }
    }
  }

  begin(begin: Begin): void {
    this.#begun = Math.max(this.#begun, begin.generation)
    this.#tell({ begin })
  }

  commit(committed: Committed): void {
    this.#tell({ committed })
  }

  end(generation: number): void {
    this.#tell({ end: { generation } })
  }

  dismiss(code: 'BUSY' | 'SHUTTING_DOWN', reason: string): void {
    void this.#channel.fail(new ShardError(code, reason))
  }

  #welcome(): void {
    const welcome = { maxDraftTokens: DRAFT_LIMITS.maxDraftTokens, maxRunAhead: DRAFT_LIMITS.maxRunAhead }
    this.#channel.post({ welcome })
    this.#early?.forEach((message) => this.#channel.post(message))
    this.#early = undefined
  }

  #tell(message: Partial<AssignmentMessage>): void {
    if (this.#early == null) {
      this.#channel.post(message)
    } else {
      this.#early.push(message)
    }
  }

  async #receive(): Promise<void> {
    while (true) {
      const message = await this.#channel.read()
      if (message == null) {
        return
      }
      if (message.draft != null) {
        this.#check(message.draft)
        this.#host.draft(this, message.draft)
      } else if (message.beat == null) {
        throw new ShardError('OUT_OF_ORDER', 'After its Offer a Scout sends drafts only.')
      }
    }
  }

  #check(draft: Draft): void {
    if (!this.#rate.allows()) {
      throw new ShardError('RATE_LIMITED', `More than ${DRAFT_LIMITS.maxDraftsPerSecond} drafts a second.`)
    }
    if (draft.tokens.length === 0) {
      throw new ShardError('MALFORMED', 'A Draft without tokens.')
    }
    if (draft.generation > this.#begun) {
      throw new ShardError('OUT_OF_ORDER', 'A Draft for a generation that this Scout was not given.')
    }
  }
}
