import { tcp } from '@libp2p/tcp'
import fc from 'fast-check'
import { createLibp2p } from 'libp2p'
import { encode as varint } from 'uint8-varint'
import { Uint8ArrayList } from 'uint8arraylist'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { FAULT_CODES, isShardError, ShardError } from '../errors.ts'
import { AssignmentMessage, ScoutMessage } from '../pb/draft.ts'
import { swarmDefaults } from '../swarm/index.ts'
import { Channel } from './channel.ts'
import { openStream } from './open.ts'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { FaultCode } from '../errors.ts'
import type { ChannelInit } from './channel.ts'

const PROTOCOL = '/shard/channel-test/1'

type ScoutEnd = Channel<AssignmentMessage, ScoutMessage>
type ShardEnd = Channel<ScoutMessage, AssignmentMessage>

const LIMITS = { maxBytes: 1024, silence: 20_000, writeTimeout: 20_000 }

let here: Libp2p
let there: Libp2p
let accept: (stream: Stream) => void
const open: Stream[] = []

async function start(): Promise<Libp2p> {
  return await createLibp2p({
    ...swarmDefaults(),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()]
  })
}

beforeAll(async () => {
  ;[here, there] = await Promise.all([start(), start()])
  await there.handle(PROTOCOL, (stream) => accept(stream), { maxInboundStreams: 1_000 })
  await here.dial(there.getMultiaddrs())
})

afterEach(() => {
  open.splice(0).forEach((stream) => stream.abort(new Error('the test is over')))
})

afterAll(async () => {
  await Promise.all([here.stop(), there.stop()])
})

/** The two ends of one stream between two nodes. */
async function streams(): Promise<[near: Stream, far: Stream]> {
  const accepted = new Promise<Stream>((resolve) => {
    accept = resolve
  })
  const near = await here.dialProtocol(there.peerId, PROTOCOL, { maxOutboundStreams: 1_000 })
  const far = await accepted
  open.push(near, far)
  return [near, far]
}

function shardEnd(stream: Stream, init: Partial<ChannelInit<ScoutMessage, AssignmentMessage>> = {}): ShardEnd {
  return new Channel(stream, { ...LIMITS, reads: ScoutMessage, writes: AssignmentMessage, ...init })
}

function scoutEnd(stream: Stream, init: Partial<ChannelInit<AssignmentMessage, ScoutMessage>> = {}): ScoutEnd {
  return new Channel(stream, { ...LIMITS, reads: AssignmentMessage, writes: ScoutMessage, ...init })
}

function framed(bytes: Uint8Array): Uint8ArrayList {
  return new Uint8ArrayList(varint(bytes.byteLength), bytes)
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

/** Both sides of a broken rule: who noticed it, and who was told. */
async function expectFault(noticed: Promise<unknown>, told: Promise<unknown>, code: FaultCode): Promise<void> {
  const [own, other] = await Promise.all([failure(noticed), failure(told)])
  expect(own).toMatchObject({ code, remote: false })
  expect(other).toMatchObject({ code, remote: true, message: own.message })
}

describe('Channel', () => {
  it('carries messages in both directions, in order', async () => {
    const [near, far] = await streams()
    const scout = scoutEnd(near)
    const shard = shardEnd(far)
    for (let generation = 0; generation < 50; generation++) {
      await scout.write({ draft: { generation, chain: 1, position: 2, tokens: [3, 4] } })
      shard.post({ end: { generation } })
    }
    for (let generation = 0; generation < 50; generation++) {
      expect(await shard.read()).toEqual({ draft: { generation, chain: 1, position: 2, tokens: [3, 4] } })
      expect(await scout.read()).toEqual({ end: { generation } })
    }
  })

  it('gives undefined at the end, and can still write after the other half is closed', async () => {
    const [near, far] = await streams()
    const scout = scoutEnd(near)
    const shard = shardEnd(far)
    await scout.write({ beat: {} })
    await scout.close()
    expect(await shard.read()).toEqual({ beat: {} })
    expect(await shard.read()).toBeUndefined()
    await shard.write({ end: { generation: 7 } })
    expect(await scout.read()).toEqual({ end: { generation: 7 } })
    expect(shard.closed.aborted).toBe(false)
    await shard.close()
    expect(await scout.read()).toBeUndefined()
    expect([scout.closed.aborted, shard.closed.aborted]).toEqual([true, true])
  })

  it('gives what arrived before the stream was closed, however late it is read', async () => {
    const [near, far] = await streams()
    const shard = shardEnd(far)
    const scout = scoutEnd(near)
    await shard.write({ end: { generation: 1 } })
    await shard.write({ end: { generation: 2 } })
    await Promise.all([shard.close(), scout.close()])
    await closed(scout.closed)
    expect(await scout.read()).toEqual({ end: { generation: 1 } })
    expect(await scout.read()).toEqual({ end: { generation: 2 } })
    expect(await scout.read()).toBeUndefined()
  })

  it('answers bytes that are no message with MALFORMED', async () => {
    const [near, far] = await streams()
    const shard = shardEnd(far)
    // field 1 says that 200 bytes follow
    near.send(framed(Uint8Array.of(0x0a, 200, 1)))
    await expectFault(shard.read(), scoutEnd(near).read(), 'MALFORMED')
  })

  it('answers a length that never ends with MALFORMED at once, and not when the silence is over', async () => {
    const [near, far] = await streams()
    const shard = shardEnd(far)
    near.send(new Uint8Array(64).fill(0x80))
    await expectFault(shard.read(), scoutEnd(near).read(), 'MALFORMED')
  })

  it.each([1_025, 2 ** 21, 2 ** 35])(
    'answers a message of %i bytes with OVERSIZED before it arrives',
    async (length) => {
      const [near, far] = await streams()
      const shard = shardEnd(far)
      near.send(varint(length))
      await expectFault(shard.read(), scoutEnd(near).read(), 'OVERSIZED')
    }
  )

  it('takes a message of exactly the largest size', async () => {
    const [near, far] = await streams()
    const shard = shardEnd(far)
    const engine = 'x'.repeat(1024 - 9)
    const message = ScoutMessage.encode({
      offer: { model: new Uint8Array([1]), tokenizer: new Uint8Array(), engine }
    })
    expect(message.byteLength).toBe(1024)
    near.send(framed(message))
    expect((await shard.read())?.offer?.engine).toBe(engine)
  })

  it('answers a list that is too long with OVERSIZED', async () => {
    const [near, far] = await streams()
    const shard = shardEnd(far, { limits: { draft: { tokens: 3 } } })
    const scout = scoutEnd(near)
    await scout.write({ draft: { generation: 1, chain: 1, position: 1, tokens: [1, 2, 3] } })
    expect((await shard.read())?.draft?.tokens).toHaveLength(3)
    await scout.write({ draft: { generation: 1, chain: 1, position: 1, tokens: [1, 2, 3, 4] } })
    await expectFault(shard.read(), scout.read(), 'OVERSIZED')
  })

  it('answers silence with TIMEOUT', async () => {
    const [near, far] = await streams()
    await expectFault(shardEnd(far, { silence: 30 }).read(), scoutEnd(near).read(), 'TIMEOUT')
  })

  it('answers half a message and silence with TIMEOUT', async () => {
    const [near, far] = await streams()
    near.send(new Uint8ArrayList(varint(10), Uint8Array.of(1, 2, 3)))
    await expectFault(shardEnd(far).read({ timeout: 50 }), scoutEnd(near).read(), 'TIMEOUT')
  })

  it.each(Object.keys(FAULT_CODES) as FaultCode[])('tells the other side of %s', async (code) => {
    const [near, far] = await streams()
    const error = new ShardError(code, 'Something to say.')
    const told = failure(scoutEnd(near).read())
    expect(await shardEnd(far).fail(error)).toBe(error)
    expect(await told).toMatchObject({ code, remote: true, message: 'Something to say.' })
  })

  it('takes a fault code of a later version for INTERNAL, and cuts an endless sentence', async () => {
    const [near, far] = await streams()
    await shardEnd(far).write({ fault: { code: 4_000, message: 'x'.repeat(900) } })
    const error = await failure(scoutEnd(near).read())
    expect(error).toMatchObject({ code: 'INTERNAL', remote: true, message: 'x'.repeat(512) })
  })

  it('tells the other side even if that one has closed its half', async () => {
    const [near, far] = await streams()
    const scout = scoutEnd(near)
    const shard = shardEnd(far)
    await scout.close()
    expect(await shard.read()).toBeUndefined()
    await shard.fail(new ShardError('BUSY', 'No place.'))
    expect(await failure(scout.read())).toMatchObject({ code: 'BUSY', remote: true })
  })

  it('gives up a write that the other side does not read, with TIMEOUT', async () => {
    const [near, far] = await streams()
    near.pause()
    const shard = shardEnd(far, { writeTimeout: 100 })
    const written = (async () => {
      for (let generation = 0; ; generation++) {
        await shard.write({
          begin: { generation, prompt: Array<number>(10_000).fill(100_000), committed: [], maxTokens: 0 }
        })
      }
    })()
    expect(await failure(written)).toMatchObject({ code: 'TIMEOUT', remote: false })
    expect(shard.closed.aborted).toBe(true)
    expect(await failure(shard.write({ beat: {} }))).toMatchObject({ code: 'DISCONNECTED' })
  })

  it('does not wait for a peer that reads nothing when it has to fail, or to close', async () => {
    const [near, far] = await streams()
    near.pause()
    const shard = shardEnd(far, { writeTimeout: 120_000 })
    const begin = { generation: 1, prompt: Array<number>(10_000).fill(100_000), committed: [], maxTokens: 0 }
    for (let taken = true; taken;) {
      taken = await Promise.race([shard.write({ begin }).then(() => true), pause(100).then(() => false)])
    }
    const error = new ShardError('INTERNAL', 'Nobody reads this.')
    expect(await shard.fail(error)).toBe(error)
    await closed(shard.closed)
    await shard.close()
  })

  it('ends a posted message that cannot be sent in silence, and the reader learns of it', async () => {
    const [near, far] = await streams()
    const shard = shardEnd(far)
    const read = failure(shard.read())
    near.abort(new Error('gone'))
    expect(await read).toMatchObject({ code: 'DISCONNECTED', remote: false })
    shard.post({ beat: {} })
    expect(await failure(shard.write({ beat: {} }))).toMatchObject({ code: 'DISCONNECTED' })
    await closed(shard.closed)
  })

  it('rejects with the reason of the signal that is aborted, and goes on with the stream', async () => {
    const [near, far] = await streams()
    const shard = shardEnd(far)
    const left = new AbortController()
    const read = shard.read({ signal: left.signal })
    const reason = new Error('enough')
    left.abort(reason)
    await expect(read).rejects.toBe(reason)
    await expect(shard.read({ signal: left.signal })).rejects.toBe(reason)
    await scoutEnd(near).write({ beat: {} })
    expect(await shard.read()).toEqual({ beat: {} })
  })

  it('gives nothing but messages and ShardErrors, whatever a peer sends, and ends', async () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => framed(bytes).subarray()),
      fc
        .constantFrom(ScoutMessage.encode({ beat: {} }), ScoutMessage.encode({ fault: { code: 3, message: 'no' } }))
        .map((bytes) => framed(bytes).subarray()),
      fc.integer({ min: 1, max: 300 }).map((length) => new Uint8Array(length).fill(0x80))
    )
    const ending = fc.constantFrom('close', 'reset', 'silence')
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 6 }), ending, async (chunks, end) => {
        const [near, far] = await streams()
        const shard = shardEnd(far, { silence: end === 'silence' ? 30 : 20_000, limits: { draft: { tokens: 4 } } })
        for (const bytes of chunks) {
          if (near.writeStatus === 'writable') near.send(bytes)
        }
        if (end === 'close') await near.close()
        if (end === 'reset') near.abort(new Error('reset'))
        let error: unknown
        try {
          while ((await shard.read()) != null);
        } catch (reason) {
          error = reason
        }
        expect(error === undefined || isShardError(error)).toBe(true)
        if (end === 'silence') expect(error).toBeDefined()
        near.abort(new Error('the run is over'))
      }),
      { numRuns: 80 }
    )
  })
})

describe('openStream', () => {
  // the component that services get is what a node's own dialProtocol rests on
  const connections = {
    openStream: async (...args: Parameters<Libp2p['dialProtocol']>) => here.dialProtocol(...args)
  }

  it('says that a peer does not speak the protocol', async () => {
    const error = await failure(openStream(connections, there.peerId, '/shard/unheard-of/1'))
    expect(error.code).toBe('DISCONNECTED')
    expect(error.message).toContain(there.peerId.toString())
  })

  it("rejects with the signal's reason when aborted", async () => {
    const reason = new Error('enough')
    await expect(openStream(connections, there.peerId, PROTOCOL, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason
    )
  })
})

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

async function closed(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  }
}
