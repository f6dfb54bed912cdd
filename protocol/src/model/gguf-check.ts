import { ShardError } from '../errors.ts'
import { GGUF_LIMITS } from './constants.ts'
import { readGgufTokenizer } from './gguf.ts'
import { GgufReader, malformed, type GgufHeader, type GgufTensor, type GgufValue } from './gguf-reader.ts'
import { NeedsMore } from './gguf-metadata.ts'
import { GGUF_TYPE, TENSOR_TYPES } from './gguf-types.ts'
import type { GgmlTokenizer } from './tokenizer.ts'

/** What {@link checkGgufHeader} found. */
export interface GgufSummary {
  /** E.g. `llama`. */
  architecture: string
  tensors: number
  /** Where the tensors' data begins, in bytes. */
  dataOffset: number
}

const { UINT32, INT32, FLOAT32, STRING, ARRAY } = GGUF_TYPE
const DEFAULT_ALIGNMENT = 32

/** Settings of a model, after its architecture's name; each a whole number, or a list with one for each layer. */
const SETTINGS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  // LLAMA_MAX_LAYERS; 8 times the layers of the largest open models
  block_count: [1, 512],
  context_length: [1, 2 ** 28],
  embedding_length: [1, 2 ** 17],
  feed_forward_length: [0, 2 ** 20],
  'attention.head_count': [0, 4_096],
  'attention.head_count_kv': [0, 4_096],
  'attention.key_length': [1, 2 ** 14],
  'attention.value_length': [1, 2 ** 14],
  'rope.dimension_count': [1, 2 ** 14],
  // LLAMA_MAX_EXPERTS
  expert_count: [0, 512],
  expert_used_count: [0, 512],
  vocab_size: [1, GGUF_LIMITS.maxTokens]
}

/** Fractions, after the architecture's name: what keeps a division from being one by 0. */
const FRACTIONS = ['attention.layer_norm_epsilon', 'attention.layer_norm_rms_epsilon']

/**
 * Holds the header of a GGUF file to what llama.cpp's parser, which is C++, takes for granted: every count, length, type,
 * dimension and offset is in its bounds, the tensors follow each other, and the file holds all of them. To be called
 * before llama.cpp opens a file that somebody else may have made.
 *
 * @param source - the whole file; only its header is read
 * @throws ShardError MALFORMED or OVERSIZED with a sentence; the signal's reason
 */
export async function checkGgufHeader(
  source: Blob | Uint8Array,
  options: { signal?: AbortSignal } = {}
): Promise<GgufSummary> {
  const size = source instanceof Uint8Array ? source.byteLength : source.size

  for (let length: number = GGUF_LIMITS.firstReadBytes; ; length *= 2) {
    const end = Math.min(length, GGUF_LIMITS.maxHeaderBytes, size)
    const bytes =
      source instanceof Uint8Array ? source.subarray(0, end) : new Uint8Array(await source.slice(0, end).arrayBuffer())
    options.signal?.throwIfAborted()

    try {
      const summary = check(new GgufReader(bytes).read(), size)
      checkVocabulary(await readGgufTokenizer(bytes))
      return summary
    } catch (error) {
      if (!(error instanceof NeedsMore)) {
        throw error
      }
    }

    if (length >= size) {
      throw malformed('is cut off within its header')
    }
  }
}

function check(header: GgufHeader, size: number): GgufSummary {
  const { metadata, tensors } = header
  const architecture = checkSettings(metadata)
  const vocabulary = checkTokenizer(metadata)
  const alignment = checkAlignment(metadata.get('general.alignment'))
  const dataOffset = roundUp(header.bytes, alignment)
  let next = 0

  for (const tensor of tensors) {
    const bytes = tensorBytes(tensor)

    if (tensor.offset !== next) {
      throw malformed(`has the tensor ${quoted(tensor.name)} at another place than the tensors before it leave`)
    }

    if (dataOffset + next + bytes > size) {
      throw malformed(`is cut off within the tensor ${quoted(tensor.name)}`)
    }

    next += roundUp(bytes, alignment)
  }

  checkShapes(architecture, metadata, tensors)

  if (vocabulary === 0 || tensors.length === 0) {
    throw malformed('has no tokens or no tensors, so it is no language model')
  }

  return { architecture, tensors: tensors.length, dataOffset }
}

/** @returns the tensor's size in bytes */
function tensorBytes({ name, dims, type }: GgufTensor): number {
  const layout = TENSOR_TYPES.get(type)

  if (layout == null) {
    throw malformed(`has the tensor ${quoted(name)} of the unknown type ${type}`)
  }

  let values = 1

  for (const length of dims) {
    // each product stays exact, since it is compared before the next one
    if (length < 1 || length > GGUF_LIMITS.maxTensorBytes) {
      throw malformed(`has the tensor ${quoted(name)} with a dimension of ${length}`)
    }

    values *= length

    if (values > GGUF_LIMITS.maxTensorBytes) {
      throw new ShardError(
        'OVERSIZED',
        `The GGUF file's tensor ${quoted(name)} has more than ${GGUF_LIMITS.maxTensorBytes} values.`
      )
    }
  }

  if ((dims[0] ?? 0) % layout.block !== 0) {
    throw malformed(`has the tensor ${quoted(name)} whose rows are no multiple of ${layout.block} values`)
  }

  return (values / layout.block) * layout.bytes
}

function checkAlignment(value: GgufValue | undefined): number {
  if (value == null) {
    return DEFAULT_ALIGNMENT
  }

  const alignment = value.type === UINT32 && 'number' in value ? value.number : 0

  if (alignment < 8 || alignment > GGUF_LIMITS.maxAlignment || (alignment & (alignment - 1)) !== 0) {
    throw malformed('names an alignment that is no power of two from 8 on')
  }

  return alignment
}

/** @returns the architecture */
function checkSettings(metadata: ReadonlyMap<string, GgufValue>): string {
  const named = metadata.get('general.architecture')
  const architecture = named != null && 'text' in named ? named.text : ''

  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(architecture)) {
    throw malformed('does not name its architecture')
  }

  for (const [name, [least, most]] of Object.entries(SETTINGS)) {
    const value = metadata.get(`${architecture}.${name}`)

    for (const number of value == null ? [] : numbersOf(name, value)) {
      if (!Number.isInteger(number) || number < least || number > most) {
        throw malformed(`has ${name} ${number}; from ${least} to ${most} are possible`)
      }
    }
  }

  for (const name of FRACTIONS) {
    const value = metadata.get(`${architecture}.${name}`)

    if (value != null && !numbersOf(name, value).every((number) => number >= 0 && number <= 1)) {
      throw malformed(`has a ${name} that is not from 0 to 1`)
    }
  }

  for (const [key, value] of metadata) {
    if (key.startsWith(`${architecture}.`) && 'number' in value && !Number.isFinite(value.number)) {
      throw malformed(`has a ${quoted(key)} that is no number`)
    }
  }

  return architecture
}

/** Where a setting is missing llama.cpp takes 0, and a tensor of 0 rows ends the process. */
function checkShapes(
  architecture: string,
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensor[]
): void {
  const needs = (pattern: RegExp, setting: string): void => {
    const value = metadata.get(`${architecture}.${setting}`)
    const given = value != null && (!('number' in value) || value.number > 0)

    if (!given && tensors.some(({ name }) => pattern.test(name))) {
      throw malformed(`has layers that need ${setting}, but does not name it`)
    }
  }

  needs(/^blk\.\d+\.attn_(q|k|v|qkv|output)\.weight$/, 'attention.head_count')
  needs(/^blk\.\d+\.ffn_(gate|up|down)\.weight$/, 'feed_forward_length')
}

/** A SentencePiece tokenizer falls back to bytes, and ends the process where one is missing. */
function checkVocabulary({ model, tokens }: GgmlTokenizer): void {
  if (model !== 'llama') {
    return
  }

  const known = new Set(tokens)

  for (let byte = 0; byte < 256; byte++) {
    const name = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

    // a character of one byte may stand for itself
    if (!known.has(name) && (byte >= 128 || !known.has(String.fromCharCode(byte)))) {
      throw malformed(`has no token for the byte ${byte}`)
    }
  }
}

function numbersOf(name: string, value: GgufValue): number[] {
  if ('number' in value) {
    return [value.number]
  }

  if ('numbers' in value && value.numbers != null) {
    return value.numbers
  }

  throw malformed(`has a ${name} that is no number`)
}

/** llama.cpp takes the lists' types and lengths for granted. @returns the number of tokens */
function checkTokenizer(metadata: ReadonlyMap<string, GgufValue>): number {
  const list = (name: string, ...items: number[]): number | undefined => {
    const value = metadata.get(`tokenizer.ggml.${name}`)

    if (value == null) {
      return undefined
    }

    if (value.type !== ARRAY || !('items' in value) || !items.includes(value.items)) {
      throw malformed(`has tokenizer.ggml.${name} of another kind than a tokenizer's`)
    }

    return value.length
  }

  const tokens = list('tokens', STRING) ?? 0
  list('merges', STRING)

  for (const length of [list('scores', FLOAT32), list('token_type', INT32, UINT32)]) {
    if (length != null && length !== tokens) {
      throw malformed(`has ${tokens} tokens, but ${length} scores or types of tokens`)
    }
  }

  if (tokens > GGUF_LIMITS.maxTokens) {
    throw new ShardError(
      'OVERSIZED',
      `The GGUF file has ${tokens} tokens; at most ${GGUF_LIMITS.maxTokens} are allowed.`
    )
  }

  return tokens
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step
}

/** Shown to people, and made by strangers. */
function quoted(name: string): string {
  return JSON.stringify(name.replace(/[^\x20-\x7e]/g, '?'))
}
