/** Bounds of what a manifest and a GGUF file may hold, next to `MANIFEST_LIMITS`. */

/** HTTPS addresses that one file may be fetched from. */
export const MAX_ORIGINS = 8
export const MAX_ORIGIN_LENGTH = 2_048

/** SHA-256, in bytes. */
export const TOKENIZER_HASH_LENGTH = 32

export const GGUF_LIMITS = {
  /** Metadata is tokenizers and chat templates; 262k tokens with their merges are 15 MB. */
  maxHeaderBytes: 64 * 1024 * 1024,
  /** Read first, in bytes; doubled as long as the metadata goes on. */
  firstReadBytes: 1024 * 1024,
  /** Real files have 20 to 60 keys. */
  maxKeys: 4_096,
  /** GGUF's own limit of a key, in bytes. */
  maxKeyBytes: 65_535,
  /** Bytes of one token or merge. */
  maxTokenBytes: 65_535,
  /** The largest vocabularies of open models have 262,144. */
  maxTokens: 1_048_576,
  maxMerges: 2_097_152,
  maxArrayDepth: 4,
  /** The largest open models have 2,000; each layer has 10 to 20. */
  maxTensors: 65_536,
  /** ggml's own limit of a name, without its final 0, in bytes. */
  maxTensorNameBytes: 63,
  /** ggml's own. */
  maxDimensions: 4,
  /** 2 TiB: beyond every open model, and exact as a number. */
  maxTensorBytes: 2 ** 41,
  /** Real files have 32. */
  maxAlignment: 65_536
} as const
