import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tcp } from '@libp2p/tcp'
import { announce } from '@shard/protocol/announce'
import { encodeManifest, UNIXFS_IMPORT, type Manifest, type ModelFile } from '@shard/protocol/model'
import { swarmDefaults, swarmServices } from '@shard/protocol/swarm'
import { MemoryBlockstore } from 'blockstore-core'
import { MemoryDatastore } from 'datastore-core'
import { importFile } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { createLibp2p } from 'libp2p'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startHelia } from '../store/helia.ts'
import { ModelFetcher, type ModelFetcherInit } from './fetcher.ts'
import { ModelLibrary } from './library.ts'
import type { CID } from 'multiformats/cid'
import type { FetchSwarm } from './givers.ts'
import type { FetchProgress } from './progress.ts'

const MIB = UNIXFS_IMPORT.chunkSize
const timing = { stall: 300, search: 1_500, look: 50, overdue: 100 }

/** A blockstore that counts, and that can be told to misbehave. */
class Store extends MemoryBlockstore {
  reads: string[] = []
  /** What to give for a block instead of itself; `never` to say nothing until the test is over. */
  instead: (block: Uint8Array) => Uint8Array | 'never' = (block) => block
  readonly over = Promise.withResolvers<void>()

  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    this.reads.push(cid.toString())
    for await (const block of super.get(cid)) {
      const given = this.instead(block)
      if (given === 'never') {
        await this.over.promise
      } else {
        yield given
      }
    }
  }
}

interface Giver {
  store: Store
  addresses: ReturnType<Awaited<ReturnType<typeof giver>>['libp2p']['getMultiaddrs']>
}

let data: string
let library: ModelLibrary
const undo: Array<() => unknown> = []

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'shard-fetch-'))
  library = new ModelLibrary(data)
  undo.push(async () => rm(data, { recursive: true }))
})

afterEach(async () => {
  for (let step = undo.pop(); step != null; step = undo.pop()) {
    await step()
  }
})

async function giver() {
  const store = new Store()
  const { libp2p, stop } = await startHelia(
    {
      ...swarmDefaults(),
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      services: {
        ...swarmServices({ dht: 'server' }),
        announce: announce({ offer: () => ({ models: [], slots: 1, active: 0, queued: 0, scoutsWanted: 1, speed: 0 }) })
      }
    },
    { blockstore: store, datastore: new MemoryDatastore() }
  )
  undo.push(stop, () => {
    // Helia waits for its reads
    store.over.resolve()
  })
  return { store, libp2p, addresses: libp2p.getMultiaddrs() }
}

async function swarm(...givers: Giver[]): Promise<FetchSwarm> {
  const libp2p = await createLibp2p({
    ...swarmDefaults(),
    transports: [tcp()],
    services: { ...swarmServices({ dht: 'client' }), announce: announce() }
  })
  undo.push(async () => libp2p.stop())
  for (const { addresses } of givers) {
    await libp2p.dial(addresses)
  }
  return { libp2p, directory: libp2p.services.announce }
}

async function put(bytes: Uint8Array, ...stores: Store[]): Promise<ModelFile> {
  const { chunkSize, maxChildrenPerNode, ...format } = UNIXFS_IMPORT
  const blocks = new MemoryBlockstore()
  const { cid } = await importFile({ content: bytes }, blocks, {
    ...format,
    chunker: fixedSize({ chunkSize }),
    layout: balanced({ maxChildrenPerNode })
  })
  for await (const { cid: key, bytes: parts } of blocks.getAll()) {
    for await (const part of parts) {
      // the importer stores a node under the multihash of its CID, as Helia's blockstores look it up
      for (const store of stores) {
        await store.put(key, part)
      }
    }
  }
  return { cid, bytes: bytes.byteLength, format: 'gguf', quantization: 'Q4_0' }
}

interface Wanted {
  cid: CID
  manifest: Manifest
  target: Buffer
  draft: Buffer
}

/** A model of so many MiB and a bit, at each of the givers. */
async function model(mib: number, givers: Giver[], change: (manifest: Manifest) => void = () => undefined): Promise<Wanted> {
  const target = randomBytes(mib * MIB + 1000)
  const draft = randomBytes(1000)
  const stores = givers.map(({ store }) => store)
  const manifest: Manifest = {
    version: 1,
    name: 'wanted',
    license: 'Apache-2.0',
    contextLength: 2048,
    tokenizer: new Uint8Array(32),
    target: await put(target, ...stores),
    drafts: [{ ...(await put(draft, ...stores)), name: 'small', engine: 'gguf' }]
  }
  change(manifest)
  const { cid, bytes } = await encodeManifest(manifest)
  for (const store of stores) {
    await store.put(cid, bytes)
  }
  return { cid, manifest, target, draft }
}

function fetcher(from: FetchSwarm, more: Partial<ModelFetcherInit> = {}): ModelFetcher {
  return new ModelFetcher({ swarm: from, library, timing, ...more })
}

async function expectWhole({ manifest, target, draft }: Wanted): Promise<void> {
  const [found] = await library.list()
  expect(found).toMatchObject({ complete: true, imported: false, bytes: target.byteLength + draft.byteLength })
  expect(Buffer.compare(await readFile(library.pathOf(manifest.target)), target)).toBe(0)
  expect(found?.draftPath).toBeDefined()
  expect(Buffer.compare(await readFile(found?.draftPath ?? ''), draft)).toBe(0)
}

interface Web {
  url: string
  requests: string[]
}

/** A web server with ranges. `change` spoils what it sends; `ranges: false` makes it one that knows no ranges. */
async function web(
  file: Buffer,
  { change = (bytes: Buffer) => bytes, ranges = true }: { change?: (bytes: Buffer) => Buffer; ranges?: boolean } = {}
): Promise<Web> {
  const requests: string[] = []
  const server: Server = createServer((request, response) => {
    requests.push(String(request.headers.range))
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    if (from == null || !ranges) {
      response.writeHead(200, { 'Content-Length': file.byteLength }).end(change(file))
      return
    }
    const part = file.subarray(Number(from), to === '' ? undefined : Number(to) + 1)
    response.writeHead(206, { 'Content-Length': part.byteLength }).end(change(part))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undo.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/model.gguf`, requests }
}

/** Manifests name https addresses only; the test's server has no certificate. */
const redirectTo =
  (servers: Record<string, Web>) =>
  async (url: string, init: RequestInit): Promise<Response> =>
    fetch(servers[url]?.url ?? url, init)

describe('ModelFetcher', () => {
  it('brings a model, tells how far it is, and asks nobody a second time', async () => {
    const shard = await giver()
    const wanted = await model(5, [shard])
    const progress: FetchProgress[] = []
    const from = await swarm(shard)
    const found = await fetcher(from).pull(wanted.cid, { onProgress: (now) => progress.push({ ...now }) })
    expect(found.manifest).toEqual(wanted.manifest)
    await expectWhole(wanted)
    const ofTarget = progress.filter(({ what }) => what === 'target').map(({ bytes }) => bytes)
    expect(ofTarget).toEqual([...ofTarget].sort((a, b) => a - b))
    expect(ofTarget.at(-1)).toBe(wanted.target.byteLength)
    expect(await readdir(join(library.dir, 'partial'))).toEqual([])

    shard.store.reads = []
    await fetcher(from).pull(wanted.cid)
    expect(shard.store.reads).toEqual([])
  })

  it('goes on where it stopped, and fetches no block twice', async () => {
    const shard = await giver()
    const wanted = await model(20, [shard])
    const stop = new AbortController()
    // a busy machine must not look like a giver that stalls: then blocks are asked for again
    const patient = { ...timing, stall: 10_000 }
    const stopped = fetcher(await swarm(shard), { timing: patient }).pull(wanted.cid, {
      signal: stop.signal,
      onProgress: ({ bytes }) => {
        if (bytes >= 2 * MIB) {
          stop.abort(new Error('Ctrl-C'))
        }
      }
    })
    shard.store.instead = (block) => (shard.store.reads.length > 9 ? 'never' : block)
    await expect(stopped).rejects.toThrow('Ctrl-C')
    expect((await readdir(library.dir)).filter((name) => name.endsWith('.gguf'))).toEqual([])
    expect(await library.list()).toMatchObject([{ complete: false }])

    const second = await giver()
    for await (const { cid, bytes } of shard.store.getAll()) {
      for await (const part of bytes) {
        await second.store.put(cid, part)
      }
    }
    shard.store.over.resolve()
    const held = await library.usage()
    expect(held).toBeGreaterThanOrEqual(2 * MIB)
    await fetcher(await swarm(second), { timing: patient }).pull(wanted.cid)
    await expectWhole(wanted)
    const leaves = second.store.reads.length - 1 // the draft's
    expect(leaves).toBeLessThanOrEqual(21 - 2)
    expect(new Set(second.store.reads).size).toBe(second.store.reads.length)
  })

  it('does not take for granted what it finds on the disk', async () => {
    const shard = await giver()
    const wanted = await model(4, [shard])
    const dir = library.partDir(wanted.manifest.target.cid.toString())
    await mkdir(dir, { recursive: true })
    const first = wanted.target.subarray(0, MIB)
    await writeFile(join(dir, 'data'), Buffer.concat([first, randomBytes(2 * MIB)]))
    await fetcher(await swarm(shard)).pull(wanted.cid)
    await expectWhole(wanted)
    expect(shard.store.reads).not.toContain((await put(first)).cid.toString())
  })

  it.each([
    ['sends nothing', (): 'never' => 'never'],
    ['sends other bytes', (block: Uint8Array) => block.map((byte) => byte ^ 1)]
  ])('drops a giver that %s', async (_, instead) => {
    const [bad, good] = [await giver(), await giver()]
    const wanted = await model(12, [bad, good])
    bad.store.instead = (block) => (block.byteLength < MIB ? block : instead(block))
    await fetcher(await swarm(bad, good)).pull(wanted.cid)
    await expectWhole(wanted)
  })

  it('never asks one that lied again', async () => {
    const [bad, good] = [await giver(), await giver()]
    const wanted = await model(12, [bad, good])
    bad.store.instead = (block) => new Uint8Array(createHash('sha512').update(block).digest())
    await fetcher(await swarm(bad, good)).pull(wanted.cid)
    await expectWhole(wanted)
    // the manifest alone, or what was asked for before the first answer came
    expect(bad.store.reads.length).toBeLessThanOrEqual(5)
  })

  it('takes parts from givers that have only parts', async () => {
    const [one, two] = [await giver(), await giver()]
    const wanted = await model(6, [one, two])
    for (const [index, store] of [one.store, two.store].entries()) {
      for (let leaf = 0; leaf < 6; leaf++) {
        const { cid } = await put(wanted.target.subarray(leaf * MIB, (leaf + 1) * MIB))
        if (leaf % 2 === index) {
          await store.delete(cid)
        }
      }
    }
    await fetcher(await swarm(one, two)).pull(wanted.cid)
    await expectWhole(wanted)
  })

  it('says that nobody has it when nobody is there', async () => {
    const { cid } = await model(1, [])
    const failing = fetcher(await swarm()).pull(cid)
    await expect(failing).rejects.toMatchObject({
      code: 'NO_PROVIDER',
      message: expect.stringContaining('shard serve') as string
    })
  })

  it('gives up when everybody is silent, and keeps what came', async () => {
    const shard = await giver()
    const wanted = await model(8, [shard])
    shard.store.instead = (block) => (shard.store.reads.length > 6 ? 'never' : block)
    const impatient = { ...timing, stall: 50, search: 500 }
    await expect(fetcher(await swarm(shard), { timing: impatient }).pull(wanted.cid)).rejects.toMatchObject({
      code: 'STALLED'
    })
    expect(await library.list()).toMatchObject([{ complete: false }])
  })

  it('refuses a file of another size than the manifest says', async () => {
    const shard = await giver()
    const wanted = await model(3, [shard], ({ target }) => {
      target.bytes += 2 * MIB
    })
    await expect(fetcher(await swarm(shard)).pull(wanted.cid)).rejects.toMatchObject({ code: 'WRONG_FILE' })
  })

  it('says when another process fetches the same', async () => {
    const shard = await giver()
    const wanted = await model(3, [shard])
    shard.store.instead = (block) => (block.byteLength === MIB ? 'never' : block)
    const from = await swarm(shard)
    const stop = new AbortController()
    const started = Promise.withResolvers<void>()
    const first = fetcher(from).pull(wanted.cid, { signal: stop.signal, onProgress: () => started.resolve() })
    await started.promise
    await expect(fetcher(await swarm(shard)).pull(wanted.cid)).rejects.toMatchObject({ code: 'BUSY' })
    stop.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
  })

  it('removes what was not used for longest where the quota asks for it', async () => {
    const shard = await giver()
    const [old, recent, wanted] = [await model(2, [shard]), await model(2, [shard]), await model(2, [shard])]
    const from = await swarm(shard)
    await fetcher(from).pull(old.cid)
    await fetcher(from).pull(recent.cid)
    await library.touch(old.cid)
    const removed: string[] = []
    await fetcher(from, { quota: 5 * MIB }).pull(wanted.cid, { onRemoved: ({ cid }) => removed.push(cid.toString()) })
    expect(removed).toEqual([recent.cid.toString()])
    expect((await library.list()).map(({ cid }) => cid.toString()).sort()).toEqual(
      [old.cid.toString(), wanted.cid.toString()].sort()
    )
    await expect(fetcher(from, { quota: MIB }).pull(recent.cid)).rejects.toMatchObject({ code: 'NO_SPACE' })
  })
})

describe('web servers that a manifest names', () => {
  const ORIGIN = 'https://models.example.org/model.gguf'
  const named = ({ target }: Manifest): void => {
    target.origins = [ORIGIN]
  }

  it('bring what peers do not', async () => {
    const shard = await giver()
    const wanted = await model(20, [shard], named)
    const server = await web(wanted.target)
    for (let start = 0; start < wanted.target.byteLength; start += MIB) {
      await shard.store.delete((await put(wanted.target.subarray(start, start + MIB))).cid)
    }
    await fetcher(await swarm(shard), { fetch: redirectTo({ [ORIGIN]: server }) }).pull(wanted.cid)
    await expectWhole(wanted)
    expect(server.requests[0]).toMatch(/^bytes=\d+-\d+$/)
  })

  it('are held to the same CID', async () => {
    const shard = await giver()
    const wanted = await model(20, [shard], named)
    const server = await web(wanted.target, { change: (bytes) => Buffer.from(bytes.map((byte) => byte ^ 1)) })
    await fetcher(await swarm(shard), { fetch: redirectTo({ [ORIGIN]: server }) }).pull(wanted.cid)
    await expectWhole(wanted)
    expect(server.requests).toHaveLength(1)
  })

  it('are enough where no peer is left that knows the parts', async () => {
    const shard = await giver()
    const wanted = await model(3, [shard], named)
    const server = await web(wanted.target, { ranges: false })
    await shard.store.delete(wanted.manifest.target.cid)
    await fetcher(await swarm(shard), { fetch: redirectTo({ [ORIGIN]: server }) }).pull(wanted.cid)
    await expectWhole(wanted)
  })

  it('cannot bring another file', async () => {
    const shard = await giver()
    const wanted = await model(3, [shard], named)
    const server = await web(randomBytes(wanted.target.byteLength))
    await shard.store.delete(wanted.manifest.target.cid)
    const failing = fetcher(await swarm(shard), { fetch: redirectTo({ [ORIGIN]: server }) }).pull(wanted.cid)
    await expect(failing).rejects.toMatchObject({ code: 'WRONG_FILE' })
    expect(await library.list()).toMatchObject([{ complete: false }])
  })
})
