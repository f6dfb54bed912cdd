import { isShardError, ShardError } from '../errors.ts'
import { DRAFT_LIMITS, MAX_CONTEXT_TOKENS } from '../limits.ts'
import { AssignmentMessage, ScoutMessage } from '../pb/draft.ts'
import { Channel } from '../wire/channel.ts'
import { openStream } from '../wire/open.ts'
import { DRAFT_PROTOCOL } from './constants.ts'
import { HostedScout } from './hosted-scout.ts'
import type { DraftComponents, DraftInit, DraftProtocol, ScoutHost, ShardSession } from './index.ts'
import type { Draft, Offer, Welcome } from '../pb/draft.ts'
import type { AbortOptions, PeerId } from '@libp2p/interface'

export class DraftService implements DraftProtocol {
  readonly #components: DraftComponents
  readonly #host?: ScoutHost

  constructor(components: DraftComponents, init: DraftInit) {
    this.#components = components
    this.#host = init.host
  }

  async start(): Promise<void> {
    const host = this.#host
    if (host != null) {
      await this.#components.registrar.handle(
        DRAFT_PROTOCOL,
        async (stream, connection) => new HostedScout(stream, connection.remotePeer, host).run(),
        {
          maxInboundStreams: DRAFT_LIMITS.maxInboundStreams,
          maxOutboundStreams: DRAFT_LIMITS.maxOutboundStreams,
          runOnLimitedConnection: true
        }
      )
    }
  }

  async stop(): Promise<void> {
    await this.#components.registrar.unhandle(DRAFT_PROTOCOL)
  }

  async offer(shard: PeerId, offer: Offer, options: AbortOptions = {}): Promise<ShardSession> {
    const stream = await openStream(this.#components.connectionManager, shard, DRAFT_PROTOCOL, options)
    const channel = new Channel(stream, {
      reads: AssignmentMessage,
      writes: ScoutMessage,
      maxBytes: DRAFT_LIMITS.maxShardMessageBytes,
      silence: DRAFT_LIMITS.silence,
      writeTimeout: DRAFT_LIMITS.writeTimeout,
      limits: {
        begin: { prompt: MAX_CONTEXT_TOKENS, committed: MAX_CONTEXT_TOKENS },
        committed: { tokens: MAX_CONTEXT_TOKENS }
      }
    })
    try {
      await channel.write({ offer }, options)
      return new OfferedShard(shard, await readWelcome(channel, options), channel)
    } catch (error) {
      channel.abort(isShardError(error) ? error : new ShardError('DISCONNECTED', 'The Scout left.', { cause: error }))
      throw error
    }
  }
}

async function readWelcome(channel: Channel<AssignmentMessage, ScoutMessage>, options: AbortOptions): Promise<Welcome> {
  const answer = await channel.read({ ...options, timeout: DRAFT_LIMITS.helloTimeout })
  if (answer == null) {
    throw new ShardError('DISCONNECTED', 'The Shard left before it answered the offer.')
  }
  if (answer.welcome == null) {
    throw await channel.fail(new ShardError('OUT_OF_ORDER', 'A Shard has to answer an Offer with a Welcome.'))
  }
  return answer.welcome
}

class OfferedShard implements ShardSession {
  readonly #channel: Channel<AssignmentMessage, ScoutMessage>
  readonly #beat: ReturnType<typeof setInterval>

  constructor(
    readonly shard: PeerId,
    readonly welcome: Welcome,
    channel: Channel<AssignmentMessage, ScoutMessage>
  ) {
    this.#channel = channel
    this.#beat = setInterval(() => channel.post({ beat: {} }), DRAFT_LIMITS.keepAlive)
    channel.closed.addEventListener('abort', () => clearInterval(this.#beat))
  }

  async *assignments(options: AbortOptions = {}): AsyncGenerator<AssignmentMessage, void, undefined> {
    try {
      while (true) {
        const message = await this.#channel.read(options)
        if (message == null) {
          return
        }
        if (message.beat == null) {
          yield message
        }
      }
    } finally {
      this.close()
    }
  }

  propose(draft: Draft): void {
    this.#channel.post({ draft })
  }

  close(): void {
    clearInterval(this.#beat)
    // nothing that is on its way is worth waiting for
    this.#channel.abort(new ShardError('DISCONNECTED', 'The Scout left.'))
  }
}
