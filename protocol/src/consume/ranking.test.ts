import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { ASSUMED_SPEED, FAILURE_MEMORY, FAILURE_WEIGHT } from './constants.ts'
import { Ranking } from './ranking.ts'
import type { KnownShard } from '../announce/index.ts'

let shards: KnownShard[]

beforeAll(async () => {
  shards = await Promise.all(
    Array.from({ length: 5 }, async () => ({
      peer: peerIdFromPrivateKey(await generateKeyPair('Ed25519')),
      models: [],
      slots: 4,
      active: 0,
      queued: 0,
      scoutsWanted: 0,
      speed: 0
    }))
  )
})

const shard = (index: number, changes: Partial<KnownShard> = {}): KnownShard => ({
  ...(shards[index] as KnownShard),
  ...changes
})

/** Random numbers in this order, again and again. */
function scripted(...values: number[]): () => number {
  let next = 0
  return () => values[next++ % values.length] as number
}

describe('Ranking', () => {
  it('has nothing to choose from nothing, and no choice among one', () => {
    expect(new Ranking().choose([])).toBeUndefined()
    expect(new Ranking().choose([shard(0)])).toEqual(shard(0))
  })

  it('takes the better one of the two that chance picks, and never looks at the others', () => {
    const slow = shard(0, { speed: 1 })
    const middle = shard(1, { speed: 10 })
    const fast = shard(2, { speed: 100 })
    const all = [slow, middle, fast]
    // the second number picks among the two that are left
    expect(new Ranking({ random: scripted(0, 0) }).choose(all)).toBe(middle)
    expect(new Ranking({ random: scripted(0.5, 0) }).choose(all)).toBe(middle)
    expect(new Ranking({ random: scripted(0, 0.9) }).choose(all)).toBe(fast)
    expect(new Ranking({ random: scripted(0.99, 0.9) }).choose(all)).toBe(fast)
  })

  it('always picks one of the Shards that are there, and never the worst one of several', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(random, random, fc.integer({ min: 2, max: 5 }), (first, second, count) => {
        const all = Array.from({ length: count }, (_, index) => shard(index, { speed: index + 1 }))
        const chosen = new Ranking({ random: scripted(first, second) }).choose(all)
        expect(all.slice(1)).toContain(chosen)
      })
    )
  })

  it('spreads equal Shards', () => {
    const counts = new Map<string, number>()
    let seed = 1
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const ranking = new Ranking({ random })
    for (let index = 0; index < 1_000; index++) {
      const id = String(ranking.choose(shards)?.peer)
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    expect([...counts.values()].every((count) => count > 150)).toBe(true)
    expect(counts.size).toBe(5)
  })

  it('counts load: more generations than slots make each of them slower', () => {
    const ranking = new Ranking()
    const cost = (changes: Partial<KnownShard>): number => ranking.cost(shard(0, changes))
    expect(cost({ active: 3 })).toBe(cost({ active: 0 }))
    expect(cost({ active: 4 })).toBeGreaterThan(cost({ active: 3 }))
    expect(cost({ active: 4, queued: 4 })).toBeGreaterThan(cost({ active: 4 }))
    expect(cost({ slots: 0, active: 0 })).toBeLessThan(Infinity)
    expect(cost({ speed: ASSUMED_SPEED })).toBe(cost({ speed: 0 }))
    expect(cost({ speed: 2 * ASSUMED_SPEED })).toBeLessThan(cost({}))
  })

  it('believes what it measured more than what was announced', () => {
    const ranking = new Ranking({ random: scripted(0, 0) })
    const boaster = shard(0, { speed: 1_000_000 })
    const honest = shard(1, { speed: 10 })
    expect(ranking.choose([boaster, honest])).toBe(boaster)
    ranking.succeeded(boaster.peer, { speed: 5, firstToken: 100 })
    expect(ranking.choose([boaster, honest])).toBe(honest)
    // a running mean: one good answer does not make up for it all
    ranking.succeeded(boaster.peer, { speed: 15, firstToken: 100 })
    expect(ranking.choose([boaster, honest])).toBe(honest)
    for (let index = 0; index < 20; index++) ranking.succeeded(boaster.peer, { speed: 15, firstToken: 100 })
    expect(ranking.choose([boaster, honest])).toBe(boaster)
  })

  it('counts a long wait for the first token', () => {
    const ranking = new Ranking()
    ranking.succeeded(shard(0).peer, { speed: 20, firstToken: 50 })
    ranking.succeeded(shard(1).peer, { speed: 20, firstToken: 5_000 })
    expect(ranking.cost(shard(0))).toBeLessThan(ranking.cost(shard(1)))
  })

  it('avoids what failed, more with every failure, and forgives', () => {
    let now = 0
    const ranking = new Ranking({ now: () => now })
    const fresh = ranking.cost(shard(0))
    ranking.failed(shard(0).peer)
    expect(ranking.cost(shard(0))).toBe(fresh * FAILURE_WEIGHT)
    ranking.failed(shard(0).peer)
    expect(ranking.cost(shard(0))).toBe(fresh * FAILURE_WEIGHT ** 2)
    now += FAILURE_MEMORY - 1
    expect(ranking.cost(shard(0))).toBe(fresh * FAILURE_WEIGHT ** 2)
    now += 1
    expect(ranking.cost(shard(0))).toBe(fresh)
    // what was forgiven is not held against it the next time
    ranking.failed(shard(0).peer)
    expect(ranking.cost(shard(0))).toBe(fresh * FAILURE_WEIGHT)
    ranking.succeeded(shard(0).peer, { speed: ASSUMED_SPEED, firstToken: 0 })
    expect(ranking.cost(shard(0))).toBe(fresh)
    expect(ranking.cost(shard(1))).toBe(fresh)
  })

  it('orders whatever a Shard claims', () => {
    const claim = fc.record({
      slots: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      active: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      queued: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      speed: fc.float({ min: 0, noNaN: true, noDefaultInfinity: true })
    })
    fc.assert(
      fc.property(claim, (changes) => {
        const cost = new Ranking().cost(shard(0, changes))
        expect(cost).toBeGreaterThanOrEqual(0)
        expect(Number.isNaN(cost)).toBe(false)
      })
    )
  })
})
