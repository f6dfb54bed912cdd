import { cp, mkdtemp, open, readFile, rm, truncate, utimes } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unixfs } from '@helia/unixfs'
import { tcp } from '@libp2p/tcp'
import { MemoryBlockstore } from 'blockstore-core'
import { MemoryDatastore } from 'datastore-core'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UNIXFS_IMPORT } from '@shard/protocol/model'
import { swarmDefaults, swarmServices, type SwarmServices } from '@shard/protocol/swarm'
import { MAX_WANTED_BLOCKS } from './constants.ts'
import { startHelia, type HeliaNode } from './helia.ts'
import { ModelStore } from './model-store.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const DRAFT = fileURLToPath(new URL('../../../models/shard-tiny-draft-q8_0.gguf', import.meta.url))
const BITSWAP = '/ipfs/bitswap/1.2.0'
const THEN = new Date('2026-01-02T03:04:05Z')
/** Ms after which a block that nobody has counts as not given. */
const NOT_GIVEN = 1_000

let folder: string
let path: string
let store: ModelStore
let original: Buffer
let shard: HeliaNode<SwarmServices>
let peer: HeliaNode<SwarmServices>
let cid: CID
/** Addresses that the two nodes dialled. */
let dialled: string[]

function options(listen: string[]): Libp2pOptions<SwarmServices> {
  return {
    ...swarmDefaults(),
    connectionGater: {
      denyDialMultiaddr: (address: Multiaddr) => {
        dialled.push(address.toString())
        return false
      }
    },
    addresses: { listen },
    transports: [tcp()],
    services: { ...swarmServices({ dht: 'server' }) }
  }
}

beforeEach(async () => {
  dialled = []
  folder = await mkdtemp(join(tmpdir(), 'shard-helia-'))
  path = join(folder, 'draft.gguf')
  await cp(DRAFT, path)
  await utimes(path, THEN, THEN)
  original = await readFile(DRAFT)
  store = await ModelStore.open(join(folder, 'data'))
  cid = await store.importModel(path)
  shard = await startHelia(options(['/ip4/127.0.0.1/tcp/0']), store)
  peer = await startHelia(options([]), { blockstore: new MemoryBlockstore(), datastore: new MemoryDatastore() })
  await peer.libp2p.dial(shard.libp2p.getMultiaddrs())
})

afterEach(async () => {
  await peer.stop()
  await shard.stop()
  await store.close()
  await rm(folder, { recursive: true })
})

async function leaves(): Promise<CID[]> {
  const list: CID[] = []
  for (let start = 0; start < original.byteLength; start += UNIXFS_IMPORT.chunkSize) {
    const bytes = original.subarray(start, start + UNIXFS_IMPORT.chunkSize)
    list.push(CID.createV1(raw.code, await sha256.digest(bytes)))
  }
  return list
}

/** What the second peer gets of a block; undefined if nothing. */
async function fetchBlock(leaf: CID, patience = NOT_GIVEN): Promise<Uint8Array | undefined> {
  try {
    const parts: Uint8Array[] = []
    for await (const part of peer.helia.blockstore.get(leaf, { signal: AbortSignal.timeout(patience) })) {
      parts.push(part)
    }
    return Buffer.concat(parts)
  } catch {
    return undefined
  }
}

/** A bitswap message that asks for all of `cids`: Message.wantlist.entries[].block, and a priority of 1. */
function wantlist(cids: CID[]): Uint8Array {
  const entries = cids.map(({ bytes }) => field(1, Buffer.concat([field(1, bytes), Buffer.of(0x10, 1)])))
  const message = field(1, Buffer.concat(entries))
  return Buffer.concat([varint(message.byteLength), message])
}

function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | 2), varint(bytes.byteLength), bytes])
}

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.of(value) : Buffer.concat([Buffer.of((value & 0x7f) | 0x80), varint(value >> 7)])
}

describe('startHelia', () => {
  it('gives one node with the services that were asked for', () => {
    expect(shard.libp2p).toBe(shard.helia.libp2p)
    expect(shard.libp2p.services.pubsub.getTopics()).toEqual([])
    expect(shard.libp2p.services.dht.getMode()).toBe('server')
  })

  it('lets a second peer fetch the draft by its CID', async () => {
    const parts: Uint8Array[] = []
    for await (const part of unixfs(peer.helia).cat(cid, { signal: AbortSignal.timeout(20_000) })) {
      parts.push(part)
    }
    expect(Buffer.compare(Buffer.concat(parts), original)).toBe(0)
  })

  it('asks the swarm for what it lacks, and nobody else', async () => {
    const fetch = vi.spyOn(globalThis, 'fetch')
    const unknown = CID.createV1(raw.code, await sha256.digest(new TextEncoder().encode('nobody has this')))
    expect(await fetchBlock(unknown)).toBeUndefined()
    expect(dialled).toEqual(shard.libp2p.getMultiaddrs().map(String))
    expect(fetch).not.toHaveBeenCalled()
  })

  it('gives no block of a file that was written to', async () => {
    await truncate(path, 5_000_000)
    const [first] = await leaves()
    expect(await fetchBlock(first ?? cid)).toBeUndefined()
  })

  it('gives the sound blocks of a file that rotted, and the rotten one to nobody', async () => {
    const [first, ...others] = await leaves()
    const file = await open(path, 'r+')
    await file.write(Uint8Array.of((original[5000] ?? 0) ^ 1), 0, 1, 5000)
    await file.close()
    await utimes(path, THEN, THEN)
    // all at a time, so that the sound ones would suffer from the rotten one's error
    const rotten = fetchBlock(first ?? cid)
    const sound = await Promise.all(others.map((leaf) => fetchBlock(leaf, 20_000)))
    expect(await rotten).toBeUndefined()
    const bytes = Buffer.concat(sound.map((block) => block ?? new Uint8Array()))
    expect(Buffer.compare(bytes, original.subarray(UNIXFS_IMPORT.chunkSize))).toBe(0)
  })

  it('reads only so many blocks at a time for one peer', async () => {
    const wanted: CID[] = []
    for (let i = 0; i < 2 * MAX_WANTED_BLOCKS; i++) {
      const bytes = new TextEncoder().encode(`block ${i}`)
      wanted.push(await store.blockstore.put(CID.createV1(raw.code, await sha256.digest(bytes)), bytes))
    }
    const greedy = await createLibp2p(options([]))
    const reply = Promise.withResolvers<string>()
    await greedy.handle(BITSWAP, async (stream) => {
      const parts: Uint8Array[] = []
      for await (const part of stream) {
        parts.push(part.subarray())
      }
      reply.resolve(Buffer.concat(parts).toString('latin1'))
    })
    const stream = await greedy.dialProtocol(shard.libp2p.getMultiaddrs(), BITSWAP)
    stream.send(wantlist(wanted))
    await stream.close()
    expect((await reply.promise).match(/block \d+/g)).toHaveLength(MAX_WANTED_BLOCKS)
    await greedy.stop()
  })

  it('says when it cannot listen, and leaves nothing running', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const address = taken.address()
    const port = typeof address === 'object' && address != null ? address.port : 0
    const unused = { blockstore: new MemoryBlockstore(), datastore: new MemoryDatastore() }
    await expect(startHelia(options([`/ip4/127.0.0.1/tcp/${port}`]), unused)).rejects.toThrow()
    await new Promise((resolve) => taken.close(resolve))
  })
})
