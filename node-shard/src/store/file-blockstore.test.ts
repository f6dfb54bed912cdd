import { cp, mkdtemp, open, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MemoryBlockstore } from 'blockstore-core'
import { MemoryDatastore } from 'datastore-core'
import { exporter } from 'ipfs-unixfs-exporter'
import { importFile } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UNIXFS_IMPORT } from '@shard/protocol/model'
import { StoreError } from './errors.ts'
import { FileBlockstore } from './file-blockstore.ts'
import { importModelFile, type ImportOptions } from './import-file.ts'
import { LeafIndex } from './leaf-index.ts'

const EMBEDDED = fileURLToPath(new URL('../../../models/shard-tiny-draft-q8_0.gguf', import.meta.url))
/** A whole second, which `utimes` can set again exactly. */
const THEN = new Date('2026-01-02T03:04:05Z')

let folder: string
let path: string
let original: Uint8Array
let inner: MemoryBlockstore
let index: LeafIndex
let store: FileBlockstore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shard-blocks-'))
  path = join(folder, 'draft.gguf')
  await cp(EMBEDDED, path)
  await utimes(path, THEN, THEN)
  original = await readFile(EMBEDDED)
  inner = new MemoryBlockstore()
  index = new LeafIndex(new MemoryDatastore())
  store = new FileBlockstore(inner, index)
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function importDraft(options?: ImportOptions): Promise<CID> {
  return importModelFile(path, { nodes: store, index }, options)
}

/** The raw leaf with the file's bytes from `start` on. */
async function leafAt(start: number): Promise<CID> {
  const bytes = original.subarray(start, start + UNIXFS_IMPORT.chunkSize)
  return CID.createV1(raw.code, await sha256.digest(bytes))
}

async function read(blocks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await all(blocks))
}

async function all<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) {
    list.push(item)
  }
  return list
}

async function cat(cid: CID): Promise<Buffer> {
  const entry = await exporter(cid, store)
  if (entry.type !== 'file' && entry.type !== 'raw') {
    throw new Error(`a model is no ${entry.type}`)
  }
  return read(entry.content())
}

/** Changes one byte of the first leaf, and nothing that `stat` shows. */
async function rot(): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Uint8Array.of((original[5000] ?? 0) ^ 1), 0, 1, 5000)
  await file.close()
  await utimes(path, THEN, THEN)
}

describe('an imported file', () => {
  it('has the CID that the rule of the protocol gives it', async () => {
    const { chunkSize, maxChildrenPerNode, ...format } = UNIXFS_IMPORT
    const reference = await importFile({ content: original }, new MemoryBlockstore(), {
      ...format,
      chunker: fixedSize({ chunkSize }),
      layout: balanced({ maxChildrenPerNode })
    })
    expect((await importDraft()).toString()).toBe(reference.cid.toString())
  })

  it('is served from the file, with no second copy of its leaves', async () => {
    const cid = await importDraft()
    expect(Buffer.compare(await cat(cid), original)).toBe(0)
    const kept = await all(inner.getAll())
    expect(kept.map((pair) => CID.createV1(cid.code, pair.cid.multihash))).toEqual([cid])
  })

  it('is read once', async () => {
    const reads: number[] = []
    const first = await importDraft({ onProgress: ({ bytes, total }) => reads.push(bytes / total) })
    expect(reads.at(-1)).toBe(1)
    const again = await importDraft({ onProgress: () => expect.unreachable('the file was read a second time') })
    expect(again).toEqual(first)
  })

  it('is read again when it has changed', async () => {
    const first = await importDraft()
    await truncate(path, 3_000_000)
    const second = await importDraft()
    expect(second).not.toEqual(first)
    expect(Buffer.compare(await cat(second), original.subarray(0, 3_000_000))).toBe(0)
  })

  it('may be one leaf', async () => {
    await writeFile(path, 'GGUF and little else')
    const cid = await importDraft()
    expect(cid.code).toBe(raw.code)
    expect((await cat(cid)).toString()).toBe('GGUF and little else')
    expect(await importDraft({ onProgress: () => expect.unreachable('read again') })).toEqual(cid)
  })

  it('is not indexed as a whole when the import was aborted', async () => {
    const abort = new AbortController()
    const options = { signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) }
    await expect(importDraft(options)).rejects.toThrow('enough')
    expect(await index.file(path)).toBeUndefined()
    expect(Buffer.compare(await cat(await importDraft()), original)).toBe(0)
  })

  it('is refused when it is written to during the import', async () => {
    let wrote: Promise<void> | undefined
    const onProgress = (): void => {
      wrote ??= writeFile(path, 'x', { flag: 'a' })
    }
    await expect(importDraft({ onProgress })).rejects.toMatchObject({ code: 'FILE_CHANGED' })
    await wrote
    expect(await index.file(path)).toBeUndefined()
  })

  it('is still served from its copy when one of two is gone', async () => {
    const copy = join(folder, 'copy.gguf')
    await cp(path, copy)
    const cid = await importDraft()
    await importModelFile(copy, { nodes: store, index })
    await rm(copy)
    expect(Buffer.compare(await cat(cid), original)).toBe(0)
  })

  it('is served from its new place after it was moved and imported there', async () => {
    const cid = await importDraft()
    const moved = join(folder, 'moved.gguf')
    await rename(path, moved)
    expect(await importModelFile(moved, { nodes: store, index })).toEqual(cid)
    expect(Buffer.compare(await cat(cid), original)).toBe(0)
  })
})

describe('a block', () => {
  const gone = { name: 'NotFoundError', code: 'FILE_CHANGED' }

  it('of a file that was written to is a typed error, and no promise to peers', async () => {
    await importDraft()
    const leaf = await leafAt(0)
    expect(await store.has(leaf)).toBe(true)
    await truncate(path, 5_000_000)
    expect(await store.has(leaf)).toBe(false)
    await expect(read(store.get(leaf))).rejects.toMatchObject(gone)
    await expect(read(store.get(leaf))).rejects.toThrow(path)
  })

  it('of a file that is gone is a typed error', async () => {
    await importDraft()
    await rm(path)
    expect(await store.has(await leafAt(0))).toBe(false)
    await expect(read(store.get(await leafAt(0)))).rejects.toMatchObject(gone)
  })

  it('whose bytes rotted is never served, and the rest of the file is', async () => {
    await importDraft()
    await rot()
    const leaf = await leafAt(0)
    await expect(read(store.get(leaf))).rejects.toMatchObject(gone)
    expect(await store.has(leaf)).toBe(false)
    const next = await read(store.get(await leafAt(UNIXFS_IMPORT.chunkSize)))
    const expected = original.subarray(UNIXFS_IMPORT.chunkSize, 2 * UNIXFS_IMPORT.chunkSize)
    expect(Buffer.compare(next, expected)).toBe(0)
  })

  it('that rotted makes the next import read the file anew', async () => {
    const cid = await importDraft()
    await rot()
    await expect(cat(cid)).rejects.toMatchObject(gone)
    expect(await importDraft()).not.toEqual(cid)
  })

  it('that was fetched from a peer replaces one whose file changed', async () => {
    const cid = await importDraft()
    await truncate(path, 5_000_000)
    for (let start = 0; start < original.byteLength; start += UNIXFS_IMPORT.chunkSize) {
      await store.put(await leafAt(start), original.subarray(start, start + UNIXFS_IMPORT.chunkSize))
    }
    expect(Buffer.compare(await cat(cid), original)).toBe(0)
  })

  it('that the inner store damaged is deleted and not served', async () => {
    const bytes = new TextEncoder().encode('a node')
    const cid = CID.createV1(raw.code, await sha256.digest(bytes))
    await inner.put(cid, new TextEncoder().encode('a mode'))
    await expect(read(store.get(cid))).rejects.toMatchObject(gone)
    expect(await store.has(cid)).toBe(false)
    await store.put(cid, bytes)
    expect((await read(store.get(cid))).toString()).toBe('a node')
  })

  it('that was never here is no error of a file', async () => {
    const error: unknown = await read(store.get(await leafAt(0))).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'NotFoundError' })
    expect(error).not.toBeInstanceOf(StoreError)
  })

  it('can be deleted and listed', async () => {
    await importDraft()
    const leaf = await leafAt(0)
    const listed = async (): Promise<string[]> => (await all(store.getAll())).map(({ cid }) => cid.toString())
    expect(await listed()).toContain(leaf.toString())
    await store.delete(leaf)
    expect(await listed()).not.toContain(leaf.toString())
    expect(await store.has(leaf)).toBe(false)
  })
})
