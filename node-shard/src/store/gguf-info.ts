import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { GgufFileType, readGgufFileInfo } from 'node-llama-cpp'
import { MANIFEST_LIMITS, MAX_CONTEXT_TOKENS } from '@shard/protocol/limits'
import { ShardError } from '@shard/protocol/errors'
import { checkGgufHeader, readGgufTokenizer, tokenizerHash } from '@shard/protocol/model'
import { fileError, StoreError } from './errors.ts'
import { openStamped } from './file-stamp.ts'
import type { AbortOptions } from '@libp2p/interface'

/** What a manifest says of a GGUF file, but for its CID. */
export interface GgufInfo {
  name: string
  /** The architecture, e.g. `llama`. */
  family: string
  /** As the file says; `NOASSERTION`, SPDX's word for it, where the file says nothing. */
  license: string
  /** Tokens. */
  contextLength: number
  /** As llama.cpp names it, e.g. `Q4_0`. */
  quantization: string
  /** See `tokenizerHash`; 32 bytes. */
  tokenizer: Uint8Array
  bytes: number
}

const LFS_POINTER = 'version https://git-lfs.github.com/spec/'

/**
 * @throws StoreError FILE_MISSING, NO_PERMISSION, LFS_POINTER, or NOT_A_MODEL if it is no whole GGUF file of a language
 * model
 */
export async function readGgufInfo(path: string, { signal }: AbortOptions = {}): Promise<GgufInfo> {
  const bytes = await checkGguf(path)
  signal?.throwIfAborted()
  try {
    const [tokenizer, info] = await Promise.all([
      openAsBlob(path).then((blob) => readGgufTokenizer(blob, { signal })),
      readGgufFileInfo(path, {
        sourceType: 'filesystem',
        readTensorInfo: false,
        spliceSplitFiles: false,
        logWarnings: false,
        // read by readGgufTokenizer
        ignoreKeys: ['tokenizer.ggml.tokens', 'tokenizer.ggml.merges', 'tokenizer.ggml.scores'],
        signal
      })
    ])
    const { general } = info.metadata
    checkWhole(path, info.metadata)
    return {
      name: label(general.name ?? '') || label(basename(path, '.gguf')) || 'model',
      family: label(general.architecture),
      license: label(general.license ?? '') || 'NOASSERTION',
      contextLength: contextLength(path, info.architectureMetadata.context_length),
      quantization: quantization(general.file_type),
      tokenizer: await tokenizerHash(tokenizer),
      bytes
    }
  } catch (cause) {
    signal?.throwIfAborted()
    const error = fileError(path, cause)
    if (error instanceof StoreError) {
      throw error
    }
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StoreError(
      'NOT_A_MODEL',
      `${path} could not be read as a GGUF file of a language model (${reason}). Download it again, or use another one.`,
      { cause }
    )
  }
}

/**
 * Says what the most frequent wrong files are, before a reader stumbles over them.
 *
 * @returns the file's size in bytes
 * @throws StoreError FILE_MISSING, NO_PERMISSION, LFS_POINTER, NOT_A_MODEL
 */
export async function checkGguf(path: string): Promise<number> {
  const { handle, size } = await openStamped(path)
  try {
    const bytes = Buffer.alloc(LFS_POINTER.length)
    await handle.read(bytes, 0, bytes.byteLength, 0)
    const text = bytes.toString('latin1')
    if (text === LFS_POINTER) {
      throw new StoreError(
        'LFS_POINTER',
        `${path} is only a Git LFS pointer to the model. Run "git lfs install" and "git lfs pull" in its repository.`
      )
    }
    if (!text.startsWith('GGUF')) {
      throw new StoreError(
        'NOT_A_MODEL',
        `${path} is not a GGUF file; use a model in GGUF format, or download it again.`
      )
    }
    return size
  } catch (error) {
    throw fileError(path, error)
  } finally {
    await handle.close()
  }
}

/**
 * Holds a file's header to what llama.cpp takes for granted. To be called before llama.cpp opens a file: what is wrong in
 * it could end this process.
 *
 * @throws StoreError FILE_MISSING, NO_PERMISSION, LFS_POINTER, NOT_A_MODEL; the signal's reason
 */
export async function checkModelFile(path: string, { signal }: AbortOptions = {}): Promise<void> {
  await checkGguf(path)
  try {
    await checkGgufHeader(await openAsBlob(path), { signal })
  } catch (cause) {
    signal?.throwIfAborted()
    const error = fileError(path, cause)
    if (error instanceof ShardError) {
      throw new StoreError('NOT_A_MODEL', `${path} is not used: ${error.message}`, { cause })
    }
    throw error
  }
}

/** Large models are published in parts; node-llama-cpp's types do not know the key that says so. */
function checkWhole(path: string, metadata: object): void {
  const split: unknown = 'split' in metadata ? metadata.split : undefined
  const parts = typeof split === 'object' && split != null && 'count' in split ? Number(split.count) : 1
  if (parts > 1) {
    throw new StoreError(
      'NOT_A_MODEL',
      `${path} is one of ${parts} parts of a model; join them with "llama-gguf-split --merge" and use the result.`
    )
  }
}

function contextLength(path: string, tokens: unknown): number {
  const length = Number(tokens)
  if (!Number.isSafeInteger(length) || length < 1) {
    throw new StoreError('NOT_A_MODEL', `${path} names no context length, so it is no language model; use another one.`)
  }
  return Math.min(length, MAX_CONTEXT_TOKENS)
}

function quantization(type: number | undefined): string {
  const name = Object.entries(GgufFileType).find(([, value]) => value === type)?.[0]
  return name?.replace(/^(MOSTLY|ALL)_/, '') ?? 'UNKNOWN'
}

/** One line of visible text that a manifest can hold. */
function label(text: string): string {
  return text
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]+/gu, ' ')
    .trim()
    .slice(0, MANIFEST_LIMITS.maxNameLength)
    .trim()
}
