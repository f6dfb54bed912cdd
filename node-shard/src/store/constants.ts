/** Places of one leaf that are remembered: a model that was copied or moved now and then. */
export const MAX_LOCATIONS = 4

/** Leaves that are hashed and indexed at a time; the reading of the next ones goes on beside it. */
export const IMPORT_CONCURRENCY = 4

/** Ms. A leaf of 1 MiB takes 2.5 s over a WebRTC link of 0.4 MB/s, and bitswap sends up to 4 MiB in a message. */
export const BITSWAP_MESSAGE_TIMEOUT = 120_000

/**
 * Blocks that one peer may ask for at a time, each of 1 MiB: bitswap reads all that a peer asks for into memory before
 * it sends any, and would take 1,024. What is asked for beyond it is dropped, so a peer fetches with less at once.
 */
export const MAX_WANTED_BLOCKS = 64

/** Messages with blocks to one peer at a time: the next blocks are read and hashed while others are on the line. */
export const BLOCK_SENDERS = 4
