import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeManifest } from '@shard/protocol/model'
import { ModelStore } from './model-store.ts'
import type { CID } from 'multiformats/cid'

const TARGET = fileURLToPath(new URL('../../../models/shard-tiny-q4_0.gguf', import.meta.url))
const DRAFT = fileURLToPath(new URL('../../../models/shard-tiny-draft-q8_0.gguf', import.meta.url))

let folder: string
let store: ModelStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shard-store-'))
  store = await ModelStore.open(join(folder, 'data'))
})

afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

async function block(cid: CID): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of store.blockstore.get(cid)) {
    parts.push(part)
  }
  return Buffer.concat(parts)
}

const unread = { onProgress: () => expect.unreachable('the file was read again') }

describe('the embedded pair', () => {
  it('is served with its manifest', async () => {
    const { cid, manifest, targetPath, draftPath } = await store.embedded()
    expect(manifest.name).toBe('shard-tiny')
    expect(await decodeManifest(await block(cid), cid)).toEqual(manifest)
    expect(await store.blockstore.has(manifest.target.cid)).toBe(true)
    expect(await store.blockstore.has(manifest.drafts[0]?.cid ?? cid)).toBe(true)
    expect((await readFile(targetPath)).byteLength).toBe(manifest.target.bytes)
    expect((await readFile(draftPath ?? '')).byteLength).toBe(manifest.drafts[0]?.bytes)
  })

  it('is not read again by the next process', async () => {
    const first = await store.embedded()
    await store.close()
    store = await ModelStore.open(join(folder, 'data'))
    expect(await store.embedded(unread)).toEqual(first)
  })
})

describe("a user's own files", () => {
  it('get a manifest from their metadata', async () => {
    const embedded = await store.embedded()
    const { cid, manifest, targetPath, draftPath } = await store.fromFiles({
      target: relative(process.cwd(), TARGET),
      draft: DRAFT,
      name: 'mine'
    })
    expect({ targetPath, draftPath }).toEqual({ targetPath: TARGET, draftPath: DRAFT })
    expect(manifest).toEqual({ ...embedded.manifest, name: 'mine', license: 'cc-by-sa-4.0' })
    expect(await decodeManifest(await block(cid), cid)).toEqual(manifest)
  })

  it('need no draft', async () => {
    const { manifest, draftPath } = await store.fromFiles({ target: DRAFT })
    expect(manifest).toMatchObject({ name: 'shard-tiny-draft', drafts: [] })
    expect(draftPath).toBeUndefined()
  })

  it('are refused as a pair when their tokenizers differ', async () => {
    const other = join(folder, 'other.gguf')
    const bytes = await readFile(DRAFT)
    const token = bytes.indexOf('\u0120the', bytes.indexOf('tokenizer.ggml.tokens'))
    expect(token).toBeGreaterThan(0)
    bytes.write('\u0120thE', token)
    await writeFile(other, bytes)
    await expect(store.fromFiles({ target: TARGET, draft: other })).rejects.toMatchObject({
      name: 'StoreError',
      code: 'OTHER_TOKENIZER',
      message: expect.stringContaining('Choose a smaller model of the same family') as string
    })
  })

  it('are refused with a sentence when they are not there or no models', async () => {
    await expect(store.fromFiles({ target: join(folder, 'none.gguf') })).rejects.toMatchObject({ code: 'FILE_MISSING' })
    const note = join(folder, 'note.txt')
    await writeFile(note, 'no model')
    await expect(store.fromFiles({ target: DRAFT, draft: note })).rejects.toMatchObject({ code: 'NOT_A_MODEL' })
  })

  it('are refused when the name is none', async () => {
    await expect(store.fromFiles({ target: DRAFT, name: 'two\nlines' })).rejects.toMatchObject({ name: 'ShardError' })
  })

  it('are read anew only where they changed', async () => {
    const own = join(folder, 'own.gguf')
    await cp(DRAFT, own)
    const first = await store.fromFiles({ target: own })
    expect(await store.fromFiles({ target: own }, unread)).toEqual(first)
    await writeFile(own, Buffer.alloc(8), { flag: 'a' })
    const second = await store.fromFiles({ target: own })
    expect(second.cid).not.toEqual(first.cid)
    expect(second.manifest.target.bytes).toBe(first.manifest.target.bytes + 8)
  })

  it('stop being read when told to', async () => {
    const abort = new AbortController()
    const options = { signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) }
    await expect(store.fromFiles({ target: TARGET }, options)).rejects.toThrow('enough')
  })
})

describe('the data folder', () => {
  it('belongs to one process', async () => {
    await expect(ModelStore.open(join(folder, 'data'))).rejects.toMatchObject({ name: 'StoreError', code: 'IN_USE' })
  })

  it('cannot be a file', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(ModelStore.open(join(folder, 'file'))).rejects.toMatchObject({ name: 'StoreError' })
  })
})
