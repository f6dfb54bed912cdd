import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { isShardError, ShardError } from '../errors.ts'
import { GENERATE_LIMITS } from '../limits.ts'
import { GenerateRequest, GenerateResponse } from '../pb/generate.ts'
import { resolveSampling } from '../sampling/index.ts'
import { swarmDefaults } from '../swarm/index.ts'
import { Channel } from '../wire/channel.ts'
import { DraftPolicy, FinishReason, generate, GENERATE_PROTOCOL } from './index.ts'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { FaultCode } from '../errors.ts'
import type { Answerer, Ask, Done, Generate } from './index.ts'

type Node = Libp2p<{ generate: Generate }>
type Response = Partial<GenerateResponse>
type ShardEnd = Channel<GenerateRequest, GenerateResponse>

/** As long as it takes on a machine that is busy with other things. */
const until = async (check: () => unknown): Promise<void> => {
  await vi.waitFor(check, { timeout: 15_000, interval: 10 })
}

const MODEL = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy').bytes

let consumer: Node
/** Answers with what `answer` is at the moment. */
let shard: Node
/** Speaks the protocol as `behave` has it: a Shard that is broken or hostile. */
let stranger: Libp2p
let answer: Answerer
let behave: (channel: ShardEnd, stream: Stream) => Promise<void>

const BASE = () => ({
  ...swarmDefaults(),
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()]
})

beforeAll(async () => {
  consumer = await createLibp2p({ ...BASE(), services: { generate: generate() } })
  shard = await createLibp2p({ ...BASE(), services: { generate: generate({ answer: (...args) => answer(...args) }) } })
  stranger = await createLibp2p(BASE())
  await stranger.handle(GENERATE_PROTOCOL, async (stream) => {
    const channel: ShardEnd = new Channel(stream, {
      reads: GenerateRequest,
      writes: GenerateResponse,
      maxBytes: GENERATE_LIMITS.maxRequestBytes,
      silence: 20_000,
      writeTimeout: 20_000
    })
    await behave(channel, stream)
  })
  for (const node of [shard, stranger]) {
    await consumer.dial(node.getMultiaddrs())
  }
})

afterEach(() => {
  vi.useRealTimers()
})

afterAll(async () => {
  await Promise.all([consumer, shard, stranger].map(async (node) => node.stop()))
})

function ask(changes: Partial<Ask> = {}): Ask {
  return {
    model: MODEL,
    messages: [{ role: 'user', content: 'Hello!' }],
    prompt: undefined,
    sampling: resolveSampling({ seed: 7 }),
    maxTokens: 0,
    stop: [],
    committed: [],
    draftPolicy: DraftPolicy.ANYONE,
    ...changes
  }
}

const ACCEPTED: Response = { accepted: { promptTokens: 12 } }

function commit(position: number, ...tokens: number[]): Response {
  return { commit: { position, tokens, text: `${position}:${tokens.join()} `, drafted: 0, scout: new Uint8Array() } }
}

/** A commit whose first `count` tokens are said to be drafted. */
function drafted(count: number, position: number, ...tokens: number[]): Response {
  return { commit: { position, tokens, text: '', drafted: count, scout: new Uint8Array() } }
}

function done(completionTokens: number): { done: Done } {
  return {
    done: {
      reason: FinishReason.STOP,
      text: 'the end',
      promptTokens: 12,
      completionTokens,
      draftedTokens: 5,
      acceptedTokens: 2,
      rounds: 3,
      prefillMs: 1.5,
      decodeMs: 2.5
    }
  }
}

/** An Answerer that gives these responses. */
function script(...responses: Response[]): Answerer {
  return async function* () {
    yield* responses
  }
}

async function collect(responses: AsyncIterable<GenerateResponse>): Promise<GenerateResponse[]> {
  const all: GenerateResponse[] = []
  for await (const response of responses) all.push(response)
  return all
}

async function failure(work: Promise<unknown>): Promise<ShardError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason
  )
  if (!isShardError(error)) {
    throw new Error(`expected a ShardError, not ${String(error)}`, { cause: error })
  }
  return error
}

/** What an Answerer went through, for the tests in which the Consumer leaves. */
function watched(responses: AsyncIterable<Response>): {
  answer: Answerer
  left: Promise<unknown>
  ended: Promise<void>
} {
  const left = Promise.withResolvers<unknown>()
  const ended = Promise.withResolvers<undefined>()
  return {
    left: left.promise,
    ended: ended.promise,
    answer: async function* (_, { signal }) {
      signal.addEventListener('abort', () => left.resolve(signal.reason))
      try {
        yield* responses
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
      } finally {
        ended.resolve(undefined)
      }
    }
  }
}

async function* many(...responses: Response[]): AsyncGenerator<Response> {
  yield* responses
}

describe('generate', () => {
  it('carries a question and its answer, whole and in order', async () => {
    const heard: unknown[] = []
    const responses: Response[] = [
      { progress: { queuePosition: 2, prefilledTokens: 0 } },
      { progress: { queuePosition: 0, prefilledTokens: 8 } },
      ACCEPTED,
      commit(3, 10, 11),
      { progress: { queuePosition: 0, prefilledTokens: 12 } },
      commit(5, 4_294_967_295),
      { commit: { position: 6, tokens: [1, 2, 3], text: 'çä€😀', drafted: 2, scout: new Uint8Array() } },
      done(9)
    ]
    answer = (question, { peer }) => {
      heard.push({ ...question, model: Uint8Array.from(question.model) }, peer.toString())
      return many(...responses)
    }
    const question = ask({
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'a\u0000b 😀' }
      ],
      maxTokens: 100,
      stop: ['\n\n'],
      committed: [7, 8, 9],
      draftPolicy: DraftPolicy.OWN
    })
    expect(await collect(consumer.services.generate.ask(shard.peerId, question))).toEqual(responses)
    expect(heard).toEqual([question, consumer.peerId.toString()])
  })

  it('serves many generations of one Consumer at a time, each with its own order', async () => {
    answer = async function* (question) {
      const id = Number(question.prompt)
      yield ACCEPTED
      for (let position = 0; position < 20; position++) {
        await new Promise((resolve) => setImmediate(resolve))
        yield commit(position, id)
      }
      yield done(20)
    }
    const answers = await Promise.all(
      Array.from({ length: GENERATE_LIMITS.maxInboundStreams }, async (_, id) =>
        collect(consumer.services.generate.ask(shard.peerId, ask({ messages: [], prompt: String(id) })))
      )
    )
    answers.forEach((responses, id) => {
      expect(responses.flatMap(({ commit }) => commit?.tokens ?? [])).toEqual(Array<number>(20).fill(id))
    })
  })

  it('reaches the Consumer with the code and the sentence of a ShardError', async () => {
    answer = async function* () {
      yield ACCEPTED
      throw new ShardError('CONTEXT_OVERFLOW', 'Leave out old messages.')
    }
    expect(await failure(collect(consumer.services.generate.ask(shard.peerId, ask())))).toMatchObject({
      code: 'CONTEXT_OVERFLOW',
      message: 'Leave out old messages.',
      remote: true
    })
  })

  it('calls what else is thrown INTERNAL, and keeps what it says to itself', async () => {
    answer = () => {
      throw new TypeError('/home/someone/secret.gguf is broken')
    }
    const error = await failure(collect(consumer.services.generate.ask(shard.peerId, ask())))
    expect(error).toMatchObject({ code: 'INTERNAL', remote: true })
    expect(error.message).not.toContain('secret')
  })

  it('sends a sign of life with the last progress while nothing comes', async () => {
    const enough = Promise.withResolvers<undefined>()
    answer = async function* () {
      yield { progress: { queuePosition: 4, prefilledTokens: 0 } }
      await enough.promise
      yield ACCEPTED
      yield done(0)
    }
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const responses = consumer.services.generate.ask(shard.peerId, ask())
    const first = await responses.next()
    for (let beat = 0; beat < 3; beat++) {
      vi.advanceTimersByTime(GENERATE_LIMITS.keepAlive)
      expect(await responses.next()).toEqual(first)
    }
    enough.resolve(undefined)
    expect(await collect(responses)).toEqual([ACCEPTED, done(0)])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('stops answering when it is stopped, and answers again when started', async () => {
    answer = script(ACCEPTED, done(0))
    await shard.services.generate.stop()
    expect(await failure(collect(consumer.services.generate.ask(shard.peerId, ask())))).toMatchObject({
      code: 'DISCONNECTED',
      remote: false
    })
    await shard.services.generate.start()
    expect(await collect(consumer.services.generate.ask(shard.peerId, ask()))).toEqual([ACCEPTED, done(0)])
  })

  it('is not spoken by a peer that only asks', async () => {
    await expect(shard.dialProtocol(consumer.peerId, GENERATE_PROTOCOL)).rejects.toThrow()
  })
})

describe('a Consumer that leaves', () => {
  it('leaves the loop: the Answerer is told, and ended', async () => {
    const { answer: watchedAnswer, left, ended } = watched(many(ACCEPTED, commit(0, 1), commit(1, 2)))
    answer = watchedAnswer
    for await (const response of consumer.services.generate.ask(shard.peerId, ask())) {
      if (response.commit != null) break
    }
    expect(await left).toMatchObject({ code: 'DISCONNECTED' })
    await ended
  })

  it('aborts: its own reason is thrown, the Answerer is told, and ended', async () => {
    const { answer: watchedAnswer, left, ended } = watched(many(ACCEPTED))
    answer = watchedAnswer
    const stop = new AbortController()
    const reason = new Error('enough')
    const all = (async () => {
      for await (const response of consumer.services.generate.ask(shard.peerId, ask(), { signal: stop.signal })) {
        if (response.accepted != null) stop.abort(reason)
      }
    })()
    await expect(all).rejects.toBe(reason)
    expect(await left).toMatchObject({ code: 'DISCONNECTED' })
    await ended
  })

  it('is killed: the Answerer is told, and ended', async () => {
    const { answer: watchedAnswer, left, ended } = watched(many(ACCEPTED))
    answer = watchedAnswer
    const other = await createLibp2p({ ...BASE(), services: { generate: generate() } })
    const connection = await other.dial(shard.getMultiaddrs())
    const all = failure(collect(other.services.generate.ask(shard.peerId, ask())))
    await until(() => expect(connection.streams.some(({ protocol }) => protocol === GENERATE_PROTOCOL)).toBe(true))
    connection.abort(new Error('killed'))
    expect(await left).toBeInstanceOf(ShardError)
    await ended
    expect(await all).toMatchObject({ code: 'DISCONNECTED' })
    await other.stop()
  })

  it('does not wait for a Shard that reads nothing', async () => {
    const opened = Promise.withResolvers<Stream>()
    behave = async (_, stream) => {
      stream.pause()
      opened.resolve(stream)
    }
    const stop = new AbortController()
    const reason = new Error('enough')
    const question = ask({ messages: [], prompt: 'x'.repeat(1_900_000) })
    const all = collect(consumer.services.generate.ask(stranger.peerId, question, { signal: stop.signal }))
    const far = await opened.promise
    await until(() => expect(far.readBufferLength).toBeGreaterThan(200_000))
    stop.abort(reason)
    await expect(all).rejects.toBe(reason)
  }, 8_000)
})

describe('a Consumer that breaks the protocol', () => {
  /** Sends messages to the Shard, whatever they are, and gives the fault that comes back. */
  async function told(...requests: Array<Partial<GenerateRequest>>): Promise<ShardError> {
    const stream = await consumer.dialProtocol(shard.peerId, GENERATE_PROTOCOL)
    const channel = new Channel(stream, {
      reads: GenerateResponse,
      writes: GenerateRequest,
      maxBytes: GENERATE_LIMITS.maxResponseBytes,
      silence: 20_000,
      writeTimeout: 20_000
    })
    for (const request of requests) await channel.write(request)
    return await failure(
      (async () => {
        while ((await channel.read()) != null);
      })()
    )
  }

  it.each<[string, Partial<Ask>, FaultCode]>([
    ['a model that is no CID', { model: new Uint8Array([1, 2, 3]) }, 'MALFORMED'],
    ['no model', { model: new Uint8Array() }, 'MALFORMED'],
    ['neither messages nor a prompt', { messages: [] }, 'INVALID_REQUEST'],
    ['both messages and a prompt', { prompt: 'Hello!' }, 'INVALID_REQUEST'],
    [
      'too many messages',
      { messages: Array(1_025).fill({ role: 'user', content: '' }) as Ask['messages'] },
      'OVERSIZED'
    ],
    ['a role that does not exist', { messages: [{ role: 'root', content: '' }] }, 'INVALID_REQUEST'],
    ['no sampling parameters', { sampling: undefined }, 'MALFORMED'],
    ['a temperature out of range', { sampling: { ...resolveSampling(), temperature: -1 } }, 'INVALID_REQUEST'],
    ['a temperature that is no number', { sampling: { ...resolveSampling(), temperature: NaN } }, 'INVALID_REQUEST'],
    ['too many stop strings', { stop: Array<string>(17).fill('.') }, 'OVERSIZED'],
    ['an empty stop string', { stop: [''] }, 'INVALID_REQUEST'],
    ['a stop string that is too long', { stop: ['x'.repeat(129)] }, 'INVALID_REQUEST'],
    ['more tokens than may be generated', { committed: [1, 2, 3], maxTokens: 2 }, 'INVALID_REQUEST']
  ])('is told of %s, and the Answerer never sees it', async (_, changes, code) => {
    const seen = vi.fn(script(ACCEPTED, done(0)))
    answer = seen
    expect(await told({ ask: ask(changes) })).toMatchObject({ code, remote: true })
    expect(seen).not.toHaveBeenCalled()
  })

  it('is told that its first message is no Ask', async () => {
    expect(await told({})).toMatchObject({ code: 'MALFORMED', remote: true })
  })

  it('sends a second message: both it and the Answerer are told', async () => {
    const { answer: watchedAnswer, left, ended } = watched(many(ACCEPTED))
    answer = watchedAnswer
    expect(await told({ ask: ask() }, { ask: ask() })).toMatchObject({ code: 'OUT_OF_ORDER', remote: true })
    expect(await left).toMatchObject({ code: 'OUT_OF_ORDER' })
    await ended
  })

  it('sends an Ask that is too large', async () => {
    expect(
      await told({ ask: ask({ messages: [], prompt: 'x'.repeat(GENERATE_LIMITS.maxRequestBytes) }) })
    ).toMatchObject({
      code: 'OVERSIZED',
      remote: true
    })
  })

  it('leaves before it has asked, and nothing comes of it', async () => {
    const seen = vi.fn(script(ACCEPTED, done(0)))
    answer = seen
    const stream = await consumer.dialProtocol(shard.peerId, GENERATE_PROTOCOL)
    await stream.close()
    await until(() => expect(stream.status).not.toBe('open'))
    expect(seen).not.toHaveBeenCalled()
  })

  it('does not ask what it can see itself to be wrong', async () => {
    const seen = vi.fn(script(ACCEPTED, done(0)))
    answer = seen
    const error = await failure(collect(consumer.services.generate.ask(shard.peerId, ask({ stop: [''] }))))
    expect(error).toMatchObject({ code: 'INVALID_REQUEST', remote: false })
    expect(seen).not.toHaveBeenCalled()
  })
})

describe('a Shard that breaks the protocol', () => {
  /** Plays a Shard that sends these after an Ask; gives what the Consumer throws, and the code that the Shard is told. */
  async function broken(responses: Response[], changes: Partial<Ask> = {}) {
    const told = Promise.withResolvers<FaultCode | undefined>()
    behave = async (channel) => {
      await channel.read()
      for (const response of responses) await channel.write(response)
      await channel.read().then(
        () => told.resolve(undefined),
        (error: unknown) => told.resolve(isShardError(error) && error.remote ? error.code : undefined)
      )
    }
    const passed: GenerateResponse[] = []
    const error = await failure(
      (async () => {
        for await (const response of consumer.services.generate.ask(stranger.peerId, ask(changes)))
          passed.push(response)
      })()
    )
    return { error, passed, told: await told.promise }
  }

  it.each<[string, FaultCode, Response[], Partial<Ask>]>([
    ['commits before it accepts', 'OUT_OF_ORDER', [commit(0, 1)], {}],
    ['accepts twice', 'OUT_OF_ORDER', [ACCEPTED, ACCEPTED], {}],
    ['skips a position', 'OUT_OF_ORDER', [ACCEPTED, commit(0, 1), commit(2, 1)], {}],
    ['repeats a position', 'OUT_OF_ORDER', [ACCEPTED, commit(0, 1, 2), commit(1, 2)], {}],
    ['starts over where tokens are committed', 'OUT_OF_ORDER', [ACCEPTED, commit(0, 1)], { committed: [5] }],
    ['is done before it accepts', 'OUT_OF_ORDER', [done(0)], {}],
    ['commits more than was asked for', 'OUT_OF_ORDER', [ACCEPTED, commit(0, 1, 2), commit(2, 1)], { maxTokens: 2 }],
    ['commits fewer tokens than were drafted', 'MALFORMED', [ACCEPTED, commit(0, 1, 2), drafted(2, 2, 1)], {}],
    ['commits nothing', 'MALFORMED', [ACCEPTED, commit(0)], {}],
    ['commits too much at a time', 'OVERSIZED', [ACCEPTED, commit(0, ...Array<number>(65).fill(1))], {}],
    ['says nothing that is known', 'MALFORMED', [{}], {}],
    ['sends too large a message', 'OVERSIZED', [{ fault: { code: 11, message: 'x'.repeat(65 * 1024) } }], {}]
  ])('%s: %s on both sides', async (_, code, responses, changes) => {
    const { error, passed, told } = await broken(responses, changes)
    expect(error).toMatchObject({ code, remote: false })
    expect(told).toBe(code)
    expect(passed).toEqual(responses.slice(0, -1))
  })

  it.each<[string, (channel: ShardEnd) => Promise<void>]>([
    ['closes without a Done', async (channel) => channel.close()],
    ['is killed', async (channel) => channel.abort(new Error('killed'))]
  ])('%s: the Consumer gets what came before, and DISCONNECTED', async (_, leave) => {
    const read = Promise.withResolvers<undefined>()
    behave = async (channel) => {
      await channel.read()
      await channel.write(ACCEPTED)
      await channel.write(commit(0, 1, 2))
      await read.promise
      await leave(channel)
    }
    const passed: Response[] = []
    const error = await failure(
      (async () => {
        for await (const response of consumer.services.generate.ask(stranger.peerId, ask())) {
          passed.push(response)
          if (response.commit != null) read.resolve(undefined)
        }
      })()
    )
    expect(error).toMatchObject({ code: 'DISCONNECTED', remote: false })
    expect(passed).toEqual([ACCEPTED, commit(0, 1, 2)])
  })

  it('goes on after its Done, which nobody hears', async () => {
    const closed = Promise.withResolvers<undefined>()
    behave = async (channel) => {
      channel.closed.addEventListener('abort', () => closed.resolve(undefined))
      await channel.read()
      await channel.write(ACCEPTED)
      await channel.write(done(0))
      channel.post(commit(0, 1))
    }
    expect(await collect(consumer.services.generate.ask(stranger.peerId, ask()))).toEqual([ACCEPTED, done(0)])
    await closed.promise
  })
})
