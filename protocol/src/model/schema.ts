import { CID } from 'multiformats/cid'
import { z } from 'zod'
import { ShardError } from '../errors.ts'
import { MANIFEST_LIMITS, MAX_CONTEXT_TOKENS } from '../limits.ts'
import { MAX_ORIGIN_LENGTH, MAX_ORIGINS, TOKENIZER_HASH_LENGTH } from './constants.ts'

const RAW = 0x55
const DAG_PB = 0x70
const SHA2_256 = 0x12
const ENGINES: readonly string[] = ['gguf']

/** Shown in terminals and pages: no control, direction or line characters, and no half surrogate pairs. */
const PLAIN = /^(?=.*\S)[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u

const text = z.string().max(MANIFEST_LIMITS.maxNameLength).regex(PLAIN, 'expected a line of visible text')

const origin = z.string().max(MAX_ORIGIN_LENGTH).refine(isHttps, 'expected an https URL without credentials')

const fileCid = z.custom<CID>(isFileCid, 'expected the CIDv1 of a UnixFS file (codec raw or dag-pb, hash sha2-256)')

const modelFile = z.object({
  cid: fileCid,
  bytes: z.int().min(1).max(MANIFEST_LIMITS.maxFileBytes),
  format: z.literal('gguf'),
  quantization: text,
  origins: z.array(origin).min(1).max(MAX_ORIGINS).optional()
})

const draftBuild = modelFile.extend({ name: text, engine: z.literal('gguf') })

const schema = z.object({
  version: z.literal(1, 'this peer understands version 1 only; update it'),
  name: text,
  family: text.optional(),
  license: text,
  contextLength: z.int().min(1).max(MAX_CONTEXT_TOKENS),
  tokenizer: z
    .custom<Uint8Array>(isHash, `expected ${TOKENIZER_HASH_LENGTH} bytes`)
    .transform((value) => new Uint8Array(value)),
  target: modelFile,
  drafts: z
    .array(z.looseObject({ engine: text }))
    .max(MANIFEST_LIMITS.maxDrafts)
    // A draft for an engine of a later version is no use here, but no reason to refuse the model.
    .transform((drafts) => drafts.filter(({ engine }) => ENGINES.includes(engine)))
    .pipe(z.array(draftBuild))
})

/**
 * Checks a manifest of any origin, drops fields and draft engines that this version does not know.
 *
 * @throws ShardError MALFORMED or OVERSIZED, naming the field
 */
export function checkManifest(value: unknown): z.output<typeof schema> {
  const result = schema.safeParse(value)

  if (result.success) {
    return result.data
  }

  const issue = result.error.issues[0]
  const field = issue == null || issue.path.length === 0 ? 'The manifest' : `The manifest's ${issue.path.join('.')}`
  throw new ShardError(
    issue?.code === 'too_big' ? 'OVERSIZED' : 'MALFORMED',
    `${field} is not valid: ${issue?.message ?? 'unknown fault'}.`
  )
}

function isHttps(value: string): boolean {
  const url = URL.parse(value)
  return url != null && url.protocol === 'https:' && url.username === '' && url.password === ''
}

function isHash(value: unknown): boolean {
  return value instanceof Uint8Array && value.byteLength === TOKENIZER_HASH_LENGTH
}

function isFileCid(value: unknown): boolean {
  const cid = typeof value === 'object' ? CID.asCID(value) : null
  return (
    cid != null &&
    cid.version === 1 &&
    (cid.code === RAW || cid.code === DAG_PB) &&
    cid.multihash.code === SHA2_256 &&
    cid.multihash.digest.byteLength === 32
  )
}
