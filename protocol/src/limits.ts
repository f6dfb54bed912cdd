/**
 * @packageDocumentation
 *
 * Everything that a peer can send has a limit, and this is the list. docs/LIMITS.md explains it to operators.
 * Sizes are bytes of one protobuf message unless a name says otherwise; times are milliseconds.
 */

/** Longest context that any field may describe, in tokens. 256k tokens is the longest that open models offer today. */
export const MAX_CONTEXT_TOKENS = 262_144

export const GENERATE_LIMITS = {
  /** An `Ask` holds the whole conversation: 256k tokens at ~4 bytes a token, with room for multi-byte scripts. */
  maxRequestBytes: 2 * 1024 * 1024,
  /** A response is a handful of tokens and their text. */
  maxResponseBytes: 64 * 1024,
  maxMessages: 1024,
  maxStopStrings: 16,
  /** UTF-16 units of one stop string. */
  maxStopLength: 128,
  /** Tokens in one `Commit`: the largest verified batch plus the Shard's own token. */
  maxCommitTokens: 64,
  /** From the stream's opening to the whole `Ask`. */
  askTimeout: 10_000,
  /**
   * Longest silence of a Shard. A long prefill on a slow machine is silent work, so a Shard sends `Progress` at
   * least every `keepAlive`; silence means that the Shard is gone.
   */
  silence: 15_000,
  keepAlive: 4_000,
  /** Longest time that a peer may refuse to read what was sent to it. */
  writeTimeout: 15_000,
  maxInboundStreams: 32,
  maxOutboundStreams: 32
} as const

export const DRAFT_LIMITS = {
  /** A `Draft` is at most `maxDraftTokens` tokens. */
  maxScoutMessageBytes: 4 * 1024,
  /** A `Begin` holds the prompt as token ids of at most 5 bytes each and their tags. */
  maxShardMessageBytes: 2 * 1024 * 1024,
  /** Tokens in one `Draft`. Batches over 63 tokens are not bit-identical to single ones on the CPU. */
  maxDraftTokens: 32,
  /** How far past the committed tokens a Scout may run ahead, in tokens. */
  maxRunAhead: 96,
  /** Generations that one Scout may be given at a time. */
  maxGenerations: 8,
  /** Drafts in one second from one Scout, averaged over `rateWindow`; a fast Scout sends a few hundred. */
  maxDraftsPerSecond: 1_000,
  rateWindow: 2_000,
  helloTimeout: 10_000,
  /** A Scout without work is silent for as long as it likes; both sides send a `Ping`-sized `Beat` this often. */
  keepAlive: 10_000,
  silence: 35_000,
  writeTimeout: 10_000,
  maxInboundStreams: 2,
  maxOutboundStreams: 2
} as const

export const ANNOUNCE_LIMITS = {
  maxBytes: 8 * 1024,
  maxModels: 32,
  /** UTF-16 units of a model's or an engine's display name. */
  maxNameLength: 96,
  maxAddresses: 16,
  /** A Shard announces itself this often, and at once when its offer changes, but never closer than `minInterval`. */
  interval: 10_000,
  minInterval: 500,
  /** An announcement that was not renewed for this long is forgotten: three missed ones. */
  ttl: 32_000,
  /** Shards that a peer remembers; past it the longest silent ones are forgotten first. */
  maxShards: 512
} as const

export const MANIFEST_LIMITS = {
  /** One bitswap block; a manifest is a few hundred bytes. */
  maxBytes: 64 * 1024,
  maxDrafts: 16,
  maxNameLength: 96,
  /** 2 TiB: beyond every open model. */
  maxFileBytes: 2 ** 41
} as const
