import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ShardError } from '../errors.ts'
import { DRAFT_LIMITS } from '../limits.ts'
import { swarmDefaults } from '../swarm/index.ts'
import { draft, ScoutRunner } from './index.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Directory, KnownShard } from '../announce/index.ts'
import type { Begin, Draft, DraftEngine, DraftProtocol, ScoutHost, ScoutSession } from './index.ts'

type Node = Libp2p<{ draft: DraftProtocol }>

/** As long as it takes on a machine that is busy with other things. */
const until = async (check: () => unknown): Promise<void> => {
  await vi.waitFor(check, { timeout: 15_000, interval: 10 })
}

const MODEL = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')

/** What the target would say at a position. */
const truth = (position: number): number => (position * 13 + 5) % 1_000

const truths = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => truth(from + index))

/** A Shard's side: takes every Scout, and checks that each chain of drafts is contiguous. */
class Host implements ScoutHost {
  readonly joined: ScoutSession[] = []
  readonly left: ScoutSession[] = []
  readonly drafts: Draft[] = []
  refuse?: ShardError

  get session(): ScoutSession {
    const session = this.joined.findLast((joined) => !this.left.includes(joined))
    if (session == null) throw new Error('no Scout is there')
    return session
  }

  join(session: ScoutSession): void {
    if (this.refuse != null) throw this.refuse
    this.joined.push(session)
  }

  draft(_: ScoutSession, draft: Draft): void {
    this.drafts.push(draft)
  }

  leave(session: ScoutSession): void {
    this.left.push(session)
  }

  /** What one chain says, by position. */
  chain(generation: number, number: number): Map<number, number> {
    const tokens = new Map<number, number>()
    for (const draft of this.drafts) {
      if (draft.generation === generation && draft.chain === number) {
        draft.tokens.forEach((token, index) => tokens.set(draft.position + index, token))
      }
    }
    return tokens
  }
}

/** Drafts the truth, except at positions that it believes otherwise of; `gate` holds it up. */
class Engine implements DraftEngine {
  readonly name = 'scripted'
  readonly tokenizer = new Uint8Array(32)
  readonly calls: Array<{ context: readonly number[]; k: number; signal?: AbortSignal }> = []
  readonly wrong = new Map<number, number>()
  contextLength = 10_000
  prompt = 3
  running = 0
  gate?: Promise<void>
  broken?: Error

  async draft(context: readonly number[], k: number, { signal }: { signal?: AbortSignal } = {}): Promise<number[]> {
    this.calls.push({ context: [...context], k, signal })
    this.running++
    try {
      if (this.broken != null) throw this.broken
      const { gate } = this
      if (gate != null) {
        await new Promise<void>((resolve) => {
          void gate.then(resolve)
          signal?.addEventListener('abort', () => resolve())
        })
      }
      signal?.throwIfAborted()
      const from = context.length - this.prompt
      return truths(from, from + k).map((token, index) => this.wrong.get(from + index) ?? token)
    } finally {
      this.running--
    }
  }

  async dispose(): Promise<void> {}
}

class FakeDirectory implements Directory {
  known: KnownShard[] = []
  readonly discovered = vi.fn()
  looks = 0
  #wake: Array<() => void> = []

  shards(): KnownShard[] {
    this.looks++
    return this.known
  }

  /** Like a DHT that knows nobody yet: it searches until it is told to stop. */
  async discover(_: CID, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.discovered()
    await new Promise<void>((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error))
    })
  }

  async changed({ signal }: { signal?: AbortSignal; timeout: number }): Promise<void> {
    if (signal?.aborted === true) return
    await new Promise<void>((resolve) => {
      this.#wake.push(resolve)
      signal?.addEventListener('abort', () => resolve())
    })
  }

  forget(): void {}

  set(...peers: Array<{ peer: PeerId; scoutsWanted?: number }>): void {
    this.known = peers.map(({ peer, scoutsWanted = 1 }) => ({
      peer,
      scoutsWanted,
      models: [{ manifest: MODEL, name: 'm' }],
      slots: 1,
      active: 0,
      queued: 0,
      speed: 0
    }))
    this.poke()
  }

  poke(): void {
    this.#wake.splice(0).forEach((wake) => wake())
  }

  /** Wakes the runner, and resolves once it has looked and found nothing more to do. */
  async settle(): Promise<void> {
    const before = this.looks
    await until(() => {
      this.poke()
      expect(this.looks).toBeGreaterThan(before + 1)
    })
  }
}

let scout: Node
let shard: Node
let host: Host
let engine: Engine
let directory: FakeDirectory
let runner: ScoutRunner
const log = vi.fn()

async function start(scoutHost?: ScoutHost): Promise<Node> {
  return await createLibp2p({
    ...swarmDefaults(),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    services: { draft: draft({ host: scoutHost }) }
  })
}

beforeAll(async () => {
  scout = await start()
  shard = await start({
    join: (session) => host.join(session),
    draft: (session, message) => host.draft(session, message),
    leave: (session) => host.leave(session)
  })
})

beforeEach(async () => {
  host = new Host()
  engine = new Engine()
  directory = new FakeDirectory()
  await scout.dial(shard.getMultiaddrs())
  runner = new ScoutRunner({ draft: scout.services.draft, directory, engine, model: MODEL, log })
})

afterEach(async () => {
  await runner.stop()
  expect(engine.running).toBe(0)
  await until(() => expect(host.left).toHaveLength(host.joined.length))
})

afterAll(async () => {
  await Promise.all([scout.stop(), shard.stop()])
})

async function engaged(count = 1): Promise<void> {
  directory.set({ peer: shard.peerId })
  runner.start()
  await until(() => expect(host.joined.length - host.left.length).toBe(count))
}

const begin = (changes: Partial<Begin> = {}): Begin => ({
  generation: 1,
  prompt: [1, 2, 3],
  committed: [],
  maxTokens: 0,
  ...changes
})

describe('ScoutRunner', () => {
  it('runs ahead as far as it may, goes on with each commit, and counts', async () => {
    await engaged()
    host.session.begin(begin())
    await until(() => expect(host.chain(1, 1).size).toBe(DRAFT_LIMITS.maxRunAhead))
    expect([...host.chain(1, 1)]).toEqual([...truths(0, DRAFT_LIMITS.maxRunAhead).entries()])
    const calls = engine.calls.length
    expect(engine.calls.every(({ k }) => k <= 4)).toBe(true)
    host.session.commit({ generation: 1, position: 0, tokens: truths(0, 10), accepted: 9 })
    await until(() => expect(host.chain(1, 1).size).toBe(DRAFT_LIMITS.maxRunAhead + 10))
    expect(engine.calls.length).toBeGreaterThan(calls)
    expect(runner.stats).toMatchObject({
      drafted: DRAFT_LIMITS.maxRunAhead + 10,
      accepted: 9,
      generations: 1,
      working: true
    })
    expect(runner.stats.shards.map(String)).toEqual([shard.peerId.toString()])
    host.session.end(1)
    await until(() => expect(runner.stats.working).toBe(false))
  })

  it('restarts at the commit that contradicts it', async () => {
    engine.wrong.set(6, 999)
    await engaged()
    host.session.begin(begin())
    await until(() => expect(host.chain(1, 1).size).toBe(DRAFT_LIMITS.maxRunAhead))
    host.session.commit({ generation: 1, position: 0, tokens: truths(0, 7), accepted: 6 })
    await until(() => expect(host.chain(1, 2).size).toBe(DRAFT_LIMITS.maxRunAhead))
    expect([...host.chain(1, 2).keys()][0]).toBe(7)
    expect([...host.chain(1, 2).values()]).toEqual(truths(7, 7 + DRAFT_LIMITS.maxRunAhead))
  })

  it('interrupts an engine that drafts for a past that turned out wrong', async () => {
    engine.wrong.set(0, 999)
    await engaged()
    host.session.begin(begin())
    await until(() => expect(host.chain(1, 1).size).toBe(DRAFT_LIMITS.maxRunAhead))
    const gate = Promise.withResolvers<undefined>()
    engine.gate = gate.promise
    host.session.commit({ generation: 1, position: 0, tokens: [999], accepted: 1 })
    await until(() => expect(engine.running).toBe(1))
    const interrupted = engine.calls.at(-1)
    host.session.commit({ generation: 1, position: 1, tokens: [777], accepted: 0 })
    await until(() => expect(interrupted?.signal?.aborted).toBe(true))
    await until(() => expect(engine.calls.at(-1)?.context).toEqual([1, 2, 3, 999, 777]))
    gate.resolve(undefined)
  })

  it('sends what is left of a draft that commits have overtaken', async () => {
    await engaged()
    const gate = Promise.withResolvers<undefined>()
    engine.gate = gate.promise
    host.session.begin(begin({ maxTokens: 6 }))
    await until(() => expect(engine.running).toBe(1))
    host.session.commit({ generation: 1, position: 0, tokens: truths(0, 3), accepted: 0 })
    const update = vi.fn()
    runner.addEventListener('update', update)
    await until(() => expect(update).toHaveBeenCalled())
    gate.resolve(undefined)
    await until(() => expect([...host.chain(1, 1).keys()]).toEqual([0, 1, 2, 3, 4]))
    expect(host.drafts[0]).toMatchObject({ position: 0, tokens: truths(0, 4) })
  })

  it('drafts for the generation in which it is least ahead', async () => {
    await engaged()
    const gate = Promise.withResolvers<undefined>()
    engine.gate = gate.promise
    host.session.begin(begin({ generation: 1 }))
    host.session.begin(begin({ generation: 2, prompt: [4, 5, 6] }))
    await until(() => expect(runner.stats.generations).toBe(2))
    gate.resolve(undefined)
    engine.gate = undefined
    await until(() => expect(host.drafts).toHaveLength(DRAFT_LIMITS.maxRunAhead / 2))
    const lead = { 1: 0, 2: 0 }
    for (const { generation, tokens } of host.drafts) {
      lead[generation as 1 | 2] += tokens.length
      expect(Math.abs(lead[1] - lead[2])).toBeLessThanOrEqual(4)
    }
  })

  it('leaves alone what is longer than its context, and what an engine cannot do, without a rest', async () => {
    engine.contextLength = 10
    await engaged()
    host.session.begin(begin({ prompt: Array<number>(10).fill(1) }))
    host.session.commit({ generation: 1, position: 0, tokens: [5], accepted: 0 })
    engine.broken = new Error('no memory')
    host.session.begin(begin({ generation: 2 }))
    await until(() => expect(log).toHaveBeenCalledWith(expect.stringContaining('engine'), 'Error: no memory'))
    expect(engine.calls).toHaveLength(1)
    // tries again when there is something new to say
    engine.broken = undefined
    host.session.commit({ generation: 2, position: 0, tokens: [5], accepted: 0 })
    await until(() => expect(host.chain(2, 1).size).toBeGreaterThan(0))
    expect(runner.stats.generations).toBe(1)
  })

  it.each<[string, (session: ScoutSession) => void]>([
    ['skips a position', (session) => session.commit({ generation: 1, position: 3, tokens: [1], accepted: 0 })],
    [
      'gives too many generations',
      (session) => {
        for (let generation = 2; generation <= DRAFT_LIMITS.maxGenerations + 1; generation++) {
          session.begin(begin({ generation }))
        }
      }
    ],
    ['begins a generation twice', (session) => session.begin(begin())]
  ])('leaves a Shard that %s', async (_, misbehave) => {
    await engaged()
    const { session } = host
    session.begin(begin())
    misbehave(session)
    await until(() => expect(host.left).toEqual([session]))
    expect(log).toHaveBeenCalled()
    await until(() => expect(runner.stats).toMatchObject({ shards: [], working: false }))
  })

  it('hears of a Shard while the DHT is still searching', async () => {
    runner.start()
    await until(() => expect(directory.discovered).toHaveBeenCalled())
    await engaged()
  })

  it('tries a Shard that turns it away less and less often', async () => {
    let offset = 0
    const real = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => real() + offset)
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const offer = vi.spyOn(scout.services.draft, 'offer')
    host.refuse = new ShardError('BUSY', 'No room.')
    directory.set({ peer: shard.peerId })
    runner.start()
    for (const wait of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      await until(() => expect(log).toHaveBeenCalledTimes(offer.mock.calls.length))
      const tries = offer.mock.calls.length
      offset += 0.4 * wait
      await directory.settle()
      expect(offer).toHaveBeenCalledTimes(tries)
      offset += wait
      await until(() => {
        directory.poke()
        expect(offer).toHaveBeenCalledTimes(tries + 1)
      })
    }
    expect(log.mock.lastCall).toContain('BUSY: No room.')
    host.refuse = undefined
    offset += 120_000
    await until(() => {
      directory.poke()
      expect(host.joined).toHaveLength(1)
    })
  })

  it('comes back to a Shard that was lost, after a while', async () => {
    let offset = 0
    const real = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => real() + offset)
    await engaged()
    host.session.begin(begin())
    await until(() => expect(host.drafts).not.toHaveLength(0))
    scout.getConnections(shard.peerId).forEach((connection) => connection.abort(new Error('killed')))
    await until(() => expect(runner.stats).toMatchObject({ shards: [], working: false }))
    offset += 5_000
    await until(() => {
      directory.poke()
      expect(host.joined).toHaveLength(2)
    })
    const taken = host.drafts.length
    host.session.begin(begin({ generation: 2 }))
    await until(() => expect(host.drafts.slice(taken).some(({ generation }) => generation === 2)).toBe(true))
  })

  it('does not hurry back to a Shard that sends it away in order', async () => {
    let offset = 0
    const real = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => real() + offset)
    const offer = vi.spyOn(scout.services.draft, 'offer')
    await engaged()
    host.session.dismiss('SHUTTING_DOWN', 'Bye.')
    await until(() => expect(log).toHaveBeenCalledTimes(1))
    await directory.settle()
    expect(offer).toHaveBeenCalledTimes(1)
    offset += 2_000
    await until(() => {
      directory.poke()
      expect(offer).toHaveBeenCalledTimes(2)
    })
  })

  it('works for two Shards at a time, those that want Scouts most, and replaces one that goes', async () => {
    const hosts = [new Host(), new Host(), new Host(), host]
    const others = await Promise.all(hosts.slice(0, 3).map(async (each) => start(each)))
    const shards = [...others, shard]
    for (const node of others) await scout.dial(node.getMultiaddrs())
    directory.set(...shards.map(({ peerId }, index) => ({ peer: peerId, scoutsWanted: index })))
    runner.start()
    await until(() => expect(hosts.map(({ joined }) => joined.length)).toEqual([0, 0, 1, 1]))
    await directory.settle()
    expect(hosts.map(({ joined }) => joined.length)).toEqual([0, 0, 1, 1])
    hosts[3]?.session.dismiss('BUSY', 'Enough.')
    await until(() => {
      directory.poke()
      expect(hosts.map(({ joined }) => joined.length)).toEqual([0, 1, 1, 1])
    })
    await runner.stop()
    await Promise.all(others.map(async (node) => node.stop()))
  })

  it('stops at once, with the engine at work, and leaves nothing behind', async () => {
    await engaged()
    engine.gate = new Promise(() => {})
    host.session.begin(begin())
    await until(() => expect(engine.running).toBe(1))
    await runner.stop()
    expect(engine.running).toBe(0)
    expect(runner.stats).toMatchObject({ shards: [], working: false })
    await until(() => expect(host.left).toEqual(host.joined))
    const { looks } = directory
    const calls = engine.calls.length
    directory.poke()
    await new Promise((resolve) => setImmediate(resolve))
    expect([directory.looks, engine.calls.length]).toEqual([looks, calls])
  })

  it('stops while it searches, while it offers, twice, and before it has started', async () => {
    await runner.stop()
    runner.start()
    await until(() => expect(directory.discovered).toHaveBeenCalled())
    await runner.stop()
    directory.set({ peer: shard.peerId })
    runner.start()
    await Promise.all([runner.stop(), runner.stop()])
    await until(() => expect(host.left).toEqual(host.joined))
  })

  it('starts again after it was stopped', async () => {
    await engaged()
    await runner.stop()
    await until(() => expect(host.left).toHaveLength(1))
    await engaged()
    host.session.begin(begin())
    await until(() => expect(host.drafts).not.toHaveLength(0))
  })
})
