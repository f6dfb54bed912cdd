import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ANNOUNCE_LIMITS } from '../limits.ts'
import { ShardTable } from './table.ts'
import type { PeerId } from '@libp2p/interface'
import type { KnownShard, ShardOffer } from './index.ts'

const MODEL = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const OTHER = CID.parse('bafkreiem4twkqzsq2aj4shbycd4yvoj2cx72vezicletlhi7dijjciqpui')

const OFFER: ShardOffer = {
  models: [{ manifest: MODEL, name: 'a model' }],
  slots: 4,
  active: 1,
  queued: 0,
  scoutsWanted: 2,
  speed: 10
}

let peers: PeerId[]
let table: ShardTable

beforeAll(async () => {
  peers = await Promise.all(
    Array.from({ length: ANNOUNCE_LIMITS.maxShards + 2 }, async () =>
      peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    )
  )
})

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
  table = new ShardTable()
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const peer = (index: number): PeerId => peers[index] as PeerId

const known = (model?: CID): string[] => table.shards(model).map((shard) => shard.peer.toString())

describe('ShardTable', () => {
  it('tells Shards by the models that they serve', () => {
    table.announced(peer(0), OFFER)
    table.announced(peer(1), { ...OFFER, models: [...OFFER.models, { manifest: OTHER, name: 'another' }] })
    expect(known(MODEL)).toEqual([String(peer(0)), String(peer(1))])
    expect(known(OTHER)).toEqual([String(peer(1))])
    expect(known()).toHaveLength(2)
    expect(table.shards(MODEL)[0]).toEqual({ ...OFFER, peer: peer(0), heard: 1_000_000 })
  })

  it('forgets a Shard that was not heard of for the time to live, and no sooner', () => {
    table.announced(peer(0), OFFER)
    vi.advanceTimersByTime(ANNOUNCE_LIMITS.ttl - 1)
    expect(known()).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(known()).toEqual([])
  })

  it('keeps a Shard that misses two announcements', () => {
    for (let count = 0; count < 10; count++) {
      table.announced(peer(0), { ...OFFER, active: count })
      vi.advanceTimersByTime(3 * ANNOUNCE_LIMITS.interval)
      expect(table.shards(MODEL)).toMatchObject([{ active: count }])
    }
  })

  it('takes a new offer for the whole of the old one', () => {
    table.announced(peer(0), OFFER)
    table.announced(peer(0), { ...OFFER, models: [{ manifest: OTHER, name: '' }], speed: 99 })
    expect([known(MODEL), known(OTHER)]).toEqual([[], [String(peer(0))]])
    expect(table.shards()).toMatchObject([{ speed: 99 }])
  })

  it('forgets the longest silent Shard when there are too many', () => {
    for (let index = 0; index < ANNOUNCE_LIMITS.maxShards; index++) table.announced(peer(index), OFFER)
    table.announced(peer(0), OFFER)
    table.announced(peer(ANNOUNCE_LIMITS.maxShards), OFFER)
    expect(known()).toHaveLength(ANNOUNCE_LIMITS.maxShards)
    expect(known()).toContain(String(peer(0)))
    expect(known()).not.toContain(String(peer(1)))
    expect(known()).toContain(String(peer(2)))
  })

  it('adds what the DHT says, once, and keeps what the Shard itself said', () => {
    expect(table.addProvider(peer(0), MODEL)).toBe(true)
    expect(table.addProvider(peer(0), MODEL)).toBe(false)
    expect(table.shards(MODEL)).toMatchObject([{ slots: 1, active: 0, speed: 0, scoutsWanted: 1 }])
    expect(table.shards(MODEL)[0]).not.toHaveProperty('heard')
    table.announced(peer(1), OFFER)
    expect(table.addProvider(peer(1), MODEL)).toBe(false)
    expect(table.addProvider(peer(1), OTHER)).toBe(true)
    expect(table.shards(OTHER) satisfies KnownShard[]).toMatchObject([{ slots: 4, speed: 10, heard: 1_000_000 }])
  })

  it('forgets what only the DHT says after the same time', () => {
    table.addProvider(peer(0), OTHER)
    vi.advanceTimersByTime(ANNOUNCE_LIMITS.ttl - 1)
    expect(known(OTHER)).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(known()).toEqual([])
    expect(table.addProvider(peer(0), OTHER)).toBe(true)
  })

  it('resolves changed() at the next change', async () => {
    const changed = vi.fn()
    for (const change of [
      () => table.announced(peer(0), OFFER),
      () => table.addProvider(peer(1), MODEL),
      () => table.delete(peer(0))
    ]) {
      void table.changed({ timeout: 60_000 }).then(changed)
      await vi.advanceTimersByTimeAsync(10)
      expect(changed).not.toHaveBeenCalled()
      change()
      await vi.advanceTimersByTimeAsync(0)
      expect(changed).toHaveBeenCalledOnce()
      changed.mockClear()
    }
  })

  it('does not call what was not known a change', async () => {
    const changed = vi.fn()
    void table.changed({ timeout: 1_000 }).then(changed)
    table.delete(peer(0))
    table.addProvider(peer(1), MODEL)
    await vi.advanceTimersByTimeAsync(0)
    expect(changed).toHaveBeenCalledOnce()
    changed.mockClear()
    void table.changed({ timeout: 1_000 }).then(changed)
    table.addProvider(peer(1), MODEL)
    table.delete(peer(0))
    await vi.advanceTimersByTimeAsync(999)
    expect(changed).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(changed).toHaveBeenCalledOnce()
  })

  it('resolves changed() when it is aborted, before and while it waits', async () => {
    await table.changed({ timeout: 60_000, signal: AbortSignal.abort() })
    const stop = new AbortController()
    const waiting = [1, 2, 3].map(async () => table.changed({ timeout: 60_000, signal: stop.signal }))
    stop.abort()
    await Promise.all(waiting)
    expect(vi.getTimerCount()).toBe(0)
  })
})
