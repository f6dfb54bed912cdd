import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { isShardError, ShardError } from '../errors.ts'
import { DRAFT_LIMITS } from '../limits.ts'
import { AssignmentMessage, ScoutMessage } from '../pb/draft.ts'
import { swarmDefaults } from '../swarm/index.ts'
import { Channel } from '../wire/channel.ts'
import { draft, DRAFT_PROTOCOL } from './index.ts'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { FaultCode } from '../errors.ts'
import type { Draft, DraftProtocol, Offer, ScoutHost, ScoutSession, ShardSession } from './index.ts'

type Node = Libp2p<{ draft: DraftProtocol }>
type ScoutEnd = Channel<AssignmentMessage, ScoutMessage>
type ShardEnd = Channel<ScoutMessage, AssignmentMessage>

/** As long as it takes on a machine that is busy with other things. */
const until = async (check: () => unknown): Promise<void> => {
  await vi.waitFor(check, { timeout: 15_000, interval: 10 })
}

const OFFER: Offer = {
  model: new Uint8Array([1, 2, 3]),
  tokenizer: new Uint8Array(32).fill(7),
  engine: 'a test'
}

/** A Shard's side that keeps what it is told. */
class Host implements ScoutHost {
  readonly joined: ScoutSession[] = []
  readonly left: ScoutSession[] = []
  readonly drafts: Array<{ scout: ScoutSession; draft: Draft }> = []
  onJoin: (session: ScoutSession) => void = () => {}
  onDraft: () => void = () => {}

  join(session: ScoutSession): void {
    this.onJoin(session)
    this.joined.push(session)
  }

  draft(scout: ScoutSession, draft: Draft): void {
    this.onDraft()
    this.drafts.push({ scout, draft })
  }

  leave(session: ScoutSession): void {
    this.left.push(session)
  }
}

let shard: Node
let scout: Node
/** Speaks the Shard's side as `behave` has it. */
let stranger: Libp2p
let host = new Host()
let behave: (channel: ShardEnd, stream: Stream) => Promise<void>
const open: Array<{ close(): unknown }> = []

const BASE = () => ({
  ...swarmDefaults(),
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()]
})

const delegate: ScoutHost = {
  join: (session) => host.join(session),
  draft: (session, message) => host.draft(session, message),
  leave: (session) => host.leave(session)
}

beforeAll(async () => {
  shard = await createLibp2p({ ...BASE(), services: { draft: draft({ host: delegate }) } })
  scout = await createLibp2p({ ...BASE(), services: { draft: draft() } })
  stranger = await createLibp2p(BASE())
  await stranger.handle(DRAFT_PROTOCOL, async (stream) => {
    await behave(
      new Channel(stream, {
        reads: ScoutMessage,
        writes: AssignmentMessage,
        maxBytes: DRAFT_LIMITS.maxScoutMessageBytes,
        silence: 20_000,
        writeTimeout: 20_000
      }),
      stream
    )
  })
  await scout.dial(shard.getMultiaddrs())
  await scout.dial(stranger.getMultiaddrs())
})

afterEach(async () => {
  vi.useRealTimers()
  await Promise.all(open.splice(0).map(async (session) => session.close()))
  await until(() => expect(host.left).toHaveLength(host.joined.length))
  expect(new Set(host.left)).toEqual(new Set(host.joined))
  await until(() => expect(draftStreams(scout)).toBe(0))
  host = new Host()
})

afterAll(async () => {
  await Promise.all([shard, scout, stranger].map(async (node) => node.stop()))
})

function draftStreams(node: Libp2p): number {
  return node.getConnections().flatMap(({ streams }) => streams.filter(({ protocol }) => protocol === DRAFT_PROTOCOL))
    .length
}

async function offer(): Promise<{ session: ShardSession; hosted: ScoutSession }> {
  const session = await scout.services.draft.offer(shard.peerId, OFFER)
  open.push(session)
  return { session, hosted: host.joined.at(-1) as ScoutSession }
}

/** A Scout that can say whatever it wants. */
async function rawScout(): Promise<ScoutEnd> {
  const stream = await scout.dialProtocol(shard.peerId, DRAFT_PROTOCOL)
  const channel: ScoutEnd = new Channel(stream, {
    reads: AssignmentMessage,
    writes: ScoutMessage,
    maxBytes: DRAFT_LIMITS.maxShardMessageBytes,
    silence: 20_000,
    writeTimeout: 20_000
  })
  open.push({ close: () => channel.abort(new Error('the test is over')) })
  return channel
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

/** The fault that ends the stream. */
async function fault(channel: ScoutEnd): Promise<ShardError> {
  return await failure(
    (async () => {
      while ((await channel.read()) != null);
    })()
  )
}

const draftOf = (generation: number, ...tokens: number[]): Draft => ({ generation, chain: 1, position: 0, tokens })

const begin = (generation: number) => ({ generation, prompt: [1, 2], committed: [3], maxTokens: 9 })

describe('/shard/draft/1', () => {
  it('welcomes a Scout, gives it generations and takes its drafts, in order', async () => {
    const { session, hosted } = await offer()
    expect(session.shard.equals(shard.peerId)).toBe(true)
    expect(session.welcome).toEqual({
      maxDraftTokens: DRAFT_LIMITS.maxDraftTokens,
      maxRunAhead: DRAFT_LIMITS.maxRunAhead
    })
    expect(hosted.peer.equals(scout.peerId)).toBe(true)
    expect(hosted.offer.engine).toBe('a test')
    expect(Uint8Array.from(hosted.offer.model)).toEqual(OFFER.model)

    const assignments = session.assignments()
    hosted.begin(begin(1))
    hosted.commit({ generation: 1, position: 1, tokens: [4, 5], accepted: 1 })
    hosted.end(1)
    expect((await assignments.next()).value).toEqual({ begin: begin(1) })
    session.propose(draftOf(1, 6))
    session.propose(draftOf(1, 7, 8))
    const rest = [await assignments.next(), await assignments.next()].map(({ value }) => value as unknown)
    expect(rest).toEqual([
      { committed: { generation: 1, position: 1, tokens: [4, 5], accepted: 1 } },
      { end: { generation: 1 } }
    ])
    await until(() => expect(host.drafts.map(({ draft }) => draft)).toEqual([draftOf(1, 6), draftOf(1, 7, 8)]))
    // a draft that crosses the end of its generation is nobody's fault
    session.propose(draftOf(1, 9))
    await until(() => expect(host.drafts).toHaveLength(3))
  })

  it('sends what the host gives a Scout while it joins after the Welcome', async () => {
    host.onJoin = (session) => {
      session.begin(begin(1))
      session.begin(begin(2))
    }
    const { session, hosted } = await offer()
    hosted.commit({ generation: 1, position: 1, tokens: [4], accepted: 0 })
    const assignments = session.assignments()
    expect((await assignments.next()).value).toEqual({ begin: begin(1) })
    expect((await assignments.next()).value).toEqual({ begin: begin(2) })
    expect((await assignments.next()).value).toHaveProperty('committed')
  })

  it.each<FaultCode>(['BUSY', 'INCOMPATIBLE', 'UNKNOWN_MODEL'])(
    'turns a Scout away with %s, which its offer throws',
    async (code) => {
      host.onJoin = () => {
        throw new ShardError(code, 'We do not need you.')
      }
      const error = await failure(scout.services.draft.offer(shard.peerId, OFFER))
      expect(error).toMatchObject({ code, message: 'We do not need you.', remote: true })
      expect([host.joined, host.left]).toEqual([[], []])
    }
  )

  it.each(['BUSY', 'SHUTTING_DOWN'] as const)('dismisses a Scout with %s', async (code) => {
    const { session, hosted } = await offer()
    const next = failure(session.assignments().next())
    hosted.dismiss(code, 'Go and help others.')
    expect(await next).toMatchObject({ code, message: 'Go and help others.', remote: true })
  })

  it('lets a Scout leave, and tells the host once', async () => {
    const { session, hosted } = await offer()
    session.close()
    await until(() => expect(host.left).toEqual([hosted]))
    // the host may not have noticed yet
    hosted.begin(begin(3))
    hosted.commit({ generation: 3, position: 1, tokens: [4], accepted: 0 })
    hosted.end(3)
  })

  it('lets a Scout be killed, and tells the host once', async () => {
    const { session, hosted } = await offer()
    const assignments = failure(session.assignments().next())
    const [connection] = scout.getConnections(shard.peerId)
    connection?.abort(new Error('killed'))
    await until(() => expect(host.left).toEqual([hosted]))
    expect(await assignments).toMatchObject({ code: 'DISCONNECTED' })
    await scout.dial(shard.getMultiaddrs())
  })

  it('sends signs of life both ways, and stops with the stream', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const before = vi.getTimerCount()
    const raw = await rawScout()
    await raw.write({ offer: OFFER })
    expect(await raw.read()).toHaveProperty('welcome')
    vi.advanceTimersByTime(DRAFT_LIMITS.keepAlive)
    expect(await raw.read()).toEqual({ beat: {} })
    raw.abort(new Error('gone'))

    const beats = Promise.withResolvers<ScoutMessage | undefined>()
    behave = async (channel) => {
      await channel.read()
      await channel.write({ welcome: { maxDraftTokens: 1, maxRunAhead: 1 } })
      beats.resolve(await channel.read())
      await channel.close()
    }
    const session = await scout.services.draft.offer(stranger.peerId, OFFER)
    vi.advanceTimersByTime(DRAFT_LIMITS.keepAlive)
    expect(await beats.promise).toEqual({ beat: {} })
    for await (const _ of session.assignments());
    await until(() => expect(vi.getTimerCount()).toBe(before))
  })

  it('refuses a third stream of one connection', async () => {
    await offer()
    await offer()
    expect(await failure(scout.services.draft.offer(shard.peerId, OFFER))).toMatchObject({ code: 'DISCONNECTED' })
  })
})

describe('a Scout that breaks the protocol', () => {
  it.each<[string, FaultCode, (channel: ScoutEnd) => Promise<void>]>([
    ['drafts before its Offer', 'OUT_OF_ORDER', async (channel) => channel.write({ draft: draftOf(1, 1) })],
    ['says nothing first', 'OUT_OF_ORDER', async (channel) => channel.write({})]
  ])('%s: %s, and never joins', async (_, code, misbehave) => {
    const channel = await rawScout()
    await misbehave(channel)
    expect(await fault(channel)).toMatchObject({ code, remote: true })
    expect(host.joined).toEqual([])
  })

  it.each<[string, FaultCode, (channel: ScoutEnd) => Promise<void>]>([
    ['offers twice', 'OUT_OF_ORDER', async (channel) => channel.write({ offer: OFFER })],
    ['says what is not known', 'OUT_OF_ORDER', async (channel) => channel.write({})],
    ['drafts for what it was not given', 'OUT_OF_ORDER', async (channel) => channel.write({ draft: draftOf(2, 1) })],
    ['sends an empty draft', 'MALFORMED', async (channel) => channel.write({ draft: draftOf(1) })],
    [
      'sends too many tokens',
      'OVERSIZED',
      async (channel) => channel.write({ draft: draftOf(1, ...Array<number>(DRAFT_LIMITS.maxDraftTokens + 1).fill(1)) })
    ],
    [
      'sends too large a message',
      'OVERSIZED',
      async (channel) =>
        channel.write({ draft: draftOf(1, ...Array<number>(DRAFT_LIMITS.maxScoutMessageBytes).fill(1)) })
    ],
    [
      'drafts too often',
      'RATE_LIMITED',
      async (channel) => {
        const burst = (DRAFT_LIMITS.maxDraftsPerSecond * DRAFT_LIMITS.rateWindow) / 1000
        for (let count = 0; count <= burst && !channel.closed.aborted; count++) channel.post({ draft: draftOf(1, 1) })
      }
    ],
    [
      'ends with a fault of its own',
      'INTERNAL',
      async (channel) => void channel.fail(new ShardError('INTERNAL', 'Oh.'))
    ]
  ])('%s: %s ends its own stream, and no other one', async (name, code, misbehave) => {
    const { session, hosted } = await offer()
    hosted.begin(begin(1))
    // no bucket is refilled while the test sends
    const now = performance.now()
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now)
    const channel = await rawScout()
    await channel.write({ offer: OFFER })
    await channel.read()
    const bad = host.joined[1] as ScoutSession
    bad.begin(begin(1))
    await channel.read()
    const told = failure(
      (async () => {
        while ((await channel.read()) != null);
        throw new ShardError('INTERNAL', 'The stream ended in order.')
      })()
    )
    await misbehave(channel)
    expect((await told).code).toBe(code)
    await until(() => expect(host.left).toEqual([bad]))
    clock.mockRestore()

    const taken = host.drafts.length
    session.propose(draftOf(1, 5))
    await until(() => expect(host.drafts.slice(taken)).toEqual([{ scout: hosted, draft: draftOf(1, 5) }]))
  })

  it('is told INTERNAL, and no more, where the host itself fails', async () => {
    const { session, hosted } = await offer()
    hosted.begin(begin(1))
    const assignments = session.assignments()
    await assignments.next()
    host.onDraft = () => {
      throw new TypeError('/home/someone/secret')
    }
    const next = failure(assignments.next())
    session.propose(draftOf(1, 5))
    const error = await next
    expect(error).toMatchObject({ code: 'INTERNAL', remote: true })
    expect(error.message).not.toContain('secret')
  })
})

describe('a Shard that breaks the protocol', () => {
  it('answers an Offer with something else: OUT_OF_ORDER on both sides', async () => {
    const told = Promise.withResolvers<ShardError>()
    behave = async (channel) => {
      await channel.read()
      await channel.write({ begin: begin(1) })
      told.resolve(await failure(channel.read()))
    }
    const error = await failure(scout.services.draft.offer(stranger.peerId, OFFER))
    expect(error).toMatchObject({ code: 'OUT_OF_ORDER', remote: false })
    expect(await told.promise).toMatchObject({ code: 'OUT_OF_ORDER', remote: true })
  })

  it('leaves without an answer: DISCONNECTED', async () => {
    behave = async (channel) => channel.close()
    expect(await failure(scout.services.draft.offer(stranger.peerId, OFFER))).toMatchObject({ code: 'DISCONNECTED' })
  })

  it('never answers: a Scout that is stopped gets its own reason, and keeps no stream', async () => {
    const asked = Promise.withResolvers<unknown>()
    behave = async (channel) => {
      asked.resolve(await channel.read())
    }
    const stop = new AbortController()
    const reason = new Error('enough')
    const offered = scout.services.draft.offer(stranger.peerId, OFFER, { signal: stop.signal })
    await asked.promise
    stop.abort(reason)
    await expect(offered).rejects.toBe(reason)
    await until(() => expect(draftStreams(scout)).toBe(0))
  })
})
