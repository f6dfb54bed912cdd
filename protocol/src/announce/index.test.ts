import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ANNOUNCE_TOPIC, swarmDefaults, swarmServices } from '../swarm/index.ts'
import { encodeAnnouncement } from './encoding.ts'
import { announce } from './index.ts'
import type { Libp2p } from '@libp2p/interface'
import type { SwarmServices } from '../swarm/index.ts'
import type { Announce, ShardOffer } from './index.ts'

type Node = Libp2p<SwarmServices & { announce: Announce }>

const MODEL = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')

/** Far less than the interval of announcements, so that none of these tests passes because of the next one. */
const SOON = { timeout: 5_000, interval: 20 }

const nodes: Node[] = []

async function start(offer?: () => ShardOffer): Promise<Node> {
  const node = await createLibp2p({
    ...swarmDefaults(),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    services: { ...swarmServices({ dht: 'server', hub: true }), announce: announce({ offer }) }
  })
  nodes.push(node)
  return node
}

async function stop(node: Node): Promise<void> {
  nodes.splice(nodes.indexOf(node), 1)
  await node.stop()
}

function offering(changes: Partial<ShardOffer> = {}): ShardOffer {
  return {
    models: [{ manifest: MODEL, name: 'a model' }],
    slots: 4,
    active: 1,
    queued: 2,
    scoutsWanted: 3,
    speed: 8.5,
    ...changes
  }
}

const ids = (node: Node, model?: CID): string[] =>
  node.services.announce.shards(model).map(({ peer }) => peer.toString())

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
})

describe('a swarm that announces', () => {
  it('tells everyone, also over others, with the addresses to dial', async () => {
    const middle = await start()
    const consumer = await start()
    const shard = await start(offering)
    await consumer.dial(middle.getMultiaddrs())
    await shard.dial(middle.getMultiaddrs())
    await vi.waitFor(() => expect(ids(consumer, MODEL)).toEqual([shard.peerId.toString()]), SOON)
    const { peer, heard, ...offer } = consumer.services.announce.shards(MODEL)[0] ?? { peer: undefined }
    expect(offer).toEqual(offering())
    expect(heard).toBeTypeOf('number')
    expect((await consumer.dial(shard.peerId)).remotePeer.equals(peer)).toBe(true)
    // a Shard is not in its own directory
    expect(ids(shard)).toEqual([])
  }, 20_000)

  it('tells whoever comes late at once, and of changes, and of a Shard that leaves', async () => {
    let offer = offering()
    const middle = await start()
    const shard = await start(() => offer)
    await shard.dial(middle.getMultiaddrs())
    await vi.waitFor(() => expect(ids(middle)).toHaveLength(1), SOON)
    const late = await start()
    await late.dial(middle.getMultiaddrs())
    // the news reaches the Shard's neighbour; that one is to pass on what the Shard says next
    shard.services.announce.update()
    await vi.waitFor(() => expect(ids(late, MODEL)).toEqual([shard.peerId.toString()]), SOON)

    offer = offering({ active: 4 })
    shard.services.announce.update()
    await vi.waitFor(() => expect(late.services.announce.shards(MODEL)).toMatchObject([{ active: 4 }]), SOON)

    await stop(shard)
    await vi.waitFor(() => expect([ids(late), ids(middle)]).toEqual([[], []]), SOON)
  }, 20_000)

  it('tells a peer that connects to the Shard itself without being asked', async () => {
    const shard = await start(offering)
    // its first words are said to nobody
    await new Promise((resolve) => setTimeout(resolve, 50))
    const late = await start()
    await late.dial(shard.getMultiaddrs())
    await vi.waitFor(() => expect(ids(late, MODEL)).toEqual([shard.peerId.toString()]), SOON)
  }, 20_000)

  it('finds a Shard in the DHT that nobody announced to', async () => {
    const middle = await start()
    const shard = await start(offering)
    await shard.dial(middle.getMultiaddrs())
    await vi.waitFor(() => expect(ids(middle, MODEL)).toHaveLength(1), SOON)
    await shard.contentRouting.provide(MODEL, { signal: AbortSignal.timeout(10_000) })
    const consumer = await start()
    consumer.services.pubsub.unsubscribe(ANNOUNCE_TOPIC)
    await consumer.dial(middle.getMultiaddrs())
    const changed = consumer.services.announce.changed({ timeout: 20_000 })
    await consumer.services.announce.discover(MODEL, { signal: AbortSignal.timeout(10_000) })
    await changed
    expect(ids(consumer, MODEL)).toEqual([shard.peerId.toString()])
    expect(consumer.services.announce.shards(MODEL)[0]).not.toHaveProperty('heard')
    expect((await consumer.dial(shard.peerId)).remotePeer.equals(shard.peerId)).toBe(true)
    consumer.services.announce.forget(shard.peerId)
    expect(ids(consumer)).toEqual([])
  }, 30_000)

  it('does not pass on what is no announcement', async () => {
    const middle = await start()
    const hostile = await start()
    const consumer = await start()
    await hostile.dial(middle.getMultiaddrs())
    await consumer.dial(middle.getMultiaddrs())
    await vi.waitFor(() => expect(middle.services.pubsub.getSubscribers(ANNOUNCE_TOPIC)).toHaveLength(2), SOON)
    const heard = { middle: vi.fn(), consumer: vi.fn() }
    middle.services.pubsub.addEventListener('gossipsub:message', ({ detail }) => {
      heard.middle(detail.msg.data.byteLength)
    })
    consumer.services.pubsub.addEventListener('gossipsub:message', ({ detail }) => {
      heard.consumer(detail.msg.data.byteLength)
    })
    // it does not hold itself to the rule
    hostile.services.pubsub.topicValidators.delete(ANNOUNCE_TOPIC)
    const valid = encodeAnnouncement(offering(), [])
    await vi.waitFor(
      async () => {
        await hostile.services.pubsub.publish(ANNOUNCE_TOPIC, crypto.getRandomValues(new Uint8Array(500)))
        await hostile.services.pubsub
          .publish(ANNOUNCE_TOPIC, encodeAnnouncement(offering({ slots: heard.middle.mock.calls.length }), []))
          .catch(() => {})
        expect(heard.consumer).toHaveBeenCalled()
      },
      { timeout: 10_000, interval: 200 }
    )
    expect(valid.byteLength).not.toBe(500)
    for (const { mock } of Object.values(heard)) expect(mock.calls.flat()).not.toContain(500)
    expect(ids(consumer)).toEqual([hostile.peerId.toString()])
  }, 20_000)
})
