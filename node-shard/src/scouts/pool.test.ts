import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ShardError } from '@shard/protocol/errors'
import { DraftPolicy } from '@shard/protocol/generate'
import { DRAFT_LIMITS } from '@shard/protocol/limits'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { SCOUTS_PER_GENERATION, SPARE_SCOUTS } from './constants.ts'
import { ScoutPool } from './pool.ts'
import type { PeerId } from '@libp2p/interface'
import type { Begin, Committed, Offer, ScoutSession } from '@shard/protocol/draft'
import type { NewGeneration } from './pool.ts'

const VOCABULARY = 100

/** A Scout as the pool sees it: what it was told. */
class Scout implements ScoutSession {
  readonly begun: Begin[] = []
  readonly committed: Committed[] = []
  readonly ended: number[] = []
  dismissed?: string
  readonly offer: Offer = { model: new Uint8Array(), tokenizer: new Uint8Array(), engine: 'a test' }

  constructor(readonly peer: PeerId) {}

  begin(begin: Begin): void {
    this.begun.push(begin)
  }

  commit(committed: Committed): void {
    this.committed.push(committed)
  }

  end(generation: number): void {
    this.ended.push(generation)
  }

  dismiss(code: string): void {
    this.dismissed = code
  }

  /** Generations that it works on. */
  get load(): number {
    return this.begun.length - this.ended.length
  }
}

let peers: PeerId[]
let pool: ScoutPool
let next: number
const onChange = vi.fn()
const check = vi.fn<(offer: Offer) => void>()

beforeAll(async () => {
  peers = await Promise.all(
    Array.from({ length: 40 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
  )
})

function makePool(slots: number): ScoutPool {
  return new ScoutPool({
    slots,
    vocabularySize: VOCABULARY,
    check,
    onChange,
    // the longest chain, whatever its Scout has done
    depth: (_, available) => ({ k: available, rate: available })
  })
}

beforeEach(() => {
  next = 0
  onChange.mockReset()
  check.mockReset()
  pool = makePool(2)
})

function join(count = 1): Scout[] {
  return Array.from({ length: count }, () => {
    const scout = new Scout(peers[next++] as PeerId)
    pool.join(scout)
    return scout
  })
}

function request(changes: Partial<NewGeneration> = {}): NewGeneration {
  return {
    prompt: [1, 2, 3],
    committed: [],
    maxTokens: 50,
    policy: DraftPolicy.ANYONE,
    consumer: peers[39] as PeerId,
    ...changes
  }
}

const draft = (generation: number, position: number, tokens: number[], chain = 1) => ({
  generation,
  chain,
  position,
  tokens
})

describe('ScoutPool', () => {
  it('takes as many Scouts as it can use, and says how many more', () => {
    const capacity = 2 * SCOUTS_PER_GENERATION + SPARE_SCOUTS
    expect(pool.wanted).toBe(capacity)
    const scouts = join(capacity)
    expect([pool.wanted, pool.size]).toEqual([0, capacity])
    expect(onChange).toHaveBeenCalledTimes(capacity)
    expect(() => join()).toThrow(expect.objectContaining({ code: 'BUSY' }) as Error)
    pool.leave(scouts[3] as Scout)
    expect(pool.wanted).toBe(1)
    join()
    expect(pool.size).toBe(capacity)
  })

  it('turns away Scouts whose drafts are of no use', () => {
    check.mockImplementation(() => {
      throw new ShardError('INCOMPATIBLE', 'Another tokenizer.')
    })
    expect(() => join()).toThrow('Another tokenizer.')
    expect([pool.size, onChange.mock.calls.length]).toEqual([0, 0])
    const generation = pool.begin(request())
    expect(generation.scouts).toEqual([])
  })

  it('gives a generation to some Scouts, and to those that have least to do', () => {
    const scouts = join(10)
    for (let count = 1; count <= 5; count++) {
      pool.begin(request())
      const loads = scouts.map(({ load }) => load)
      expect(loads.reduce((sum, load) => sum + load, 0)).toBe(count * SCOUTS_PER_GENERATION)
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
    }
  })

  it('gives no Scout more generations than one may have', () => {
    const [only] = join(1) as [Scout]
    const generations = Array.from({ length: DRAFT_LIMITS.maxGenerations + 3 }, () => pool.begin(request()))
    expect(only.load).toBe(DRAFT_LIMITS.maxGenerations)
    const counts = (): number[] => generations.slice(1).map(({ scouts }) => scouts.length)
    expect(counts()).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    pool.end(generations[0] as (typeof generations)[number])
    // it goes on with what nobody drafts for
    expect([only.ended, only.load]).toEqual([[1], DRAFT_LIMITS.maxGenerations])
    expect(counts()).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
    const [second] = join(1) as [Scout]
    expect(second.load).toBe(DRAFT_LIMITS.maxGenerations)
    expect(Math.min(...counts())).toBe(1)
  })

  it('tells a Scout what it needs to know', () => {
    const [scout] = join(1) as [Scout]
    pool.begin(request({ committed: [7, 8], maxTokens: 20 }))
    expect(scout.begun).toEqual([{ generation: 1, prompt: [1, 2, 3], committed: [7, 8], maxTokens: 20 }])
  })

  it('gives what is open to a Scout that comes later, with all that was committed meanwhile', () => {
    const committed = [5]
    const generation = pool.begin(request({ committed }))
    expect(generation.scouts).toEqual([])
    committed.push(6, 7)
    generation.commit({ position: 1, tokens: [6, 7], offered: 0, accepted: 0 })
    const [scout] = join(1) as [Scout]
    expect(scout.begun).toMatchObject([{ committed: [5, 6, 7] }])
    committed.push(8)
    generation.commit({ position: 3, tokens: [8], offered: 0, accepted: 0 })
    expect(scout.committed).toEqual([{ generation: 1, position: 3, tokens: [8], accepted: 0 }])
    expect(scout.begun[0]?.committed).toEqual([5, 6, 7])
  })

  it("shows a generation to the Consumer's own Scouts only, where that is what it wants", () => {
    const [stranger] = join(1) as [Scout]
    const generation = pool.begin(request({ policy: DraftPolicy.OWN, consumer: peers[1] as PeerId }))
    const [own, another] = join(2) as [Scout, Scout]
    expect(generation.scouts).toEqual([own])
    pool.leave(own)
    expect(generation.scouts).toEqual([])
    expect([stranger.begun, another.begun]).toEqual([[], []])
    pool.draft(stranger, draft(generation.id, 0, [4, 5, 6]))
    expect(generation.best([])).toBeUndefined()
  })

  it('replaces a Scout that leaves in mid-generation', () => {
    const scouts = join(SCOUTS_PER_GENERATION + 2)
    const generation = pool.begin(request())
    expect(generation.scouts).toEqual(scouts.slice(0, SCOUTS_PER_GENERATION))
    const [first] = scouts as [Scout]
    pool.draft(first, draft(generation.id, 0, [4, 5, 6]))
    pool.leave(first)
    expect(generation.best([])).toBeUndefined()
    expect(generation.scouts).toHaveLength(SCOUTS_PER_GENERATION)
    expect(generation.scouts).not.toContain(first)
    pool.draft(first, draft(generation.id, 0, [4, 5, 6], 2))
    expect(generation.best([])).toBeUndefined()
  })

  it('takes drafts of open generations only, and from their Scouts', () => {
    const [a, b] = join(2) as [Scout, Scout]
    const first = pool.begin(request())
    const second = pool.begin(request())
    pool.draft(a, draft(first.id, 0, [4]))
    pool.draft(b, draft(second.id, 0, [5]))
    pool.draft(b, draft(99, 0, [6]))
    expect(first.best([])).toEqual({ tokens: [4], scout: a.peer.toString() })
    expect(second.best([])).toEqual({ tokens: [5], scout: b.peer.toString() })
    pool.end(first)
    expect(a.ended).toEqual([first.id])
    pool.draft(a, draft(first.id, 1, [7]))
    expect(first.best([4])).toBeUndefined()
  })

  it('sends all Scouts away when the Shard stops', () => {
    const scouts = join(3)
    pool.close()
    expect(scouts.map(({ dismissed }) => dismissed)).toEqual(['SHUTTING_DOWN', 'SHUTTING_DOWN', 'SHUTTING_DOWN'])
    // each leaves as its stream ends
    scouts.forEach((scout) => pool.leave(scout))
    expect(pool.size).toBe(0)
  })
})

describe('DraftedGeneration', () => {
  it('takes the longest chain that fits', () => {
    const [a, b, c] = join(3) as [Scout, Scout, Scout]
    const generation = pool.begin(request())
    expect(generation.best([])).toBeUndefined()
    pool.draft(a, draft(1, 0, [4, 5]))
    pool.draft(b, draft(1, 0, [4, 5, 6]))
    pool.draft(c, draft(1, 0, [9, 9, 9, 9]))
    expect(generation.best([])).toEqual({ tokens: [9, 9, 9, 9], scout: c.peer.toString() })
    expect(generation.best([4])).toEqual({ tokens: [5, 6], scout: b.peer.toString() })
    expect(generation.best([4, 5, 6])).toBeUndefined()
  })

  it.each([
    ['one that the vocabulary does not have', [4, VOCABULARY]],
    ['the largest number', [4_294_967_295]]
  ])('drops a draft with %s, and what hangs on it', (_, tokens) => {
    const [scout] = join(1) as [Scout]
    const generation = pool.begin(request())
    pool.draft(scout, draft(1, 0, [1, 2]))
    pool.draft(scout, draft(1, 2, tokens))
    pool.draft(scout, draft(1, 2 + tokens.length, [5]))
    expect(generation.best([])?.tokens).toEqual([1, 2])
  })

  it('credits the Scout whose draft was used, and nobody else', () => {
    const [a, b] = join(2) as [Scout, Scout]
    const generation = pool.begin(request())
    pool.draft(a, draft(1, 0, [4, 5, 6]))
    const chain = generation.best([])
    generation.commit({ position: 0, tokens: [4, 5, 9], offered: 3, accepted: 2, scout: chain?.scout })
    generation.commit({ position: 3, tokens: [1], offered: 0, accepted: 0 })
    expect(a.committed.map(({ accepted }) => accepted)).toEqual([2, 0])
    expect(b.committed.map(({ accepted }) => accepted)).toEqual([0, 0])
    expect(a.committed.map(({ position, tokens }) => [position, tokens])).toEqual([
      [0, [4, 5, 9]],
      [3, [1]]
    ])
  })

  it('credits one of two sessions of the same peer', () => {
    const peer = peers[30] as PeerId
    const [first, second] = [new Scout(peer), new Scout(peer)]
    pool.join(first)
    pool.join(second)
    const generation = pool.begin(request())
    pool.draft(second, draft(1, 0, [4, 5, 6]))
    const chain = generation.best([])
    generation.commit({ position: 0, tokens: [4, 5, 9], offered: 3, accepted: 2, scout: chain?.scout })
    expect([first, second].map(({ committed }) => committed[0]?.accepted)).toEqual([0, 2])
  })
})
