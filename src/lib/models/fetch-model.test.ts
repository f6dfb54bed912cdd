import { randomBytes } from 'node:crypto'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { memory } from '@libp2p/memory'
import { announce } from '@shard/protocol/announce'
import { draft } from '@shard/protocol/draft'
import { generate } from '@shard/protocol/generate'
import { encodeManifest } from '@shard/protocol/model'
import { swarmDefaults, swarmServices } from '@shard/protocol/swarm'
import { MemoryBlockstore } from 'blockstore-core'
import { createHeliaLight } from 'helia'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { CID } from 'multiformats/cid'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { deleteModelFile, fetchManifest, fetchModelFile, hasModelFile } from './fetch-model.ts'
import type { ShardOffer } from '@shard/protocol/announce'
import type { AbortOptions } from '@libp2p/interface'
import type { FetchProgress } from './fetch-model.ts'
import type { FetchSwarm } from './providers.ts'

const LEAF = 64 * 1024
const timing = { stall: 150, search: 150, patience: 50 }

/** A blockstore that counts, and that can be told to misbehave. */
class Store extends MemoryBlockstore {
  reads: string[] = []
  puts = 0
  /** What to give for a block instead of itself; `never` to say nothing until the test is over. */
  instead: (cid: CID, block: Uint8Array) => Uint8Array | 'never' = (_, block) => block
  readonly over = Promise.withResolvers<undefined>()

  override async *get(cid: CID, options?: AbortOptions): AsyncGenerator<Uint8Array> {
    this.reads.push(cid.toString())
    for await (const block of super.get(cid, options)) {
      const given = this.instead(cid, block)
      if (given === 'never') await this.over.promise
      else yield given
    }
  }

  override put(...args: Parameters<MemoryBlockstore['put']>): ReturnType<MemoryBlockstore['put']> {
    this.puts++
    return super.put(...args)
  }
}

interface Peer extends FetchSwarm {
  store: Store
}

const peers: Peer[] = []
let addresses = 0

async function peer(offer?: () => ShardOffer): Promise<Peer> {
  const store = new Store()
  const node = withLibp2pLight(createHeliaLight({ blockstore: store }), {
    ...swarmDefaults(),
    addresses: { listen: offer == null ? [] : [`/memory/fetch-model-${addresses++}`] },
    transports: [memory()],
    services: {
      ...swarmServices({ dht: offer == null ? 'client' : 'server' }),
      announce: announce(offer == null ? {} : { offer }),
      generate: generate(),
      draft: draft()
    }
  })
  const helia = await withBitswap(node).start()
  const { libp2p } = helia
  const created = { helia, libp2p, directory: libp2p.services.announce, store }
  peers.push(created)
  return created
}

/** A peer that announces itself, as a Shard does. */
const shard = (): Promise<Peer> =>
  peer(() => ({ models: [], slots: 1, active: 0, queued: 0, scoutsWanted: 1, speed: 0 }))

async function connect(from: Peer, ...shards: Peer[]): Promise<void> {
  for (const { libp2p } of shards) await from.libp2p.dial(libp2p.getMultiaddrs())
  await vi.waitFor(() => expect(from.directory.shards()).toHaveLength(shards.length), { timeout: 5_000 })
}

/** Puts a file of so many leaves on a Shard. */
async function file(on: Peer, leaves: number): Promise<{ cid: CID; bytes: number; data: Uint8Array }> {
  const data = new Uint8Array(randomBytes(LEAF * (leaves - 1) + 100))
  const cid = await unixfs(on.helia).addBytes(data, { chunker: fixedSize({ chunkSize: LEAF }), rawLeaves: true, cidVersion: 1 })
  on.store.reads = []
  return { cid, bytes: data.length, data }
}

const bytesOf = async (blob: Blob): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer())

afterEach(async () => {
  vi.unstubAllGlobals()
  // Helia's lock is one for all of its nodes in a process, and a read that waits would hold it.
  for (const { store } of peers) store.over.resolve(undefined)
  await Promise.all(peers.splice(0).map(({ helia }) => helia.stop()))
})

describe('fetchModelFile', () => {
  it('fetches, tells how far it is, and does not touch the network a second time', async () => {
    const [tab, server] = await Promise.all([peer(), shard()])
    await connect(tab, server)
    const wanted = await file(server, 12)
    const progress: FetchProgress[] = []

    const blob = await fetchModelFile(tab, wanted, { timing, onProgress: (now) => progress.push(now) })
    expect(await bytesOf(blob)).toEqual(wanted.data)
    expect(progress.at(-1)).toMatchObject({ bytes: wanted.bytes, total: wanted.bytes, providers: 1 })
    expect(progress.at(-1)?.bytesPerSecond).toBeGreaterThan(0)
    expect(progress.map(({ bytes }) => bytes)).toEqual(progress.map(({ bytes }) => bytes).sort((a, b) => a - b))

    await server.helia.stop()
    expect(await bytesOf(await fetchModelFile(tab, wanted, { timing }))).toEqual(wanted.data)
    expect(await hasModelFile(tab, wanted)).toBe(true)
  })

  it('fetches a file that is one block', async () => {
    const [tab, server] = await Promise.all([peer(), shard()])
    await connect(tab, server)
    const wanted = await file(server, 1)
    expect(await bytesOf(await fetchModelFile(tab, wanted, { timing }))).toEqual(wanted.data)
  })

  it('goes on where it stopped', async () => {
    const [tab, server] = await Promise.all([peer(), shard()])
    await connect(tab, server)
    const wanted = await file(server, 40)
    const controller = new AbortController()
    const stopped = fetchModelFile(tab, wanted, {
      timing,
      signal: controller.signal,
      onProgress: ({ bytes }) => {
        if (bytes >= 5 * LEAF) controller.abort(new Error('tab closed'))
      }
    })
    await expect(stopped).rejects.toThrow('tab closed')
    expect(await hasModelFile(tab, wanted)).toBe(false)
    const had = tab.store.puts
    expect(had).toBeGreaterThanOrEqual(5)

    expect(await bytesOf(await fetchModelFile(tab, wanted, { timing }))).toEqual(wanted.data)
    // 40 leaves and a root, none of them fetched twice.
    expect(tab.store.puts).toBe(41)
  })

  it.each([
    ['sends nothing', () => 'never' as const],
    ['sends other bytes', (_: CID, block: Uint8Array) => new Uint8Array(block.map((byte) => byte ^ 1))]
  ])('goes to another provider when one %s', async (_, instead) => {
    const [tab, bad, good] = await Promise.all([peer(), shard(), shard()])
    const wanted = await file(good, 6)
    await file(bad, 1)
    for await (const { cid, bytes } of good.store.getAll()) await bad.store.put(cid, await collectAll(bytes))
    bad.store.instead = instead
    // The bad one is known first, and so asked first.
    await connect(tab, bad)
    await good.libp2p.dial(bad.libp2p.getMultiaddrs())
    await connect(tab, bad, good)

    expect(await bytesOf(await fetchModelFile(tab, wanted, { timing }))).toEqual(wanted.data)
    expect(good.store.reads.length).toBeGreaterThan(0)
  })

  it('gives up on a provider that sends nothing, and says what to do', async () => {
    const [tab, server] = await Promise.all([peer(), shard()])
    await connect(tab, server)
    const wanted = await file(server, 3)
    server.store.instead = () => 'never'
    const failing = fetchModelFile(tab, wanted, { timing: { ...timing, stall: 20 } })
    await expect(failing).rejects.toMatchObject({ code: 'STALLED', message: expect.stringContaining('Try again') })
  })

  it('says that nobody has it when nobody is there', async () => {
    const tab = await peer()
    const cid = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
    const failing = fetchModelFile(tab, { cid, bytes: 1 }, { timing: { ...timing, search: 20 } })
    await expect(failing).rejects.toMatchObject({ code: 'NO_PROVIDER', message: expect.stringContaining('shard serve') })
  })

  it('finds a provider that comes later', async () => {
    const [tab, server] = await Promise.all([peer(), shard()])
    const wanted = await file(server, 3)
    const fetching = fetchModelFile(tab, wanted, { timing: { ...timing, search: 2_000 } })
    await connect(tab, server)
    expect(await bytesOf(await fetching)).toEqual(wanted.data)
  })

  it.each([
    ['longer', -1],
    ['shorter', 1]
  ])('refuses a file that is %s than the manifest says', async (word, difference) => {
    const [tab, server] = await Promise.all([peer(), shard()])
    await connect(tab, server)
    const { cid, bytes } = await file(server, 3)
    const failing = fetchModelFile(tab, { cid, bytes: bytes + difference }, { timing })
    await expect(failing).rejects.toMatchObject({ code: 'WRONG_FILE', message: expect.stringContaining(word) })
  })

  it('asks for room before it fetches', async () => {
    vi.stubGlobal('navigator', { storage: { estimate: async () => ({ quota: 1000, usage: 999 }), persist: async () => false } })
    const [tab, server] = await Promise.all([peer(), shard()])
    await connect(tab, server)
    const wanted = await file(server, 3)
    await expect(fetchModelFile(tab, wanted, { timing })).rejects.toMatchObject({ code: 'NO_SPACE' })
    expect(server.store.reads).toEqual([])
  })

  it('says so when the browser refuses to store more on the way', async () => {
    const [tab, server] = await Promise.all([peer(), shard()])
    await connect(tab, server)
    const wanted = await file(server, 8)
    const put = tab.store.put.bind(tab.store)
    tab.store.put = (...args) => {
      if (tab.store.puts > 3) throw new Error('QuotaExceededError: full')
      return put(...args)
    }
    await expect(fetchModelFile(tab, wanted, { timing })).rejects.toMatchObject({ code: 'NO_SPACE' })
  })
})

describe('deleteModelFile', () => {
  it('leaves nothing of a file, whole or in part', async () => {
    const [tab, server] = await Promise.all([peer(), shard()])
    await connect(tab, server)
    const wanted = await file(server, 9)
    await fetchModelFile(tab, wanted, { timing })
    await deleteModelFile(tab, wanted)
    expect(await hasModelFile(tab, wanted)).toBe(false)
    let blocks = 0
    for await (const block of tab.store.getAll()) blocks += block == null ? 0 : 1
    expect(blocks).toBe(0)
    await deleteModelFile(tab, wanted)
  })
})

describe('fetchManifest', () => {
  const manifest = {
    version: 1 as const,
    name: 'a model',
    license: 'Apache-2.0',
    contextLength: 2048,
    tokenizer: new Uint8Array(32).fill(7),
    target: {
      cid: CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'),
      bytes: 1000,
      format: 'gguf' as const,
      quantization: 'Q4_0'
    },
    drafts: []
  }

  it('fetches and reads a manifest, and then has it', async () => {
    const [tab, server] = await Promise.all([peer(), shard()])
    await connect(tab, server)
    const { cid, bytes } = await encodeManifest(manifest)
    await server.store.put(cid, bytes)
    expect(await fetchManifest(tab, cid, { timing })).toEqual(manifest)
    await server.helia.stop()
    expect(await fetchManifest(tab, cid, { timing })).toMatchObject({ name: 'a model' })
  })
})

async function collectAll(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}
