import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShardError } from '../errors.ts'
import { checkGgufHeader } from './gguf-check.ts'

const MODELS = new URL('../../../models/', import.meta.url)

type Value = number | string | string[] | number[]

interface Parts {
  version?: number
  tensorCount?: number
  keyCount?: number
  metadata?: Array<[string, number, Value]>
  tensors?: Array<{ name: string; dims: number[]; type: number; offset: number }>
  dataBytes?: number
}

const [UINT32, INT32, FLOAT32, STRING, ARRAY] = [4, 5, 6, 8, 9]
const METADATA: Array<[string, number, Value]> = [
  ['general.architecture', STRING, 'llama'],
  ['llama.block_count', UINT32, 1],
  ['llama.attention.head_count', UINT32, 4],
  ['llama.feed_forward_length', UINT32, 64],
  ['llama.attention.layer_norm_rms_epsilon', FLOAT32, 1e-5],
  ['tokenizer.ggml.model', STRING, 'gpt2'],
  ['tokenizer.ggml.tokens', ARRAY, ['a', 'b']]
]
const TENSORS = [
  { name: 'token_embd.weight', dims: [32, 2], type: 8, offset: 0 },
  { name: 'blk.0.attn_q.weight', dims: [4, 2], type: 0, offset: 96 }
]

function with_(key: string, type: number, value: Value): Array<[string, number, Value]> {
  return [...METADATA.filter(([name]) => name !== key), [key, type, value]]
}

function without(key: string): Array<[string, number, Value]> {
  return METADATA.filter(([name]) => name !== key)
}

function gguf({
  version = 3,
  metadata = METADATA,
  tensors = TENSORS,
  dataBytes = 128,
  ...counts
}: Parts = {}): Uint8Array {
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    uint32(version),
    uint64(counts.tensorCount ?? tensors.length),
    uint64(counts.keyCount ?? metadata.length),
    ...metadata.flatMap(([key, type, value]) => [text(key), uint32(type), encode(type, value)]),
    ...tensors.flatMap(({ name, dims, type, offset }) => [
      text(name),
      uint32(dims.length),
      ...dims.map(uint64),
      uint32(type),
      uint64(offset)
    ])
  ])
  return Buffer.concat([header, Buffer.alloc((32 - (header.byteLength % 32)) % 32), Buffer.alloc(dataBytes)])
}

function encode(type: number, value: Value): Buffer {
  if (typeof value === 'string') {
    return text(value)
  }
  if (typeof value === 'number') {
    return type === FLOAT32 ? float32(value) : uint32(value)
  }
  const items = value.map((item) => (typeof item === 'string' ? text(item) : uint32(item)))
  return Buffer.concat([uint32(typeof value[0] === 'string' ? STRING : INT32), uint64(value.length), ...items])
}

function text(value: string): Buffer {
  return Buffer.concat([uint64(Buffer.byteLength(value)), Buffer.from(value)])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

const tensor = (change: Partial<(typeof TENSORS)[number]>): Parts => ({ tensors: [{ ...TENSORS[0]!, ...change }] })

describe('checkGgufHeader', () => {
  it.each(['shard-tiny-q4_0.gguf', 'shard-tiny-draft-q8_0.gguf'])('accepts %s', async (name) => {
    const file = await readFile(fileURLToPath(new URL(name, MODELS)))
    const { architecture, tensors, dataOffset } = await checkGgufHeader(new Blob([file]))
    expect(architecture).toBe('llama')
    expect(tensors).toBeGreaterThan(10)
    expect(dataOffset % 32).toBe(0)
    await expect(checkGgufHeader(file.subarray(0, file.byteLength - 1000))).rejects.toThrow(/cut off within the tensor/)
  })

  it('accepts a small file that is right', async () => {
    expect(await checkGgufHeader(gguf())).toMatchObject({ architecture: 'llama', tensors: 2 })
  })

  it.each<[string, Parts, RegExp]>([
    ['another version', { version: 1 }, /version 1/],
    ['too many tensors', { tensorCount: 2 ** 40 }, /number of tensors/],
    ['more tensors than there are', { tensorCount: 3 }, /dimensions|cut off/],
    ['too many keys', { keyCount: 2 ** 40 }, /number of metadata keys/],
    ['a key twice', { metadata: [...METADATA, ...METADATA.slice(0, 1)] }, /there twice/],
    ['a value of an unknown type', { metadata: with_('x', 13, 1) }, /unknown type 13/],
    ['no architecture', { metadata: without('general.architecture') }, /architecture/],
    ['an architecture that is no name', { metadata: with_('general.architecture', STRING, '../x') }, /architecture/],
    ['too many layers', { metadata: with_('llama.block_count', UINT32, 513) }, /block_count 513/],
    ['heads that are missing', { metadata: without('llama.attention.head_count') }, /head_count/],
    ['an epsilon below 0', { metadata: with_('llama.attention.layer_norm_rms_epsilon', FLOAT32, -1) }, /from 0 to 1/],
    ['a fraction that is none', { metadata: with_('llama.rope.freq_base', FLOAT32, Number.NaN) }, /no number/],
    ['scores of fewer tokens', { metadata: with_('tokenizer.ggml.token_type', ARRAY, [1]) }, /2 tokens, but 1/],
    ['scores of another kind', { metadata: with_('tokenizer.ggml.scores', ARRAY, [1, 1]) }, /another kind/],
    ['a token twice', { metadata: with_('tokenizer.ggml.tokens', ARRAY, ['a', 'b', 'a']) }, /the same/],
    ['a token that is none', { metadata: with_('tokenizer.ggml.bos_token_id', UINT32, 2) }, /bos_token_id/],
    ['no bytes to fall back to', { metadata: with_('tokenizer.ggml.model', STRING, 'llama') }, /no token for the byte/],
    ['an odd alignment', { metadata: with_('general.alignment', UINT32, 24) }, /alignment/],
    ['no alignment', { metadata: with_('general.alignment', UINT32, 0) }, /alignment/],
    ['a tensor without a name', tensor({ name: '' }), /without a name/],
    ['a tensor with a long name', tensor({ name: 'x'.repeat(64) }), /tensor name/],
    ['two tensors of one name', { tensors: [TENSORS[0]!, TENSORS[0]!] }, /two tensors/],
    ['a tensor of 5 dimensions', tensor({ dims: [32, 1, 1, 1, 1] }), /5 dimensions/],
    ['a tensor of no dimension', tensor({ dims: [] }), /0 dimensions/],
    ['a tensor with nothing in it', tensor({ dims: [32, 0] }), /dimension of 0/],
    ['a tensor whose size overflows', tensor({ dims: [2 ** 32, 2 ** 32, 2 ** 32] }), /dimension of|more than/],
    ['a tensor of an unknown type', tensor({ type: 4 }), /unknown type 4/],
    ['rows of half a block', tensor({ dims: [48, 2] }), /no multiple of 32/],
    ['a tensor before the data', tensor({ offset: 32 }), /another place/],
    ['a tensor beyond the file', { dataBytes: 96 }, /cut off within the tensor/],
    ['no tensors', { tensors: [] }, /no tensors/]
  ])('refuses %s', async (_, parts, message) => {
    const error: unknown = await checkGgufHeader(gguf(parts)).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(ShardError)
    expect(String(error)).toMatch(message)
  })

  it('shows no control characters of a file', async () => {
    await expect(checkGgufHeader(gguf(tensor({ name: '\u001B[2J', type: 4 })))).rejects.toThrow(/"\?\[2J"/)
  })

  it('never fails in another way than it says', async () => {
    const whole = gguf()
    const change = fc.array(fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    const checked = fc.assert(
      fc.asyncProperty(change, fc.nat(whole.byteLength), async (changes, length) => {
        const file = whole.slice(0, length % 3 === 0 ? length : undefined)
        changes.forEach(([at, value]) => (file[at] = value))
        const error: unknown = await checkGgufHeader(file).catch((cause: unknown) => cause)
        return error instanceof ShardError || (typeof error === 'object' && error != null && 'architecture' in error)
      }),
      { numRuns: 2_000 }
    )
    await expect(checked).resolves.toBeUndefined()
  })
})
