import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkGguf, readGgufInfo } from './gguf-info.ts'

const EMBEDDED = fileURLToPath(new URL('../../../models/shard-tiny-draft-q8_0.gguf', import.meta.url))

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shard-gguf-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** A GGUF v3 file that holds metadata and no tensor. */
function gguf(metadata: Record<string, string | number | string[]>): Buffer {
  const text = (value: string): Buffer => Buffer.concat([uint64(Buffer.byteLength(value)), Buffer.from(value)])
  const parts = Object.entries(metadata).flatMap(([key, value]) => {
    if (typeof value === 'string') {
      return [text(key), uint32(8), text(value)]
    }
    return typeof value === 'number'
      ? [text(key), uint32(4), uint32(value)]
      : [text(key), uint32(9), uint32(8), uint64(value.length), ...value.map(text)]
  })
  return Buffer.concat([Buffer.from('GGUF'), uint32(3), uint64(0), uint64(Object.keys(metadata).length), ...parts])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

const WHOLE = {
  'general.architecture': 'llama',
  'general.name': 'Some Model',
  'general.license': 'apache-2.0',
  'general.file_type': 15,
  'llama.context_length': 4096,
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.tokens': ['a', 'b']
}

async function save(name: string, bytes: Buffer | string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}

describe('readGgufInfo', () => {
  it('reads the embedded draft', async () => {
    const { tokenizer, ...info } = await readGgufInfo(EMBEDDED)
    expect(info).toEqual({
      name: 'shard-tiny-draft',
      family: 'llama',
      license: 'cc-by-sa-4.0',
      contextLength: 2048,
      quantization: 'Q8_0',
      bytes: 5643456
    })
    expect(tokenizer).toHaveLength(32)
  })

  it('names quantisations as llama.cpp does', async () => {
    expect(await readGgufInfo(await save('whole.gguf', gguf(WHOLE)))).toMatchObject({
      name: 'Some Model',
      license: 'apache-2.0',
      quantization: 'Q4_K_M'
    })
  })

  it('does without what a file need not say', async () => {
    const { 'general.name': _name, 'general.license': _license, 'general.file_type': _type, ...rest } = WHOLE
    expect(await readGgufInfo(await save('bare model.gguf', gguf(rest)))).toMatchObject({
      name: 'bare model',
      license: 'NOASSERTION',
      quantization: 'UNKNOWN'
    })
  })

  it('makes one short line of a name', async () => {
    const path = await save('long.gguf', gguf({ ...WHOLE, 'general.name': `\u202Eevil\n${'x'.repeat(200)}` }))
    const { name } = await readGgufInfo(path)
    expect(name).toMatch(/^evil x+$/)
    expect(name.length).toBeLessThanOrEqual(96)
  })

  it.each([
    ['a model without a context length', gguf({ ...WHOLE, 'llama.context_length': 0 }), /no context length/],
    ['a part of a model', gguf({ ...WHOLE, 'split.count': 3 }), /one of 3 parts .* --merge/],
    ['a model without a tokenizer', gguf({ 'general.architecture': 'clip' }), /no tokenizer/],
    ['a file that is cut off', gguf(WHOLE).subarray(0, 100), /cut off/],
    ['another kind of file', 'PK\u0003\u0004', /not a GGUF file/],
    ['an empty file', '', /not a GGUF file/]
  ])('refuses %s', async (_what, bytes, message) => {
    const path = await save('wrong.gguf', bytes)
    await expect(readGgufInfo(path)).rejects.toMatchObject({ name: 'StoreError', code: 'NOT_A_MODEL' })
    await expect(readGgufInfo(path)).rejects.toThrow(message)
  })

  it('stops when it is told to', async () => {
    await expect(readGgufInfo(EMBEDDED, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })
})

describe('checkGguf', () => {
  it('says what to do about a Git LFS pointer', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 24691040\n`
    await expect(checkGguf(await save('pointer.gguf', pointer))).rejects.toMatchObject({
      code: 'LFS_POINTER',
      message: expect.stringContaining('git lfs pull') as string
    })
  })

  it('tells a missing file and a folder apart', async () => {
    await expect(checkGguf(join(folder, 'none.gguf'))).rejects.toMatchObject({ code: 'FILE_MISSING' })
    await mkdir(join(folder, 'models'), { recursive: true })
    await expect(checkGguf(join(folder, 'models'))).rejects.toMatchObject({ code: 'NOT_A_MODEL' })
  })
})
