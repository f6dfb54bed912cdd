import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { tcp } from '@libp2p/tcp'
import { webRTC, webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { ANNOUNCE_LIMITS } from '@shard/protocol/limits'
import { ANNOUNCE_TOPIC, KAD_PROTOCOL, NO_ICE_SERVERS, swarmDefaults, swarmServices } from '@shard/protocol/swarm'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createRelay, listenAddresses } from './index.ts'
import type { StreamHandler } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { SwarmInit, SwarmServices } from '@shard/protocol/swarm'
import type { Libp2p } from 'libp2p'
import type { Relay, RelayInit } from './index.ts'

// Real connections on a machine that may be busy: the waits below end long before.
vi.setConfig({ testTimeout: 30_000 })

type Peer = Libp2p<SwarmServices>

const MODEL = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const LOOPBACK = listenAddresses({ host: '127.0.0.1', port: 0 })
const PATIENCE = { timeout: 15_000, interval: 50 }

const cleanups: Array<() => Promise<unknown>> = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function startRelay(init: RelayInit = {}): Promise<Relay> {
  const relay = await createRelay({ listen: LOOPBACK, ...init })
  cleanups.push(() => relay.stop())
  return relay
}

async function startPeer(listen: string[] = [], dht: SwarmInit['dht'] = 'client'): Promise<Peer> {
  const peer = await createLibp2p({
    ...swarmDefaults(),
    addresses: { listen },
    transports: [
      tcp(),
      webSockets(),
      webRTCDirect({ rtcConfiguration: NO_ICE_SERVERS }),
      webRTC({ rtcConfiguration: NO_ICE_SERVERS }),
      circuitRelayTransport()
    ],
    services: swarmServices({ dht })
  })
  cleanups.push(async () => peer.stop())
  return peer
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'shard-relay-'))
  cleanups.push(() => rm(path, { recursive: true, force: true }))
  return path
}

function addressOf(relay: Relay, transport: '/ws' | '/webrtc-direct' | 'tcp'): Multiaddr {
  const found = relay.addresses.find((address) => {
    const text = address.toString()
    return transport === 'tcp' ? !text.includes('/ws') && !text.includes('/udp/') : text.includes(transport)
  })
  if (found == null) throw new Error(`the relay has no ${transport} address: ${relay.addresses.join()}`)
  return found
}

/** A peer that can be reached through the relay, and the address for it that ends as asked. */
async function startReserved(relay: Relay, end: 'circuit' | 'webrtc'): Promise<{ peer: Peer; address: Multiaddr }> {
  const reserve = `${addressOf(relay, '/ws').toString()}/p2p-circuit`
  const peer = await startPeer(end === 'webrtc' ? [reserve, '/webrtc'] : [reserve])
  const address = await vi.waitFor(() => {
    const own = peer
      .getMultiaddrs()
      .find((address) => address.toString().includes(end === 'webrtc' ? '/webrtc/' : '/p2p-circuit'))
    if (own == null) throw new Error('no reservation yet')
    return own
  }, PATIENCE)
  return { peer, address }
}

describe('relay', () => {
  it.each(['tcp', '/ws', '/webrtc-direct'] as const)('is reached over %s', async (transport) => {
    const relay = await startRelay()
    const peer = await startPeer()
    const connection = await peer.dial(addressOf(relay, transport))
    expect(connection.remotePeer.toString()).toBe(relay.peerId.toString())
    await vi.waitFor(() => expect(relay.status.peers).toBe(1), PATIENCE)
  })

  it('lets peers that know only the relay find each other in the DHT', async () => {
    const relay = await startRelay()
    const shard = await startPeer(['/ip4/127.0.0.1/tcp/0'], 'server')
    const consumer = await startPeer()
    await shard.dial(addressOf(relay, '/ws'))
    await consumer.dial(addressOf(relay, '/webrtc-direct'))
    await shard.contentRouting.provide(MODEL, { signal: AbortSignal.timeout(15_000) })
    const providers = []
    for await (const provider of consumer.contentRouting.findProviders(MODEL, {
      signal: AbortSignal.timeout(15_000)
    })) {
      providers.push(provider)
      break
    }
    expect(providers.map((provider) => provider.id.toString())).toEqual([shard.peerId.toString()])
    const connection = await consumer.dial(providers[0]?.multiaddrs ?? [])
    expect(connection.remotePeer.toString()).toBe(shard.peerId.toString())
  })

  it('passes announcements on, and none that is too long', async () => {
    const relay = await startRelay()
    const shard = await startPeer()
    const consumer = await startPeer()
    const heard: number[] = []
    consumer.services.pubsub.addEventListener('message', ({ detail }) => heard.push(detail.data.byteLength))
    for (const peer of [shard, consumer]) {
      peer.services.pubsub.subscribe(ANNOUNCE_TOPIC)
      await peer.dial(addressOf(relay, '/ws'))
    }
    await vi.waitFor(() => expect(shard.services.pubsub.getSubscribers(ANNOUNCE_TOPIC)).toHaveLength(1), PATIENCE)
    await shard.services.pubsub.publish(ANNOUNCE_TOPIC, new Uint8Array(ANNOUNCE_LIMITS.maxBytes + 1))
    await vi.waitFor(
      async () => {
        await shard.services.pubsub.publish(
          ANNOUNCE_TOPIC,
          crypto.getRandomValues(new Uint8Array(ANNOUNCE_LIMITS.maxBytes))
        )
        expect(heard).toContain(ANNOUNCE_LIMITS.maxBytes)
      },
      { ...PATIENCE, interval: 200 }
    )
    expect(new Set(heard)).toEqual(new Set([ANNOUNCE_LIMITS.maxBytes]))
  })

  it('connects a peer that has no address of its own, on a link that is marked as limited', async () => {
    const relay = await startRelay()
    const { peer, address } = await startReserved(relay, 'circuit')
    expect(relay.status.reservations).toBe(1)
    const dialler = await startPeer()
    const connection = await dialler.dial(address)
    expect(connection.remotePeer.toString()).toBe(peer.peerId.toString())
    expect(connection.limits?.bytes).toBeGreaterThan(0n)
  })

  it('ends a reservation when its peer leaves', async () => {
    const relay = await startRelay({ limits: { maxReservations: 1 } })
    const first = await startReserved(relay, 'circuit')
    await first.peer.stop()
    await vi.waitFor(() => expect(relay.status.reservations).toBe(0), PATIENCE)
    const second = await startReserved(relay, 'circuit')
    expect(second.address.toString()).toContain('/p2p-circuit')
  })

  it('cuts a relayed connection off at its limit of bytes', async () => {
    const relay = await startRelay({ limits: { maxRelayedBytes: 64 * 1024 } })
    const { peer, address } = await startReserved(relay, 'circuit')
    let received = 0
    const sink: StreamHandler = (stream) => {
      stream.addEventListener('message', ({ data }) => {
        received += data.byteLength
      })
    }
    await peer.handle('/test/sink', sink, { runOnLimitedConnection: true })
    const dialler = await startPeer()
    const connection = await dialler.dial(address)
    const stream = await connection.newStream('/test/sink', { runOnLimitedConnection: true })
    stream.send(new Uint8Array(80 * 1024))
    await vi.waitFor(() => expect(connection.status).not.toBe('open'), PATIENCE)
    expect(received).toBeLessThanOrEqual(64 * 1024)
  })

  it('lets two peers move to a direct WebRTC connection that outlives the relay', async () => {
    const relay = await startRelay()
    const { peer, address } = await startReserved(relay, 'webrtc')
    const dialler = await startPeer()
    // With both ends in one process the first DTLS packet is lost now and then, and its repetition can outlast the dial.
    const connection = await vi.waitFor(async () => dialler.dial(address), { timeout: 25_000, interval: 50 })
    expect(connection.remoteAddr.toString()).toContain('/webrtc')
    expect(connection.direct).toBe(true)
    expect(connection.limits).toBeUndefined()

    await relay.stop()
    await vi.waitFor(() => expect(dialler.getConnections(relay.peerId)).toEqual([]), PATIENCE)
    await peer.handle('/test/echo', (stream) => {
      stream.addEventListener('message', ({ data }) => stream.send(data))
    })
    const stream = await connection.newStream('/test/echo')
    const reply = new Promise<number>((resolve) => {
      stream.addEventListener('message', ({ data }) => resolve(data.byteLength), { once: true })
    })
    stream.send(new Uint8Array(1234))
    expect(await reply).toBe(1234)
    expect(connection.status).toBe('open')
  })

  it.each(['/libp2p/circuit/relay/0.2.0/hop', KAD_PROTOCOL])('bears garbage on %s', async (protocol) => {
    const relay = await startRelay()
    const hostile = await startPeer()
    const connection = await hostile.dial(addressOf(relay, 'tcp'))
    for (const garbage of [
      new Uint8Array([3, 255, 255, 255]),
      new Uint8Array(64 * 1024).fill(255),
      new Uint8Array(0)
    ]) {
      const stream = await connection.newStream(protocol)
      stream.send(garbage)
      stream.abort(new Error('gone'))
      const again = await connection.newStream(protocol)
      again.send(garbage)
      await again.close()
    }
    const { address } = await startReserved(relay, 'circuit')
    const honest = await startPeer()
    expect((await honest.dial(address)).limits).toBeDefined()
  })

  it('understands nothing of Shard but its DHT', async () => {
    const relay = await startRelay()
    const peer = await startPeer()
    const connection = await peer.dial(addressOf(relay, 'tcp'))
    const protocols = await vi.waitFor(async () => {
      const known = (await peer.peerStore.get(relay.peerId)).protocols
      expect(known).toContain('/libp2p/circuit/relay/0.2.0/hop')
      return known
    }, PATIENCE)
    expect(protocols.filter((protocol) => protocol.startsWith('/shard/'))).toEqual([KAD_PROTOCOL])
    await expect(connection.newStream('/shard/generate/1')).rejects.toThrow()
  })
})

describe('identity', () => {
  const lasting = (relay: Relay): string[] => [
    relay.peerId.toString(),
    addressOf(relay, '/webrtc-direct').getComponents().at(-2)?.value ?? ''
  ]

  it('is the same after a restart, certificate included', async () => {
    const data = await folder()
    const first = await startRelay({ data })
    const before = lasting(first)
    expect(before[1]).toMatch(/^u/)
    await first.stop()
    const second = await startRelay({ data })
    expect(lasting(second)).toEqual(before)
    const peer = await startPeer()
    await peer.dial(addressOf(second, '/webrtc-direct'))
  })

  it('is another one without a folder, or in another folder', async () => {
    const relays = [await startRelay(), await startRelay(), await startRelay({ data: await folder() })]
    expect(new Set(relays.flatMap(lasting)).size).toBe(6)
  })

  it('is readable by its owner alone', async () => {
    const data = await folder()
    await startRelay({ data: join(data, 'deep', 'down') })
    for (const file of ['peer.key', 'webrtc-direct.pem']) {
      expect((await stat(join(data, 'deep', 'down', file))).mode & 0o777).toBe(
        process.platform === 'win32' ? 0o666 : 0o600
      )
    }
  })

  it.each(['peer.key', 'webrtc-direct.pem'])('refuses a %s that is broken, and leaves it alone', async (file) => {
    const data = await folder()
    await (await startRelay({ data })).stop()
    const path = join(data, file)
    const whole = await readFile(path)
    for (const broken of [Buffer.from('not a key'), whole.subarray(0, whole.length >> 1), Buffer.alloc(0)]) {
      await writeFile(path, broken)
      await expect(startRelay({ data })).rejects.toMatchObject({
        code: 'BAD_IDENTITY',
        message: expect.stringContaining(path) as string
      })
      expect(await readFile(path)).toEqual(broken)
    }
    await writeFile(path, whole)
    await startRelay({ data })
  })

  it('refuses a certificate whose key is another one', async () => {
    const [one, two] = [await folder(), await folder()]
    for (const data of [one, two]) await (await startRelay({ data })).stop()
    const [first = '', second = ''] = await Promise.all(
      [one, two].map((data) => readFile(join(data, 'webrtc-direct.pem'), 'utf8'))
    )
    const mixed =
      first.slice(0, first.indexOf('-----BEGIN CERTIFICATE')) + second.slice(second.indexOf('-----BEGIN CERTIFICATE'))
    await writeFile(join(one, 'webrtc-direct.pem'), mixed)
    await expect(startRelay({ data: one })).rejects.toMatchObject({ code: 'BAD_IDENTITY' })
  })

  it('refuses a folder that another relay uses', async () => {
    const data = await folder()
    await startRelay({ data })
    await expect(startRelay({ data })).rejects.toMatchObject({ code: 'DATA_IN_USE' })
  })
})

describe('addresses', () => {
  it.each([
    'nonsense',
    '/ip4/999.0.0.1/tcp/1',
    '/dns4/example.org/tcp/9092',
    '/ip4/127.0.0.1/udp/9092',
    '/ip4/127.0.0.1/udp/1/quic-v1',
    '/webrtc'
  ])('does not listen on %s', async (address) => {
    await expect(startRelay({ listen: [address] })).rejects.toMatchObject({ name: 'RelayError', code: 'BAD_ADDRESS' })
  })

  it.each([
    ['localhost', 9092],
    ['127.0.0.1', 65_536],
    ['127.0.0.1', -1],
    ['127.0.0.1', 1.5]
  ])('does not take %s and %s for a host and a port', (host, port) => {
    expect(() => listenAddresses({ host, port })).toThrow(expect.objectContaining({ code: 'BAD_ADDRESS' }))
  })

  it('takes IPv6 hosts and gives plain TCP the next port', () => {
    expect(listenAddresses({ host: '::1', port: 9092 })).toEqual([
      '/ip6/::1/tcp/9092/ws',
      '/ip6/::1/udp/9092/webrtc-direct',
      '/ip6/::1/tcp/9093'
    ])
  })

  it('says which port is taken', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => new Promise((resolve) => server.close(resolve)))
    const bound = server.address()
    const port = typeof bound === 'object' ? (bound?.port ?? 0) : 0
    await expect(startRelay({ listen: [`/ip4/127.0.0.1/tcp/${port}/ws`] })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining(`TCP port ${port}`) as string
    })
    const udp = await startRelay()
    const taken = addressOf(udp, '/webrtc-direct').getComponents()[1]?.value
    await expect(startRelay({ listen: [`/ip4/127.0.0.1/udp/${taken}/webrtc-direct`] })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE'
    })
  })

  it('tells others what it was asked to, with the hash of its certificate', async () => {
    const relay = await startRelay({
      announce: ['/dns4/relay.example.org/tcp/443/tls/ws', '/ip4/203.0.113.7/udp/9092/webrtc-direct']
    })
    const told = relay.addresses.map(String)
    expect(told).toHaveLength(2)
    expect(told[0]).toBe(`/dns4/relay.example.org/tcp/443/tls/ws/p2p/${relay.peerId.toString()}`)
    expect(told[1]).toMatch(/^\/ip4\/203\.0\.113\.7\/udp\/9092\/webrtc-direct\/certhash\/u[\w-]+\/p2p\//)
    expect(() => multiaddr(told[1])).not.toThrow()
  })

  it('does not tell others what nobody can dial', async () => {
    await expect(startRelay({ announce: ['/ip4/127.0.0.1'] })).rejects.toMatchObject({ code: 'BAD_ADDRESS' })
  })

  it('stops twice without harm and frees its ports', async () => {
    const relay = await startRelay()
    const ports = addressOf(relay, '/ws').toString().split('/p2p/')[0] ?? ''
    await Promise.all([relay.stop(), relay.stop()])
    const next = await startRelay({ listen: [ports] })
    expect(addressOf(next, '/ws').toString()).toContain(`${ports}/p2p/`)
  })
})
