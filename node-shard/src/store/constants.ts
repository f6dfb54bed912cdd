/** Places of one leaf that are remembered: a model that was copied or moved now and then. */
export const MAX_LOCATIONS = 4

/** Leaves that are hashed and indexed at a time; the reading of the next ones goes on beside it. */
export const IMPORT_CONCURRENCY = 4

/** Ms. A leaf of 1 MiB takes 2.5 s over a WebRTC link of 0.4 MB/s, and bitswap sends up to 4 MiB in a message. */
export const BITSWAP_MESSAGE_TIMEOUT = 120_000
