import { generateKeyPair } from '@libp2p/crypto/keys'
import { TypedEventEmitter } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ANNOUNCE_LIMITS } from '../limits.ts'
import { ANNOUNCE_TOPIC } from '../swarm/index.ts'
import { decodeAnnouncement, encodeAnnouncement } from './encoding.ts'
import { AnnounceService } from './service.ts'
import type { GossipSubEvents } from '@libp2p/gossipsub'
import type { Libp2pEvents, PeerId } from '@libp2p/interface'
import type { AnnounceComponents, ShardOffer } from './index.ts'

const MODEL = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const OTHER = CID.parse('bafkreiem4twkqzsq2aj4shbycd4yvoj2cx72vezicletlhi7dijjciqpui')
const ADDRESS = multiaddr('/ip4/127.0.0.1/tcp/4001')

async function peerId(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

/** A node as far as the service sees it, with a clock of its own. */
class World {
  readonly pubsub = new TypedEventEmitter<GossipSubEvents>()
  readonly events = new TypedEventEmitter<Libp2pEvents>()
  readonly validators = new Map<string, unknown>()
  readonly published: Array<{ at: number; bytes: Uint8Array }> = []
  readonly provided: string[] = []
  connections = 1
  publishError?: Error
  provideError?: Error
  merge: () => Promise<void> = async () => {}
  offer: ShardOffer = {
    models: [{ manifest: MODEL, name: 'a model' }],
    slots: 2,
    active: 0,
    queued: 0,
    scoutsWanted: 3,
    speed: 0
  }

  constructor(readonly self: PeerId) {}

  service(shard = true): AnnounceService {
    const components = {
      pubsub: Object.assign(this.pubsub, {
        topicValidators: this.validators,
        subscribe: vi.fn(),
        publish: async (_: string, bytes: Uint8Array) => {
          this.published.push({ at: performance.now(), bytes })
          if (this.publishError != null) throw this.publishError
        }
      }),
      contentRouting: {
        provide: async (cid: CID) => {
          if (this.provideError != null) throw this.provideError
          this.provided.push(cid.toString())
        }
      },
      peerStore: { merge: async () => this.merge() },
      peerId: this.self,
      addressManager: { getAddresses: () => [ADDRESS] },
      connectionManager: { getConnections: () => Array(this.connections).fill({}) as unknown[] },
      events: this.events
    }
    return new AnnounceService(components as unknown as AnnounceComponents, shard ? { offer: () => this.offer } : {})
  }

  /** An announcement of `from` arrives. */
  hear(from: PeerId, offer: ShardOffer, leaving = false): void {
    const msg = { type: 'signed', topic: ANNOUNCE_TOPIC, from, data: encodeAnnouncement(offer, [ADDRESS], leaving) }
    this.pubsub.dispatchEvent(new CustomEvent('gossipsub:message', { detail: { msg } }))
  }

  get words() {
    return this.published.map(({ bytes }) => decodeAnnouncement(bytes))
  }
}

let world: World
let service: AnnounceService

beforeEach(async () => {
  world = new World(await peerId())
  vi.useFakeTimers()
  service = world.service()
})

afterEach(async () => {
  await service.beforeStop()
  service.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('AnnounceService', () => {
  it('announces at once, and then at every interval', async () => {
    service.afterStart()
    await vi.advanceTimersByTimeAsync(0)
    expect(world.words).toMatchObject([{ slots: 2, scoutsWanted: 3, leaving: false, addresses: [ADDRESS] }])
    await vi.advanceTimersByTimeAsync(3 * ANNOUNCE_LIMITS.interval + 1)
    expect(world.published).toHaveLength(4)
  })

  it('tells of changes, of the newest only, and never too often', async () => {
    service.afterStart()
    await vi.advanceTimersByTimeAsync(0)
    for (let change = 1; change <= 400; change++) {
      world.offer = { ...world.offer, active: change }
      service.update()
      await vi.advanceTimersByTimeAsync(change % 90)
    }
    await vi.advanceTimersByTimeAsync(ANNOUNCE_LIMITS.minInterval)
    expect(world.words.at(-1)?.active).toBe(400)
    const gaps = world.published.slice(1).map(({ at }, index) => at - (world.published[index]?.at ?? NaN))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(ANNOUNCE_LIMITS.minInterval)
    expect(Math.max(...gaps)).toBeLessThan(2 * ANNOUNCE_LIMITS.minInterval)
  })

  it('announces when its addresses change, and when a peer subscribes that has heard nothing yet', async () => {
    service.afterStart()
    await vi.advanceTimersByTimeAsync(ANNOUNCE_LIMITS.minInterval)
    world.events.safeDispatchEvent('self:peer:update')
    await vi.advanceTimersByTimeAsync(ANNOUNCE_LIMITS.minInterval)
    expect(world.published).toHaveLength(2)
    const subscription = (topic: string, subscribe: boolean) =>
      world.pubsub.dispatchEvent(
        new CustomEvent('subscription-change', {
          detail: { peerId: world.self, subscriptions: [{ topic, subscribe }] }
        })
      )
    subscription('another topic', true)
    subscription(ANNOUNCE_TOPIC, false)
    await vi.advanceTimersByTimeAsync(ANNOUNCE_LIMITS.minInterval)
    expect(world.published).toHaveLength(2)
    subscription(ANNOUNCE_TOPIC, true)
    await vi.advanceTimersByTimeAsync(ANNOUNCE_LIMITS.minInterval)
    expect(world.published).toHaveLength(3)
  })

  it('says goodbye last, whatever changes while the node stops', async () => {
    service.afterStart()
    await vi.advanceTimersByTimeAsync(0)
    service.update()
    const leaving = service.beforeStop()
    service.update()
    await vi.advanceTimersByTimeAsync(2 * ANNOUNCE_LIMITS.interval)
    await leaving
    expect(world.words.map((word) => word.leaving)).toEqual([false, true])
  })

  it('announces again after it was stopped and started', async () => {
    service.afterStart()
    await vi.advanceTimersByTimeAsync(0)
    await service.beforeStop()
    service.stop()
    service.afterStart()
    await vi.advanceTimersByTimeAsync(ANNOUNCE_LIMITS.minInterval)
    expect(world.words.map(({ leaving }) => leaving)).toEqual([false, true, false])
  })

  it('goes on when nobody hears it, or the DHT cannot keep a record', async () => {
    world.publishError = new Error('nobody is there')
    world.provideError = new Error('nobody is there')
    service.afterStart()
    await vi.advanceTimersByTimeAsync(ANNOUNCE_LIMITS.interval + 1)
    world.publishError = undefined
    world.provideError = undefined
    await vi.advanceTimersByTimeAsync(ANNOUNCE_LIMITS.interval + 1)
    expect(world.published).toHaveLength(3)
    expect(world.provided).toEqual([String(MODEL)])
  })

  it('makes one record of each manifest, once there is a connection', async () => {
    world.connections = 0
    service.afterStart()
    await vi.advanceTimersByTimeAsync(ANNOUNCE_LIMITS.interval)
    expect(world.provided).toEqual([])
    world.connections = 1
    await vi.advanceTimersByTimeAsync(2 * ANNOUNCE_LIMITS.interval)
    expect(world.provided).toEqual([String(MODEL)])
    world.offer = { ...world.offer, models: [...world.offer.models, { manifest: OTHER, name: '' }] }
    service.update()
    await vi.advanceTimersByTimeAsync(ANNOUNCE_LIMITS.minInterval)
    expect(world.provided).toEqual([String(MODEL), String(OTHER)])
  })

  it('says nothing where there is nothing to offer', async () => {
    service = world.service(false)
    service.afterStart()
    service.update()
    await vi.advanceTimersByTimeAsync(2 * ANNOUNCE_LIMITS.interval)
    await service.beforeStop()
    expect(world.published).toEqual([])
  })

  it('knows a Shard once it can be dialled, also where its addresses cannot be kept', async () => {
    service.afterStart()
    const shard = await peerId()
    const merged = Promise.withResolvers<undefined>()
    world.merge = async () => merged.promise
    world.hear(shard, world.offer)
    await vi.advanceTimersByTimeAsync(0)
    expect(service.shards(MODEL)).toEqual([])
    merged.resolve(undefined)
    await vi.advanceTimersByTimeAsync(0)
    expect(service.shards(MODEL)).toHaveLength(1)
    world.merge = async () => Promise.reject(new Error('the store is full'))
    world.hear(await peerId(), world.offer)
    await vi.advanceTimersByTimeAsync(0)
    expect(service.shards(MODEL)).toHaveLength(2)
  })

  it('does not know a Shard that said goodbye while its addresses were kept', async () => {
    service.afterStart()
    const shard = await peerId()
    const merged = Promise.withResolvers<undefined>()
    world.merge = async () => merged.promise
    world.hear(shard, world.offer)
    world.hear(shard, world.offer, true)
    merged.resolve(undefined)
    await vi.advanceTimersByTimeAsync(0)
    expect(service.shards()).toEqual([])
  })

  it('keeps the last of several words of a Shard, however long each takes to be kept', async () => {
    service.afterStart()
    const shard = await peerId()
    const merges = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    const queue = merges.map(({ promise }) => promise)
    world.merge = async () => queue.shift()
    world.hear(shard, { ...world.offer, active: 1 })
    world.hear(shard, { ...world.offer, active: 2 })
    merges[1]?.resolve(undefined)
    await vi.advanceTimersByTimeAsync(0)
    merges[0]?.resolve(undefined)
    await vi.advanceTimersByTimeAsync(0)
    expect(service.shards()).toMatchObject([{ active: 2 }])
  })

  it('does not list itself', async () => {
    service.afterStart()
    world.hear(world.self, world.offer)
    await vi.advanceTimersByTimeAsync(0)
    expect(service.shards()).toEqual([])
  })
})
