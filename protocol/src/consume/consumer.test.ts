import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ShardError } from '../errors.ts'
import { DraftPolicy, FinishReason } from '../generate/index.ts'
import { MAX_ATTEMPTS, SEARCH_TIMEOUT } from './constants.ts'
import { Consumer } from './consumer.ts'
import { Ranking } from './ranking.ts'
import type { Connection, PeerId } from '@libp2p/interface'
import type { Directory, KnownShard } from '../announce/index.ts'
import type { FaultCode } from '../errors.ts'
import type { Ask, GenerateResponse } from '../generate/index.ts'
import type { AnswerEvent, Question } from './index.ts'

type Response = Partial<GenerateResponse>

const MODEL = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const QUESTION: Question = { model: MODEL, messages: [{ role: 'user', content: 'Hello!' }], sampling: { seed: 7 } }

/** What every Shard commits at a position. */
const truth = (position: number): number => (position * 31 + 7) % 1_000

const text = (tokens: readonly number[]): string => tokens.map((token) => `${token} `).join('')

let peers: PeerId[]

beforeAll(async () => {
  peers = await Promise.all(
    Array.from({ length: 8 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
  )
})

/** A directory and a clock: time passes only while the Consumer waits for news. */
class World implements Directory {
  readonly forgotten: string[] = []
  readonly asked: Array<{ peer: string; ask: Ask; signal?: AbortSignal }> = []
  readonly discovering = new Set<AbortSignal>()
  discoveries = 0
  now = 0
  known: PeerId[] = []
  /** What happens when, in ms. */
  readonly news = new Map<number, () => void>()
  /** What the Shard that is asked says; the number is that of the attempt, from 1. */
  shard: (attempt: number, ask: Ask, peer: PeerId) => AsyncIterable<Response> = () => answer(0, 1)
  connections: Array<Pick<Connection, 'limits'>> = []

  readonly consumer = new Consumer({
    generate: { ask: this.ask.bind(this) },
    directory: this,
    connections: () => this.connections as Connection[],
    // always the first Shard that there is, unless another one is better
    ranking: new Ranking({ random: () => 0, now: () => this.now })
  })

  async *ask(peer: PeerId, ask: Ask, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<GenerateResponse> {
    this.asked.push({ peer: peer.toString(), ask: { ...ask, committed: [...ask.committed] }, signal })
    for await (const response of this.shard(this.asked.length, ask, peer)) {
      signal?.throwIfAborted()
      yield response
    }
  }

  shards(model?: CID): KnownShard[] {
    expect(model).toBe(MODEL)
    const offer = { models: [{ manifest: MODEL, name: '' }], slots: 1, active: 0, queued: 0, scoutsWanted: 0, speed: 0 }
    return this.known.map((peer) => ({ peer, ...offer }))
  }

  async discover(_: CID, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.discoveries++
    if (signal == null) throw new Error('a search without end')
    this.discovering.add(signal)
    await new Promise<void>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        this.discovering.delete(signal)
        reject(signal.reason as Error)
      })
    })
  }

  async changed({ signal, timeout }: { signal?: AbortSignal; timeout: number }): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (signal?.aborted === true) return
    const [at] = [...this.news.keys()].filter((time) => time <= this.now + timeout).sort((a, b) => a - b)
    this.now = at ?? this.now + timeout
    if (at != null) {
      this.news.get(at)?.()
      this.news.delete(at)
    }
  }

  forget(peer: PeerId): void {
    this.forgotten.push(peer.toString())
    this.known = this.known.filter((known) => !known.equals(peer))
  }
}

let world: World

beforeEach(() => {
  world = new World()
  vi.spyOn(performance, 'now').mockImplementation(() => world.now)
})

const ACCEPTED: Response = { accepted: { promptTokens: 5 } }

function commit(from: number, to: number, changes: Partial<NonNullable<Response['commit']>> = {}): Response {
  const tokens = Array.from({ length: to - from }, (_, index) => truth(from + index))
  return { commit: { position: from, tokens, text: text(tokens), drafted: 0, scout: new Uint8Array(), ...changes } }
}

function done(completionTokens: number, reason: FinishReason = FinishReason.STOP): Response {
  return {
    done: {
      reason,
      text: '',
      promptTokens: 5,
      completionTokens,
      draftedTokens: 9,
      acceptedTokens: 4,
      rounds: 3,
      prefillMs: 10,
      decodeMs: 20
    }
  }
}

/** All of an answer, from one token to another. */
async function* answer(from: number, to: number): AsyncGenerator<Response> {
  yield ACCEPTED
  if (to > from) yield commit(from, to)
  yield done(to)
}

/** Part of an answer, and then a failure. */
async function* failing(code: FaultCode, from = 0, to = 0, remote = true): AsyncGenerator<Response> {
  yield ACCEPTED
  if (to > from) yield commit(from, to)
  throw new ShardError(code, `It failed with ${code}.`, { remote })
}

async function* refusing(code: FaultCode, remote = true): AsyncGenerator<Response> {
  yield* []
  throw new ShardError(code, `It refused with ${code}.`, { remote })
}

async function collect(events: AsyncIterable<AnswerEvent>, into: AnswerEvent[] = []): Promise<AnswerEvent[]> {
  for await (const event of events) into.push(event)
  return into
}

const types = (events: AnswerEvent[]): string[] => events.map(({ type }) => type)

const tokensOf = (events: AnswerEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'commit' ? event.tokens : []))

describe('Consumer', () => {
  it('gives the events of an answer in order, with figures', async () => {
    const scout = peers[5] as PeerId
    world.known = peers.slice(0, 1)
    world.shard = async function* () {
      yield { progress: { queuePosition: 2, prefilledTokens: 0 } }
      yield { progress: { queuePosition: 0, prefilledTokens: 3 } }
      yield ACCEPTED
      world.now += 100
      yield commit(0, 3, { drafted: 2, scout: Uint8Array.from(scout.toMultihash().bytes) })
      yield commit(3, 4, { drafted: 1, scout: new Uint8Array([1, 2, 3]) })
      yield done(4, FinishReason.LENGTH)
    }
    expect(await collect(world.consumer.ask({ ...QUESTION, maxTokens: 4, draftPolicy: 'own', stop: ['.'] }))).toEqual([
      { type: 'shard', peer: peers[0], attempt: 1, path: 'relayed' },
      { type: 'queued', ahead: 2 },
      { type: 'prefill', prefilledTokens: 3 },
      { type: 'accepted', promptTokens: 5 },
      { type: 'commit', position: 0, tokens: [7, 38, 69], text: '7 38 69 ', drafted: 2, scout: scout.toString() },
      { type: 'commit', position: 3, tokens: [100], text: '100 ', drafted: 1, scout: undefined },
      {
        type: 'done',
        reason: 'length',
        text: '',
        figures: {
          promptTokens: 5,
          completionTokens: 4,
          draftedTokens: 9,
          acceptedTokens: 3,
          rounds: 3,
          prefillMs: 10,
          decodeMs: 20,
          seed: 7
        }
      }
    ])
    expect(world.asked[0]?.ask).toMatchObject({
      maxTokens: 4,
      stop: ['.'],
      committed: [],
      draftPolicy: DraftPolicy.OWN,
      sampling: { seed: 7, temperature: 0.8 }
    })
    expect(world.discoveries).toBe(0)
  })

  it('tells a direct path from a relayed one', async () => {
    world.known = peers.slice(0, 1)
    world.connections = [{ limits: { bytes: 1n } }, { limits: undefined }]
    expect((await collect(world.consumer.ask(QUESTION)))[0]).toMatchObject({ type: 'shard', path: 'direct' })
  })

  it('moves to another Shard in mid-answer: same question, same seed, no token lost or doubled', async () => {
    world.known = peers.slice(0, 2)
    world.shard = (attempt) => (attempt === 1 ? failing('DISCONNECTED', 0, 3) : answer(3, 8))
    const events = await collect(world.consumer.ask({ model: MODEL, prompt: 'Once', maxTokens: 8 }))
    expect(types(events)).toEqual(['shard', 'accepted', 'commit', 'moved', 'shard', 'accepted', 'commit', 'done'])
    expect(events[3]).toMatchObject({ type: 'moved', from: peers[0], position: 3, cause: { code: 'DISCONNECTED' } })
    expect(events[4]).toMatchObject({ type: 'shard', peer: peers[1], attempt: 2 })
    expect(tokensOf(events)).toEqual(Array.from({ length: 8 }, (_, index) => truth(index)))
    const [first, second] = world.asked.map(({ ask }) => ask)
    expect(second).toEqual({ ...first, committed: [truth(0), truth(1), truth(2)] })
    expect(world.forgotten).toEqual([String(peers[0])])
  })

  it('continues an answer that has begun elsewhere, without touching what it was given', async () => {
    world.known = peers.slice(0, 1)
    world.shard = () => answer(2, 4)
    const committed = [truth(0), truth(1)]
    const events = await collect(world.consumer.ask({ ...QUESTION, committed }))
    expect(tokensOf(events)).toEqual([truth(2), truth(3)])
    expect(world.asked[0]?.ask.committed).toEqual([truth(0), truth(1)])
    expect(committed).toHaveLength(2)
  })

  it('loses and doubles no token over any sequence of failures', async () => {
    const codes = fc.constantFrom<FaultCode>(
      'DISCONNECTED',
      'TIMEOUT',
      'INTERNAL',
      'BUSY',
      'SHUTTING_DOWN',
      'UNKNOWN_MODEL',
      'OUT_OF_ORDER'
    )
    const attempt = fc.record({ code: codes, groups: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 }) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(attempt, { maxLength: MAX_ATTEMPTS - 1 }),
        fc.nat({ max: 6 }),
        async (attempts, rest) => {
          world = new World()
          world.known = [...peers]
          let position = 0
          world.shard = async function* (number, ask) {
            expect(ask.committed).toEqual(Array.from({ length: position }, (_, index) => truth(index)))
            const script = attempts[number - 1]
            yield ACCEPTED
            for (const group of script?.groups ?? [...Array<number>(rest).fill(1)]) {
              yield commit(position, position + group)
              position += group
            }
            if (script != null) throw new ShardError(script.code, 'failed', { remote: true })
            yield done(position)
          }
          const events = await collect(world.consumer.ask(QUESTION))
          expect(tokensOf(events)).toEqual(Array.from({ length: position }, (_, index) => truth(index)))
          let next = 0
          for (const event of events) {
            if (event.type !== 'commit') continue
            expect(event.position).toBe(next)
            next += event.tokens.length
          }
          expect(events.filter(({ type }) => type === 'moved')).toHaveLength(attempts.length)
          expect(events.at(-1)).toMatchObject({ type: 'done', figures: { completionTokens: position } })
        }
      ),
      { numRuns: 200 }
    )
  })

  it('gives up after as many attempts as do not fail by chance, with the last reason', async () => {
    world.known = [...peers]
    world.shard = (attempt) => failing(attempt === MAX_ATTEMPTS ? 'INTERNAL' : 'TIMEOUT', attempt - 1, attempt)
    const events: AnswerEvent[] = []
    await expect(collect(world.consumer.ask(QUESTION), events)).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(world.asked).toHaveLength(MAX_ATTEMPTS)
    expect(new Set(world.asked.map(({ peer }) => peer)).size).toBe(MAX_ATTEMPTS)
    expect(tokensOf(events)).toHaveLength(MAX_ATTEMPTS)
    expect(events.filter(({ type }) => type === 'moved')).toHaveLength(MAX_ATTEMPTS - 1)
  })

  it.each<FaultCode>(['INVALID_REQUEST', 'CONTEXT_OVERFLOW', 'OVERSIZED'])(
    'does not ask another Shard what one calls %s',
    async (code) => {
      world.known = [...peers]
      world.shard = () => refusing(code)
      await expect(collect(world.consumer.ask(QUESTION))).rejects.toMatchObject({ code })
      expect(world.asked).toHaveLength(1)
    }
  )

  it('moves away from a Shard that itself sends what is too large', async () => {
    world.known = peers.slice(0, 2)
    world.shard = (attempt) => (attempt === 1 ? failing('OVERSIZED', 0, 1, false) : answer(1, 2))
    expect(tokensOf(await collect(world.consumer.ask(QUESTION)))).toEqual([truth(0), truth(1)])
  })

  it('passes on what is no ShardError, and asks nobody else', async () => {
    world.known = [...peers]
    world.shard = () => {
      throw new TypeError('a mistake of ours')
    }
    await expect(collect(world.consumer.ask(QUESTION))).rejects.toThrow(TypeError)
    expect(world.asked).toHaveLength(1)
  })

  it('refuses a question that cannot be asked before it looks for a Shard', async () => {
    await expect(collect(world.consumer.ask({ ...QUESTION, prompt: 'both' }))).rejects.toMatchObject({
      code: 'INVALID_REQUEST'
    })
    await expect(collect(world.consumer.ask({ ...QUESTION, sampling: { temperature: -1 } }))).rejects.toMatchObject({
      code: 'INVALID_REQUEST'
    })
    expect([world.asked, world.discoveries, world.now]).toEqual([[], 0, 0])
  })

  it('asks another Shard when one is busy, and does not think worse of it', async () => {
    world.known = peers.slice(0, 2)
    world.shard = (attempt) => (attempt === 1 ? refusing('BUSY') : answer(0, 2))
    const failed = vi.spyOn(Ranking.prototype, 'failed')
    const events = await collect(world.consumer.ask(QUESTION))
    expect(types(events)).toEqual(['moved', 'shard', 'accepted', 'commit', 'done'])
    expect(world.asked.map(({ peer }) => peer)).toEqual([String(peers[0]), String(peers[1])])
    expect(world.forgotten).toEqual([])
    expect(failed).not.toHaveBeenCalled()
  })

  it('asks a busy Shard again, after a while, when there is no other', async () => {
    world.known = peers.slice(0, 1)
    world.shard = (attempt) => (attempt < 3 ? refusing('BUSY') : answer(0, 2))
    const events = await collect(world.consumer.ask(QUESTION))
    expect(tokensOf(events)).toEqual([truth(0), truth(1)])
    expect(world.asked).toHaveLength(3)
    expect(world.now).toBeGreaterThan(0)
  })

  it('says BUSY, and not that there is no Shard, where the only one stays busy', async () => {
    world.known = peers.slice(0, 1)
    world.shard = () => refusing('BUSY')
    await expect(collect(world.consumer.ask(QUESTION))).rejects.toMatchObject({ code: 'BUSY' })
    expect(world.asked).toHaveLength(MAX_ATTEMPTS)
  })

  it('waits for a Shard, and asks it as soon as it is heard of', async () => {
    world.news.set(3_210, () => {
      world.known = peers.slice(0, 1)
    })
    const events = await collect(world.consumer.ask(QUESTION))
    expect(types(events)).toEqual(['searching', 'shard', 'accepted', 'commit', 'done'])
    expect(world.now).toBe(3_210)
    expect(world.discoveries).toBe(1)
    expect(world.discovering.size).toBe(0)
  })

  it('says that there is no Shard when the time for it is over, and searches no more', async () => {
    await expect(collect(world.consumer.ask(QUESTION))).rejects.toMatchObject({
      code: 'NO_SHARD',
      message: expect.stringContaining('shard serve') as string
    })
    expect(world.now).toBe(SEARCH_TIMEOUT)
    expect([world.discoveries, world.discovering.size]).toEqual([1, 0])
  })

  it('says so in mid-answer too, and what was committed stays with whoever asked', async () => {
    world.known = peers.slice(0, 1)
    world.shard = () => failing('TIMEOUT', 0, 3)
    const events: AnswerEvent[] = []
    await expect(collect(world.consumer.ask(QUESTION), events)).rejects.toMatchObject({
      code: 'NO_SHARD',
      message: expect.stringContaining('continue') as string
    })
    expect(types(events)).toEqual(['shard', 'accepted', 'commit', 'moved', 'searching'])
    expect(tokensOf(events)).toHaveLength(3)
  })

  it('ends an answer whose last token came from a Shard that was lost before it said so', async () => {
    world.known = peers.slice(0, 2)
    world.shard = (attempt) => (attempt === 1 ? failing('DISCONNECTED', 0, 3) : answer(3, 3))
    const events = await collect(world.consumer.ask({ ...QUESTION, maxTokens: 3 }))
    expect(tokensOf(events)).toHaveLength(3)
    expect(events.at(-1)).toMatchObject({ type: 'done' })
  })

  it.each([
    ['searches', () => {}],
    [
      'is answered',
      () => {
        world.known = peers.slice(0, 1)
        world.shard = async function* () {
          yield ACCEPTED
          for (let position = 0; ; position++) yield commit(position, position + 1)
        }
      }
    ]
  ])('stops with its own reason while it %s', async (_, prepare) => {
    prepare()
    const stop = new AbortController()
    const reason = new Error('enough')
    const all = (async () => {
      for await (const { type } of world.consumer.ask(QUESTION, { signal: stop.signal })) {
        if (type === 'searching' || type === 'commit') stop.abort(reason)
      }
    })()
    await expect(all).rejects.toBe(reason)
    expect(world.discovering.size).toBe(0)
    expect(world.forgotten).toEqual([])
  })

  it('does nothing with a signal that is aborted already', async () => {
    world.known = [...peers]
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(collect(world.consumer.ask(QUESTION, { signal }))).rejects.toBe(reason)
    expect(world.asked).toEqual([])
  })

  it('leaves the Shard when the loop is left, and searches no more', async () => {
    const left = vi.fn()
    world.news.set(500, () => {
      world.known = peers.slice(0, 1)
    })
    world.shard = async function* () {
      try {
        yield ACCEPTED
        yield commit(0, 1)
      } finally {
        left()
      }
    }
    for await (const { type } of world.consumer.ask(QUESTION)) if (type === 'commit') break
    expect(left).toHaveBeenCalledOnce()
    for await (const { type } of new Consumer({
      generate: world,
      directory: Object.assign(new World(), { discover: world.discover.bind(world) }),
      connections: () => []
    }).ask(QUESTION)) {
      if (type === 'searching') break
    }
    expect(world.discovering.size).toBe(0)
  })

  it('prefers a Shard that it found faster itself', async () => {
    world.known = peers.slice(0, 2)
    world.shard = async function* (_, __, peer) {
      yield ACCEPTED
      yield commit(0, 1)
      world.now += peer.equals(peers[0]) ? 2_000 : 20
      yield commit(1, 20)
      yield done(20)
    }
    await collect(world.consumer.ask(QUESTION))
    await collect(world.consumer.ask(QUESTION))
    expect(world.asked.map(({ peer }) => peer)).toEqual([String(peers[0]), String(peers[1])])
  })
})
