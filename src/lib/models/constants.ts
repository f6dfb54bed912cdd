/** How long a fetch waits, in ms. Tests shorten it. */
export interface FetchTiming {
  /** Without a block, after which a provider is taken for stalled; doubled each time, since slow is not dead. */
  stall: number
  /** For an announcement or the DHT to name a provider, where none is known. */
  search: number
  /** For a new provider, where an old one could be tried again. */
  patience: number
}

export const FETCH_TIMING: FetchTiming = { stall: 3_000, search: 6_000, patience: 1_000 }

/** The longest stall that is waited for, in ms. */
export const STALL_AT_MOST = 48_000

/** Tries in a row that bring nothing before a fetch gives up. */
export const MAX_IDLE_TRIES = 5

/** Providers that one search of the DHT looks for. */
export const MAX_DHT_PROVIDERS = 8

/** Ms of one dial. */
export const DIAL_TIMEOUT = 10_000

/**
 * Blocks that are asked for at a time; halved when a provider stalls, since on a slow line many blocks at once all
 * arrive late. With leaves of 1 MiB, 8 of them fill a line of 80 MB/s at 100 ms.
 */
export const BLOCKS_AT_ONCE = 8

/** Chunks are put together into Blobs of this size, which the browser may keep on disk instead of in memory. */
export const PART_BYTES = 16 * 1024 * 1024

/** Room that has to be left after a model is stored, in bytes: for chats, and for IndexedDB's own overhead. */
export const SPARE_BYTES = 32 * 1024 * 1024

/** Ms over which a download's speed is averaged. */
export const SPEED_WINDOW = 4_000
