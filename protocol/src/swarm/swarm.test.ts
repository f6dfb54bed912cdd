import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MAX_GOSSIP_RPC_BYTES } from './constants.ts'
import { ANNOUNCE_TOPIC, KAD_PROTOCOL, NO_ICE_SERVERS, swarmDefaults, swarmServices } from './index.ts'
import type { SwarmInit, SwarmServices } from './index.ts'
import type { Libp2p } from 'libp2p'

// Real connections on a machine that may be busy: the waits below end long before.
vi.setConfig({ testTimeout: 30_000 })

const RECORD = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const nodes: Array<Libp2p<SwarmServices>> = []

async function start(dht: SwarmInit['dht']): Promise<Libp2p<SwarmServices>> {
  const node = await createLibp2p({
    ...swarmDefaults(),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    services: swarmServices({ dht })
  })
  nodes.push(node)
  return node
}

async function connect(from: Libp2p<SwarmServices>, to: Libp2p<SwarmServices>): Promise<void> {
  await from.dial(to.getMultiaddrs())
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
})

describe('swarm', () => {
  it('answers records as a server and not as a client', async () => {
    const server = await start('server')
    const client = await start('client')
    expect(server.getProtocols()).toContain(KAD_PROTOCOL)
    expect(client.getProtocols()).not.toContain(KAD_PROTOCOL)
    expect(server.getProtocols().filter((name) => name.includes('/kad/'))).toEqual([KAD_PROTOCOL])
  })

  it('finds a provider through a third peer, private addresses included', async () => {
    const middle = await start('server')
    const provider = await start('server')
    const seeker = await start('client')
    await connect(provider, middle)
    await connect(seeker, middle)
    await provider.contentRouting.provide(RECORD, { signal: AbortSignal.timeout(10_000) })
    const found = []
    for await (const peer of seeker.contentRouting.findProviders(RECORD, { signal: AbortSignal.timeout(10_000) })) {
      found.push(peer)
      break
    }
    expect(found.map((peer) => peer.id.toString())).toEqual([provider.peerId.toString()])
    expect(found[0]?.multiaddrs.some((address) => address.toString().startsWith('/ip4/127.0.0.1/tcp/'))).toBe(true)
  })

  it('passes announcements on, also where more than ten peers share one address', async () => {
    const middle = await start('server')
    middle.services.pubsub.subscribe(ANNOUNCE_TOPIC)
    const peers = await Promise.all(Array.from({ length: 12 }, () => start('client')))
    for (const peer of peers) {
      peer.services.pubsub.subscribe(ANNOUNCE_TOPIC)
      await connect(peer, middle)
    }
    await vi.waitFor(() => expect(middle.services.pubsub.getSubscribers(ANNOUNCE_TOPIC)).toHaveLength(12), 10_000)
    const heard = peers.map(() => new Set<string>())
    peers.forEach((peer, index) => {
      peer.services.pubsub.addEventListener('message', (event) => {
        if (event.detail.type === 'signed') heard[index]?.add(event.detail.from.toString())
      })
    })
    // Each speaks again until all were heard: the mesh forms at the heartbeats, and a message is not kept for latecomers.
    await vi.waitFor(
      async () => {
        for (const peer of peers)
          await peer.services.pubsub.publish(ANNOUNCE_TOPIC, crypto.getRandomValues(new Uint8Array(16)))
        expect(heard.map((from) => from.size)).toEqual(peers.map(() => 11))
      },
      { timeout: 15_000, interval: 500 }
    )
  })

  it('refuses to carry another topic', async () => {
    const middle = await start('server')
    const peer = await start('client')
    await connect(peer, middle)
    peer.services.pubsub.subscribe('chat')
    peer.services.pubsub.subscribe(ANNOUNCE_TOPIC)
    await vi.waitFor(() => expect(middle.services.pubsub.getSubscribers(ANNOUNCE_TOPIC)).toHaveLength(1), 10_000)
    expect(middle.services.pubsub.getSubscribers('chat')).toEqual([])
  })

  it('stays up when a peer sends a gossip message beyond the limit', async () => {
    const middle = await start('server')
    const hostile = await start('client')
    const honest = await start('client')
    middle.services.pubsub.subscribe(ANNOUNCE_TOPIC)
    for (const peer of [hostile, honest]) {
      peer.services.pubsub.subscribe(ANNOUNCE_TOPIC)
      await connect(peer, middle)
    }
    await vi.waitFor(() => expect(middle.services.pubsub.getSubscribers(ANNOUNCE_TOPIC)).toHaveLength(2), 10_000)
    const sizes: number[] = []
    middle.services.pubsub.addEventListener('message', (event) => sizes.push(event.detail.data.byteLength))
    await hostile.services.pubsub.publish(ANNOUNCE_TOPIC, new Uint8Array(MAX_GOSSIP_RPC_BYTES + 1))
    await vi.waitFor(
      async () => {
        await honest.services.pubsub.publish(ANNOUNCE_TOPIC, crypto.getRandomValues(new Uint8Array(16)))
        expect(sizes).toContain(16)
      },
      { timeout: 10_000, interval: 200 }
    )
    expect(sizes).not.toContain(MAX_GOSSIP_RPC_BYTES + 1)
  })

  it('lets a gater pass private addresses and names no STUN server', async () => {
    const { connectionGater } = swarmDefaults()
    expect(await connectionGater.denyDialMultiaddr?.(multiaddr('/ip4/192.168.1.2/tcp/9092/ws'))).toBe(false)
    expect(NO_ICE_SERVERS).toEqual({ iceServers: [] })
  })
})
