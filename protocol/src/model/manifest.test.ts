import * as dagCbor from '@ipld/dag-cbor'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { describe, expect, it } from 'vitest'
import { isShardError } from '../errors.ts'
import { MANIFEST_LIMITS } from '../limits.ts'
import { decodeManifest, encodeManifest, manifestFromJson, manifestToJson } from './manifest.ts'
import type { FaultCode } from '../errors.ts'
import type { Manifest } from './manifest.ts'

// Same cases in every run.
fc.configureGlobal({ seed: 2 })

const fileCid = (fill: number, codec = 0x70): CID => CID.createV1(codec, create(0x12, new Uint8Array(32).fill(fill)))

const EXAMPLE: Manifest = {
  version: 1,
  name: 'example',
  family: 'llama',
  license: 'Apache-2.0',
  contextLength: 2048,
  tokenizer: new Uint8Array(32).fill(7),
  target: { cid: fileCid(1), bytes: 1000, format: 'gguf', quantization: 'Q4_0', origins: ['https://example.org/a'] },
  drafts: [{ name: 'small', engine: 'gguf', cid: fileCid(2), bytes: 100, format: 'gguf', quantization: 'Q8_0' }]
}

const text = fc.stringMatching(/^[A-Za-z0-9 éß漢😀._-]{0,20}[A-Za-z0-9]$/u)
const modelFile = fc.record(
  {
    cid: fc.tuple(fc.nat(255), fc.constantFrom(0x55, 0x70)).map(([fill, codec]) => fileCid(fill, codec)),
    bytes: fc.integer({ min: 1, max: MANIFEST_LIMITS.maxFileBytes }),
    format: fc.constant('gguf' as const),
    quantization: text,
    origins: fc.array(fc.webUrl({ validSchemes: ['https'] }), { minLength: 1, maxLength: 8 })
  },
  { requiredKeys: ['cid', 'bytes', 'format', 'quantization'] }
)
const draft = fc.tuple(modelFile, text).map(([file, name]) => ({ ...file, name, engine: 'gguf' as const }))
const manifests: fc.Arbitrary<Manifest> = fc.record(
  {
    version: fc.constant(1 as const),
    name: text,
    family: text,
    license: text,
    contextLength: fc.integer({ min: 1, max: 262_144 }),
    tokenizer: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    target: modelFile,
    drafts: fc.array(draft, { maxLength: MANIFEST_LIMITS.maxDrafts })
  },
  { requiredKeys: ['version', 'name', 'license', 'contextLength', 'tokenizer', 'target', 'drafts'] }
)

/** A block with some of the example's fields replaced; `undefined` removes one. */
const block = (changes: Record<string, unknown>): Uint8Array =>
  dagCbor.encode(
    Object.fromEntries(Object.entries({ ...EXAMPLE, ...changes }).filter(([, value]) => value !== undefined))
  )

const failure = async (action: Promise<unknown>): Promise<unknown> =>
  action.then(
    () => undefined,
    (error: unknown) => error
  )

describe('encodeManifest and decodeManifest', () => {
  it('are inverse', async () => {
    await fc.assert(
      fc.asyncProperty(manifests, async (manifest) => {
        const { cid, bytes } = await encodeManifest(manifest)
        expect(await decodeManifest(bytes, cid)).toEqual(manifest)
      })
    )
  })

  it('name a model by the CIDv1 of its DAG-CBOR, whatever the order of the fields', async () => {
    const { cid, bytes } = await encodeManifest(EXAMPLE)
    const reversed = Object.fromEntries(Object.entries(EXAMPLE).reverse()) as unknown as Manifest
    expect((await encodeManifest({ ...reversed, family: EXAMPLE.family })).cid.toString()).toBe(cid.toString())
    expect(cid.toString()).toMatch(/^bafyrei/)
    expect(cid.code).toBe(dagCbor.code)
    expect(dagCbor.decode<Manifest>(bytes).target.cid.equals(EXAMPLE.target.cid)).toBe(true)
  })

  it('take an undefined field for one that is left out', async () => {
    const { family, ...rest } = EXAMPLE
    expect(family).toBe('llama')
    const one = await encodeManifest(rest)
    const other = await encodeManifest({ ...rest, family: undefined, target: { ...EXAMPLE.target } })
    expect(other.cid.equals(one.cid)).toBe(true)
  })

  it('refuse bytes that another CID names', async () => {
    const { cid } = await encodeManifest(EXAMPLE)
    const { bytes } = await encodeManifest({ ...EXAMPLE, name: 'another' })
    const error = await failure(decodeManifest(bytes, cid))
    expect(isShardError(error, 'MALFORMED')).toBe(true)
    expect((error as Error).message).toContain(cid.toString())
  })

  it('refuse a second encoding of the same manifest', async () => {
    const { bytes } = await encodeManifest({ ...EXAMPLE, drafts: [] })
    // A map of 8 (0xa8) written with a length of its own (0xb8 0x08).
    expect(bytes[0]).toBe(0xa8)
    const longer = Uint8Array.of(0xb8, 0x08, ...bytes.subarray(1))
    expect(isShardError(await failure(decodeManifest(longer)), 'MALFORMED')).toBe(true)
  })

  it('pass over fields and draft engines that they do not know', async () => {
    const bytes = block({
      mascot: 'a crab',
      drafts: [{ engine: 'mlc', library: fileCid(3) }, ...EXAMPLE.drafts]
    })
    expect(await decodeManifest(bytes)).toEqual(EXAMPLE)
  })

  it.each<[string, FaultCode, Record<string, unknown>]>([
    ['version', 'MALFORMED', { version: 2 }],
    ['name', 'MALFORMED', { name: undefined }],
    ['name', 'MALFORMED', { name: ' ' }],
    ['name', 'MALFORMED', { name: 'red\u001b[31m' }],
    ['name', 'MALFORMED', { name: 'right\u202eleft' }],
    ['name', 'OVERSIZED', { name: 'x'.repeat(97) }],
    ['license', 'MALFORMED', { license: 5 }],
    ['contextLength', 'MALFORMED', { contextLength: 0 }],
    ['contextLength', 'MALFORMED', { contextLength: 1.5 }],
    ['contextLength', 'OVERSIZED', { contextLength: 262_145 }],
    ['tokenizer', 'MALFORMED', { tokenizer: new Uint8Array(31) }],
    ['tokenizer', 'MALFORMED', { tokenizer: 'abc' }],
    ['target', 'MALFORMED', { target: null }],
    ['target.cid', 'MALFORMED', { target: { ...EXAMPLE.target, cid: 'bafy' } }],
    ['target.cid', 'MALFORMED', { target: { ...EXAMPLE.target, cid: fileCid(1, 0x71) } }],
    ['target.cid', 'MALFORMED', { target: { ...EXAMPLE.target, cid: CID.createV0(create(0x12, new Uint8Array(32))) } }],
    [
      'target.cid',
      'MALFORMED',
      { target: { ...EXAMPLE.target, cid: CID.createV1(0x55, create(0, new Uint8Array(4))) } }
    ],
    ['target.bytes', 'OVERSIZED', { target: { ...EXAMPLE.target, bytes: 2 ** 41 + 1 } }],
    ['target.format', 'MALFORMED', { target: { ...EXAMPLE.target, format: 'exe' } }],
    ['target.origins.0', 'MALFORMED', { target: { ...EXAMPLE.target, origins: ['http://example.org'] } }],
    ['target.origins.0', 'MALFORMED', { target: { ...EXAMPLE.target, origins: ['https://me:secret@example.org'] } }],
    ['target.origins', 'OVERSIZED', { target: { ...EXAMPLE.target, origins: Array(9).fill('https://example.org') } }],
    ['drafts', 'OVERSIZED', { drafts: Array(17).fill(EXAMPLE.drafts[0]) }],
    ['drafts.0.name', 'MALFORMED', { drafts: [{ ...EXAMPLE.drafts[0], name: 7 }] }]
  ])('refuse a wrong %s as %s', async (field, code, changes) => {
    const error = await failure(decodeManifest(block(changes)))
    expect(isShardError(error, code)).toBe(true)
    expect((error as Error).message).toContain(`The manifest's ${field} is not valid: `)
    expect(isShardError(await failure(encodeManifest({ ...EXAMPLE, ...changes })), code)).toBe(true)
  })

  it('refuse a block that is too long before they read it', async () => {
    const error = await failure(decodeManifest(new Uint8Array(MANIFEST_LIMITS.maxBytes + 1)))
    expect(isShardError(error, 'OVERSIZED')).toBe(true)
  })

  it('throw nothing but ShardError at random and damaged bytes', async () => {
    const { bytes } = await encodeManifest(EXAMPLE)
    const damaged = fc
      .tuple(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 }), fc.nat(bytes.length))
      .map(([changes, length]) => {
        const copy = bytes.slice(0, length === 0 ? undefined : length)
        changes.forEach(([index, value]) => copy.fill(value, index, index + 1))
        return copy
      })

    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged), async (input) => {
        const error = await failure(decodeManifest(input))
        expect(error === undefined || isShardError(error)).toBe(true)
      }),
      { numRuns: 2_000 }
    )
  })

  it('throw ShardError at nesting that would exhaust the stack', async () => {
    const error = await failure(decodeManifest(new Uint8Array(MANIFEST_LIMITS.maxBytes).fill(0x81)))
    expect(isShardError(error, 'MALFORMED')).toBe(true)
  })
})

describe('manifestToJson and manifestFromJson', () => {
  it('are inverse', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        expect(manifestFromJson(JSON.parse(manifestToJson(manifest)))).toEqual(manifest)
      })
    )
  })

  it('write CIDs and bytes as DAG-JSON does', () => {
    const json = JSON.parse(manifestToJson(EXAMPLE)) as { target: { cid: unknown }; tokenizer: unknown }
    expect(json.target.cid).toEqual({ '/': EXAMPLE.target.cid.toString() })
    expect(json.tokenizer).toEqual({ '/': { bytes: 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc' } })
  })

  it('throw nothing but ShardError at other JSON', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.constant(undefined)), (json) => {
        expect(() => manifestFromJson(json)).toThrow(expect.toSatisfy((error: unknown) => isShardError(error)))
      })
    )
  })
})
