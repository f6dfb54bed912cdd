import { setImmediate } from 'node:timers/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ModelFetchError } from '../models/errors.ts'
import { RETRY_FIRST } from './constants.ts'
import { Contributor } from './contributor.ts'
import type { KnownShard } from '@shard/protocol/announce'
import type { DraftEngine, ScoutStats } from '@shard/protocol/draft'
import type { Manifest } from '@shard/protocol/model'
import type { TabSwarm } from '../swarm/tab-swarm.ts'
import type { Contribution, Locks } from './contributor.ts'
import type { EngineInit, Runner, ScoutParts, TabEngine } from './run-scout.ts'

const SHARD = peerIdFromString('12D3KooWGzBFhQzRKoXgWnGZpVKr1D8xJ6x5gqCbgNfGTyXbJwGA')
const FILE = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const CIDS = [
  'bafyreif4o2mszkebteui3ljoc5lv6obpktoxitt3u6lfx6fhghpp573lae',
  'bafyreigdmqpykrgxyaxtlafqpqhzrb7qy2rh75nldvfd4tucqmqqme5yje'
].map((text) => CID.parse(text))
const [MODEL, OTHER] = CIDS as [CID, CID]

const tokenizer = new Uint8Array(32).fill(1)
const file = { cid: FILE, bytes: 5, format: 'gguf' as const, quantization: 'Q8_0' }

function manifest(drafts: Manifest['drafts']): Manifest {
  return { version: 1, name: 'target', license: 'MIT', contextLength: 9_000, tokenizer, target: file, drafts }
}

/** A world in which a Scout lives: what is served, what can be fetched, how the engine behaves. */
class World implements ScoutParts {
  shards: KnownShard[] = []
  manifests = new Map<string, Manifest | Error>([
    [MODEL.toString(), manifest([{ ...file, name: 'tiny', engine: 'gguf' }])],
    [OTHER.toString(), manifest([])]
  ])
  fetchError: Error | undefined
  engineTokenizer = tokenizer
  draftError: Error | undefined
  disposed = 0
  loaded: EngineInit[] = []
  runners: FakeRunner[] = []
  seen: Contribution[] = []
  #changed: () => void = () => {}

  announce(model: CID, scoutsWanted = 1): void {
    const load = { slots: 1, active: 0, queued: 0, scoutsWanted, speed: 0 }
    this.shards.push({ peer: SHARD, models: [{ manifest: model, name: '' }], ...load })
    this.#changed()
  }

  async swarm(): Promise<TabSwarm> {
    const directory = {
      shards: () => this.shards,
      changed: ({ signal }: { signal?: AbortSignal }) =>
        new Promise<void>((resolve) => {
          this.#changed = resolve
          signal?.addEventListener('abort', () => resolve())
        })
    }
    return { directory, libp2p: { services: {}, logger: { forComponent: () => () => {} } } } as unknown as TabSwarm
  }

  async fetchManifest(_: TabSwarm, cid: CID): Promise<Manifest> {
    const found = this.manifests.get(cid.toString())
    if (found instanceof Error || found == null) throw found ?? new Error('unknown')
    return found
  }

  async fetchModel(...[, wanted, { onProgress }]: Parameters<ScoutParts['fetchModel']>): Promise<Blob> {
    onProgress({ bytes: 1, total: wanted.bytes, bytesPerSecond: 1, providers: 1 })
    if (this.fetchError != null) throw this.fetchError
    return new Blob(['model'])
  }

  async loadEngine(init: EngineInit): Promise<TabEngine> {
    this.loaded.push(init)
    return {
      name: 'wllama/wasm',
      reason: 'because',
      tokenizer: this.engineTokenizer,
      contextLength: init.contextLength,
      draft: async () => {
        if (this.draftError != null) throw this.draftError
        return [1]
      },
      dispose: async () => {
        this.disposed++
      }
    }
  }

  async createRunner({ engine, model }: { engine: DraftEngine; model: CID }): Promise<Runner> {
    const runner = new FakeRunner(engine, model)
    this.runners.push(runner)
    return runner
  }

  get now(): Contribution | undefined {
    return this.seen.at(-1)
  }

  steps(): string[] {
    return this.seen.map(({ step }) => step).filter((step, index, all) => step !== all[index - 1])
  }
}

class FakeRunner extends EventTarget implements Runner {
  running = false
  stats: ScoutStats = { drafted: 0, accepted: 0, generations: 0, engineMs: 0, shards: [], working: false }

  constructor(
    readonly engine: DraftEngine,
    readonly model: CID
  ) {
    super()
  }

  start(): void {
    this.running = true
  }

  async stop(): Promise<void> {
    this.running = false
  }

  update(stats: Partial<ScoutStats>): void {
    this.stats = { ...this.stats, ...stats }
    this.dispatchEvent(new Event('update'))
  }
}

/** Web Locks as one browser has them. */
function createLocks(): Locks {
  const queue: Array<() => void> = []
  let held = false
  const request = async (...args: unknown[]): Promise<unknown> => {
    const options = args[1] as LockOptions
    const work = args[2] as (lock: Lock | null) => Promise<unknown>
    if (held && options.ifAvailable === true) return work(null)
    if (held) {
      await new Promise<void>((resolve, reject) => {
        queue.push(resolve)
        options.signal?.addEventListener('abort', () => {
          queue.splice(queue.indexOf(resolve), 1)
          reject(new DOMException('The request was aborted.', 'AbortError'))
        })
      })
    }
    held = true
    try {
      return await work({ name: String(args[0]), mode: 'exclusive' })
    } finally {
      held = false
      queue.shift()?.()
    }
  }
  return { request } as Locks
}

let world: World

function contributor(parts = world, locks: Locks | undefined = createLocks()): Contributor {
  return new Contributor(parts, locks, (contribution) => parts.seen.push(contribution))
}

/** Lets everything happen that needs no timer. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate()
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  world = new World()
})
afterEach(() => vi.useRealTimers())

describe('Contributor', () => {
  it('searches, downloads, loads and runs, and tells the figures', async () => {
    const scout = contributor()
    scout.on()
    await settle()
    expect(world.steps()).toEqual(['searching'])

    world.announce(MODEL)
    await settle()
    expect(world.steps()).toEqual(['searching', 'downloading', 'loading', 'running'])
    expect(world.loaded[0]?.contextLength).toBe(4_096)
    const [runner] = world.runners
    expect(runner).toMatchObject({ running: true, model: MODEL })

    runner?.update({ drafted: 10, accepted: 6, generations: 1, engineMs: 100, shards: [SHARD], working: true })
    runner?.update({ drafted: 10, accepted: 7, shards: [], working: false })
    expect(world.now).toEqual({
      step: 'running',
      model: 'tiny',
      engine: { name: 'wllama/wasm', reason: 'because' },
      figures: { drafted: 10, accepted: 7, generations: 1, tokensPerSecond: 100, shards: 0, helped: 1, working: false }
    })

    await scout.off()
    expect(world.now).toEqual({ step: 'off' })
    expect(runner?.running).toBe(false)
    expect(world.disposed).toBe(1)
  })

  it('drafts for the model that most Scouts are wanted for, of those with a draft', async () => {
    world.announce(OTHER, 9)
    world.manifests.set(FILE.toString(), new Error('no manifest'))
    world.announce(FILE, 5)
    world.announce(MODEL, 1)
    const scout = contributor()
    scout.on()
    await settle()
    expect(world.runners[0]?.model).toBe(MODEL)
    await scout.off()
  })

  it('tries again by itself after a failure, and at once when told to', async () => {
    world.fetchError = new ModelFetchError('STALLED', 'It stopped.')
    world.announce(MODEL)
    const scout = contributor()
    scout.on()
    await settle()
    expect(world.now).toEqual({ step: 'failed', message: 'It stopped.', retryAt: Date.now() + RETRY_FIRST })
    await vi.advanceTimersByTimeAsync(RETRY_FIRST)
    await settle()
    expect(world.now).toMatchObject({ step: 'failed', retryAt: Date.now() + 2 * RETRY_FIRST })

    world.fetchError = undefined
    scout.retry()
    await settle()
    expect(world.now?.step).toBe('running')
    await scout.off()
  })

  it('does not try again by itself where waiting cannot help', async () => {
    world.fetchError = new ModelFetchError('NO_SPACE', 'Free some space.')
    world.announce(MODEL)
    const scout = contributor()
    scout.on()
    await settle()
    expect(world.now).toEqual({ step: 'failed', message: 'Free some space.' })
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(world.steps().filter((step) => step === 'failed')).toHaveLength(1)
    world.fetchError = undefined
    scout.retry()
    await settle()
    expect(world.now?.step).toBe('running')
    await scout.off()
  })

  it('refuses a draft model with another tokenizer, and frees it', async () => {
    world.engineTokenizer = new Uint8Array(32)
    world.announce(MODEL)
    const scout = contributor()
    scout.on()
    await settle()
    expect(world.now).toMatchObject({ step: 'failed', message: expect.stringContaining('tokenizer') })
    expect(world.disposed).toBe(1)
    expect(world.runners).toEqual([])
    await scout.off()
  })

  it('starts over when the engine fails for good, but not when a draft was aborted', async () => {
    world.announce(MODEL)
    const scout = contributor()
    scout.on()
    await settle()
    const [runner] = world.runners
    world.draftError = new Error('aborted')
    await expect(runner?.engine.draft([1], 1, { signal: AbortSignal.abort() })).rejects.toThrow('aborted')
    await settle()
    expect(world.now?.step).toBe('running')

    world.draftError = new Error('the graphics card is gone')
    await expect(runner?.engine.draft([1], 1)).rejects.toThrow('gone')
    await settle()
    expect(world.now).toMatchObject({ step: 'failed', message: 'the graphics card is gone' })
    expect(runner?.running).toBe(false)
    expect(world.disposed).toBe(1)
    await vi.advanceTimersByTimeAsync(RETRY_FIRST)
    await settle()
    expect(world.runners).toHaveLength(2)
    await scout.off()
  })

  it('works in one tab of the browser at a time, and the next takes over', async () => {
    const locks = createLocks()
    const second = new World()
    world.announce(MODEL)
    second.announce(MODEL)
    const one = contributor(world, locks)
    const two = contributor(second, locks)
    one.on()
    await settle()
    two.on()
    await settle()
    expect(world.now?.step).toBe('running')
    expect(second.steps()).toEqual(['elsewhere'])

    await one.off()
    await settle()
    expect(second.now?.step).toBe('running')
    await two.off()
  })

  it('can be switched off while it waits for another tab', async () => {
    const locks = createLocks()
    const second = new World()
    world.announce(MODEL)
    const one = contributor(world, locks)
    const two = contributor(second, locks)
    one.on()
    await settle()
    two.on()
    await settle()
    await two.off()
    expect(second.steps()).toEqual(['elsewhere', 'off'])
    await one.off()
  })

  it('survives fast switching: one Scout at the end, none left over', async () => {
    world.announce(MODEL)
    const scout = contributor()
    for (let turn = 0; turn < 5; turn++) {
      scout.on()
      if (turn % 2 === 0) await setImmediate()
      void scout.off()
    }
    scout.on()
    await settle()
    expect(world.now?.step).toBe('running')
    expect(world.runners.filter(({ running }) => running)).toHaveLength(1)
    expect(world.loaded.length - world.disposed).toBe(1)
    await scout.off()
    expect(world.loaded.length).toBe(world.disposed)
  })

  it('works where the browser has no Web Locks', async () => {
    world.announce(MODEL)
    const scout = new Contributor(world, undefined, (contribution) => world.seen.push(contribution))
    scout.on()
    await settle()
    expect(world.now?.step).toBe('running')
    await scout.off()
  })
})
