import { openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isShardError } from '../errors.ts'
import { readGgufTokenizer } from './gguf.ts'
import { tokenizerHash } from './tokenizer.ts'

// Same cases in every run.
fc.configureGlobal({ seed: 2 })

const UINT8 = 0
const UINT32 = 4
const INT32 = 5
const FLOAT32 = 6
const STRING = 8
const ARRAY = 9
const UINT64 = 10

const uint32 = (value: number): Buffer<ArrayBuffer> => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const uint64 = (value: number | bigint): Buffer<ArrayBuffer> => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
const string = (text: string): Buffer<ArrayBuffer> =>
  Buffer.concat([uint64(Buffer.byteLength(text)), Buffer.from(text)])
const entry = (key: string, type: number, ...value: Array<Buffer<ArrayBuffer>>): Buffer<ArrayBuffer> =>
  Buffer.concat([string(key), uint32(type), ...value])
const array = (
  type: number,
  items: Array<Buffer<ArrayBuffer>>,
  length: number | bigint = items.length
): Buffer<ArrayBuffer> => Buffer.concat([uint32(type), uint64(length), ...items])
const file = (
  entries: Array<Buffer<ArrayBuffer>>,
  version = 3,
  keys: number | bigint = entries.length
): Buffer<ArrayBuffer> => Buffer.concat([Buffer.from('GGUF'), uint32(version), uint64(0), uint64(keys), ...entries])

const TOKENS = ['<s>', '</s>', '\ufeff', 'é', '漢字']
const NEEDED = [
  entry('tokenizer.ggml.model', STRING, string('llama')),
  entry('tokenizer.ggml.tokens', ARRAY, array(STRING, TOKENS.map(string))),
  entry('tokenizer.ggml.token_type', ARRAY, array(INT32, [3, 3, 1, 1, 1].map(uint32))),
  entry('tokenizer.ggml.eos_token_id', UINT32, uint32(1)),
  entry('tokenizer.ggml.bos_token_id', INT32, uint32(0xffffffff))
]
const OTHERS = [
  entry('general.name', STRING, string('x'.repeat(1000))),
  entry('some.bytes', ARRAY, array(UINT8, [Buffer.alloc(100)], 100)),
  entry('some.size', UINT64, uint64(2n ** 60n)),
  entry(
    'tokenizer.ggml.scores',
    ARRAY,
    array(
      FLOAT32,
      TOKENS.map(() => uint32(0))
    )
  ),
  entry('nested', ARRAY, array(ARRAY, [array(STRING, [string('a'), string('b')]), array(UINT32, [uint32(1)])]))
]

const failure = async (source: Blob | Uint8Array): Promise<unknown> =>
  readGgufTokenizer(source).then(
    () => undefined,
    (error: unknown) => error
  )

describe('readGgufTokenizer', () => {
  it.each([2, 3])('reads version %d, with the keys in any order', async (version) => {
    for (const entries of [[...OTHERS, ...NEEDED], [...NEEDED, ...OTHERS].reverse()]) {
      expect(await readGgufTokenizer(file(entries, version))).toEqual({
        model: 'llama',
        tokens: TOKENS,
        token_type: [3, 3, 1, 1, 1],
        eos_token_id: 1
      })
    }
  })

  it('reads both files of the embedded pair, as blobs and as bytes; they have one tokenizer', async () => {
    const hashes: string[] = []

    for (const name of ['shard-tiny-q4_0.gguf', 'shard-tiny-draft-q8_0.gguf']) {
      const path = fileURLToPath(new URL(`../../../models/${name}`, import.meta.url))
      const tokenizer = await readGgufTokenizer(await openAsBlob(path))
      expect(tokenizer).toMatchObject({ model: 'gpt2', pre: 'gpt-2', eos_token_id: 2 })
      expect(tokenizer.tokens.length).toBe(8192)
      expect(tokenizer.token_type?.length).toBe(8192)
      expect(await readGgufTokenizer(await readFile(path))).toEqual(tokenizer)
      hashes.push(Buffer.from(await tokenizerHash(tokenizer)).toString('hex'))
    }

    expect(hashes[0]).toBe(hashes[1])
  })

  it('reads on where the metadata is longer than the first read', async () => {
    const many = Array.from({ length: 60_000 }, (_, index) => string(`token number ${index} of a long list`))
    const bytes = file([NEEDED[0] ?? Buffer.of(), entry('tokenizer.ggml.tokens', ARRAY, array(STRING, many))])
    expect(bytes.byteLength).toBeGreaterThan(2 ** 21)

    for (const source of [bytes, new Blob([bytes])]) {
      const { tokens } = await readGgufTokenizer(source)
      expect(tokens.length).toBe(60_000)
      expect(tokens.at(-1)).toBe('token number 59999 of a long list')
    }
  })

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(readGgufTokenizer(file(NEEDED), { signal })).rejects.toThrow('enough')
  })

  it.each([
    ['no bytes', Buffer.of(), 'MALFORMED', /cut off/],
    ['another format', Buffer.from('PK\u0003\u0004'.repeat(10)), 'MALFORMED', /not a GGUF/],
    ['version 1', file(NEEDED, 1), 'MALFORMED', /version 1/],
    ['big-endian', file(NEEDED, 0x03000000), 'MALFORMED', /little-endian/],
    ['no tokenizer', file(OTHERS), 'MALFORMED', /no tokenizer/],
    ['no tokens', file(NEEDED.slice(0, 1)), 'MALFORMED', /no tokenizer/],
    [
      'tokens that are no text',
      file([...NEEDED.slice(0, 1), entry('tokenizer.ggml.tokens', ARRAY, array(INT32, [uint32(1)]))]),
      'MALFORMED',
      /no tokenizer/
    ],
    [
      'types for other tokens',
      file([...NEEDED.slice(0, 2), entry('tokenizer.ggml.token_type', ARRAY, array(INT32, [uint32(1)]))]),
      'MALFORMED',
      /5 tokens, but 1/
    ],
    [
      'an end beyond the tokens',
      file([...NEEDED.slice(0, 2), entry('tokenizer.ggml.eos_token_id', UINT32, uint32(5))]),
      'MALFORMED',
      /eos_token_id is 5/
    ],
    ['an unknown type', file([entry('a', 13, uint32(0))]), 'MALFORMED', /unknown type 13/],
    ['too many keys', file(NEEDED, 3, 2n ** 63n), 'OVERSIZED', /number of metadata keys/],
    [
      'too many tokens',
      file([entry('tokenizer.ggml.tokens', ARRAY, array(STRING, [], 2n ** 40n))]),
      'OVERSIZED',
      /length of tokenizer.ggml.tokens/
    ],
    [
      'a token that is too long',
      file([entry('tokenizer.ggml.tokens', ARRAY, array(STRING, [uint64(70_000)], 1))]),
      'OVERSIZED',
      /length of a tokenizer.ggml.tokens/
    ],
    [
      'a value beyond every limit',
      file([entry('a', STRING, uint64(2n ** 64n - 1n))]),
      'OVERSIZED',
      /metadata is longer/
    ],
    [
      'a list beyond every limit',
      file([entry('a', ARRAY, array(UINT64, [], 2n ** 64n - 1n))]),
      'OVERSIZED',
      /metadata is longer/
    ],
    [
      'a list longer than the file',
      file([entry('a', ARRAY, array(STRING, [], 2n ** 64n - 1n))]),
      'MALFORMED',
      /cut off/
    ],
    [
      'deep nesting',
      file([entry('a', ARRAY, array(ARRAY, [array(ARRAY, [array(ARRAY, [array(ARRAY, [array(ARRAY, [])])])])]))]),
      'OVERSIZED',
      /nests arrays/
    ]
  ] as const)('refuses %s', async (_, bytes, code, message) => {
    for (const source of [bytes, new Blob([bytes])]) {
      const error = await failure(source)
      expect(isShardError(error, code)).toBe(true)
      expect((error as Error).message).toMatch(message)
    }
  })

  it('refuses a file that is cut off anywhere within its metadata', async () => {
    const bytes = file([...OTHERS, ...NEEDED])

    for (let length = 0; length < bytes.byteLength; length++) {
      expect(isShardError(await failure(bytes.subarray(0, length)), 'MALFORMED')).toBe(true)
    }
  })

  it('throws nothing but ShardError at damaged files, and never waits', async () => {
    const bytes = file([...OTHERS, ...NEEDED])
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(0, 8, 9, 255)))

    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const copy = Buffer.from(bytes)
        changes.forEach(([index, value]) => copy.fill(value, index, index + 1))
        const error = await failure(copy)
        expect(error === undefined || isShardError(error)).toBe(true)
      }),
      { numRuns: 3_000 }
    )
  })
})
