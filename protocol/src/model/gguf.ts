import { ShardError } from '../errors.ts'
import { GGUF_LIMITS } from './constants.ts'
import { GgufMetadata, NeedsMore } from './gguf-metadata.ts'
import type { GgmlTokenizer } from './tokenizer.ts'

const PREFIX = 'tokenizer.ggml.'
const IDS = ['bos_token_id', 'eos_token_id', 'eot_token_id', 'eom_token_id']
const WANTED = new Set(['model', 'pre', 'tokens', 'token_type', 'merges', ...IDS].map((name) => PREFIX + name))
/** -1: some converters write it for a token that the model does not have. */
const NO_TOKEN = 0xffffffff

/**
 * The tokenizer of a GGUF file (version 2 or 3, little-endian), from its first bytes only. A reader of our own: the
 * published ones fetch from a URL, strip a leading U+FEFF from tokens or take a file that is cut off for one that is
 * full of zeros.
 *
 * @param source - the file, or its beginning as bytes
 * @param options - `signal`: stops between two reads
 * @throws ShardError MALFORMED if it is not such a file, is cut off, or has no tokenizer; OVERSIZED past
 * {@link GGUF_LIMITS}
 */
export async function readGgufTokenizer(
  source: Blob | Uint8Array,
  options: { signal?: AbortSignal } = {}
): Promise<GgmlTokenizer> {
  const size = source instanceof Uint8Array ? source.byteLength : source.size

  for (let length: number = GGUF_LIMITS.firstReadBytes; ; length *= 2) {
    const bytes = await readBeginning(source, Math.min(length, GGUF_LIMITS.maxHeaderBytes, size))
    options.signal?.throwIfAborted()

    try {
      return assemble(new GgufMetadata(bytes).read(WANTED))
    } catch (error) {
      if (!(error instanceof NeedsMore)) {
        throw error
      }
    }

    if (length >= size) {
      throw new ShardError('MALFORMED', 'The GGUF file is cut off within its metadata; fetch it again.')
    }
  }
}

async function readBeginning(source: Blob | Uint8Array, length: number): Promise<Uint8Array> {
  return source instanceof Uint8Array
    ? source.subarray(0, length)
    : new Uint8Array(await source.slice(0, length).arrayBuffer())
}

function assemble(found: ReadonlyMap<string, unknown>): GgmlTokenizer {
  const model = found.get(`${PREFIX}model`)
  const pre = found.get(`${PREFIX}pre`)
  const tokens = strings(found.get(`${PREFIX}tokens`))
  const types = numbers(found.get(`${PREFIX}token_type`))
  const merges = strings(found.get(`${PREFIX}merges`))

  if (typeof model !== 'string' || tokens == null || tokens.length === 0) {
    throw new ShardError(
      'MALFORMED',
      'The GGUF file has no tokenizer (tokenizer.ggml.model and tokens); use another one.'
    )
  }

  if (types != null && types.length !== tokens.length) {
    throw new ShardError('MALFORMED', `The GGUF file has ${tokens.length} tokens, but ${types.length} token types.`)
  }

  const id = (name: string): number | undefined => {
    const value = found.get(PREFIX + name)

    if (typeof value !== 'number' || value === NO_TOKEN) {
      return undefined
    }

    if (value >= tokens.length) {
      throw new ShardError('MALFORMED', `The GGUF file's ${name} is ${value}, but it has ${tokens.length} tokens.`)
    }

    return value
  }

  return {
    model,
    pre: typeof pre === 'string' ? pre : undefined,
    tokens,
    token_type: types,
    merges,
    bos_token_id: id('bos_token_id'),
    eos_token_id: id('eos_token_id'),
    eot_token_id: id('eot_token_id'),
    eom_token_id: id('eom_token_id')
  }
}

function strings(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
}

function numbers(value: unknown): number[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'number') ? value : undefined
}
