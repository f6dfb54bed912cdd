import { isShardError, ShardError } from '../errors.ts'
import { GENERATE_LIMITS, MAX_CONTEXT_TOKENS } from '../limits.ts'
import { GenerateRequest, GenerateResponse } from '../pb/generate.ts'
import { Channel } from '../wire/channel.ts'
import { openStream } from '../wire/open.ts'
import { AnswerOrder } from './answer-order.ts'
import { GENERATE_PROTOCOL } from './constants.ts'
import { validateAsk } from './validate.ts'
import type { Answerer, Generate, GenerateComponents, GenerateInit } from './index.ts'
import type { Ask } from '../pb/generate.ts'
import type { AbortOptions, Connection, PeerId, Stream } from '@libp2p/interface'

type ShardChannel = Channel<GenerateRequest, GenerateResponse>

export class GenerateService implements Generate {
  readonly #components: GenerateComponents
  readonly #answer?: Answerer

  constructor(components: GenerateComponents, init: GenerateInit) {
    this.#components = components
    this.#answer = init.answer
  }

  async start(): Promise<void> {
    const answer = this.#answer
    if (answer != null) {
      await this.#components.registrar.handle(
        GENERATE_PROTOCOL,
        async (stream, connection) => serve(stream, connection, answer),
        {
          maxInboundStreams: GENERATE_LIMITS.maxInboundStreams,
          maxOutboundStreams: GENERATE_LIMITS.maxOutboundStreams,
          runOnLimitedConnection: true
        }
      )
    }
  }

  async stop(): Promise<void> {
    await this.#components.registrar.unhandle(GENERATE_PROTOCOL)
  }

  async *ask(shard: PeerId, ask: Ask, options: AbortOptions = {}): AsyncGenerator<GenerateResponse, void, undefined> {
    validateAsk(ask)
    const stream = await openStream(this.#components.connectionManager, shard, GENERATE_PROTOCOL, options)
    const channel = new Channel(stream, {
      reads: GenerateResponse,
      writes: GenerateRequest,
      maxBytes: GENERATE_LIMITS.maxResponseBytes,
      silence: GENERATE_LIMITS.silence,
      writeTimeout: GENERATE_LIMITS.writeTimeout,
      limits: { commit: { tokens: GENERATE_LIMITS.maxCommitTokens } }
    })
    const order = new AnswerOrder(ask)
    try {
      await channel.write({ ask }, options)
      while (true) {
        const response = await channel.read(options)
        if (response == null) {
          throw new ShardError('DISCONNECTED', 'The Shard left before its answer was complete.')
        }
        try {
          order.check(response)
        } catch (error) {
          throw isShardError(error) ? await channel.fail(error) : error
        }
        yield response
        if (response.done != null) {
          void channel.close()
          return
        }
      }
    } finally {
      // cancels what the Shard may still be doing, at once: it may be a Shard that neither reads nor writes any more
      channel.abort(new ShardError('DISCONNECTED', 'The Consumer left.'))
    }
  }
}

async function serve(stream: Stream, connection: Connection, answer: Answerer): Promise<void> {
  const channel: ShardChannel = new Channel(stream, {
    reads: GenerateRequest,
    writes: GenerateResponse,
    maxBytes: GENERATE_LIMITS.maxRequestBytes,
    silence: GENERATE_LIMITS.askTimeout,
    writeTimeout: GENERATE_LIMITS.writeTimeout,
    limits: {
      ask: {
        messages: GENERATE_LIMITS.maxMessages,
        stop: GENERATE_LIMITS.maxStopStrings,
        committed: MAX_CONTEXT_TOKENS
      }
    }
  })
  const gone = new AbortController()
  channel.closed.addEventListener('abort', () => gone.abort(new ShardError('DISCONNECTED', 'The Consumer left.')))
  try {
    const request = await channel.read()
    if (request?.ask == null) {
      throw new ShardError(request == null ? 'DISCONNECTED' : 'MALFORMED', 'The first message has to be an Ask.')
    }
    validateAsk(request.ask)
    watch(channel, gone)
    await respond(channel, answer(request.ask, { peer: connection.remotePeer, signal: gone.signal }), gone.signal)
    await channel.close()
  } catch (error) {
    await channel.fail(
      isShardError(error)
        ? error
        : new ShardError('INTERNAL', 'The Shard could not answer because of a fault of its own.', { cause: error })
    )
    if (!isShardError(error)) {
      throw error
    }
  }
}

/** After the Ask a Consumer has nothing more to say: anything but its leaving is out of order. */
function watch(channel: ShardChannel, gone: AbortController): void {
  channel.read({ timeout: NEVER }).then(
    async (message) => {
      const error =
        message == null
          ? new ShardError('DISCONNECTED', 'The Consumer left.')
          : await channel.fail(new ShardError('OUT_OF_ORDER', 'After the Ask nothing more may be sent.'))
      gone.abort(error)
    },
    (error: unknown) => gone.abort(error)
  )
}

/** The longest delay of a timer, in ms (2^31 - 1, HTML standard); a generation may take as long as it takes. */
const NEVER = 2_147_483_647

/** Sends the responses as they come, and a sign of life where they are long in coming. */
async function respond(
  channel: ShardChannel,
  responses: AsyncIterable<Partial<GenerateResponse>>,
  signal: AbortSignal
): Promise<void> {
  let progress = { queuePosition: 0, prefilledTokens: 0 }
  const keepAlive = setInterval(() => channel.post({ progress }), GENERATE_LIMITS.keepAlive)
  try {
    for await (const response of responses) {
      progress = response.progress ?? progress
      await channel.write(response, { signal })
    }
  } finally {
    clearInterval(keepAlive)
  }
}
