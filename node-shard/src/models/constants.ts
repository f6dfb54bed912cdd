/** How long a fetch waits, in ms. Tests shorten it. */
export interface FetchTiming {
  /** Without a byte from a giver that was asked for blocks: doubled each time it stalls, since slow is not dead. */
  stall: number
  /** Without anybody who gives, after which the fetch ends. */
  search: number
  /** Between two looks for givers. */
  look: number
  /** A block that is on its way this long is asked of a second giver, once nothing else is left to ask for. */
  overdue: number
}

export const FETCH_TIMING: FetchTiming = { stall: 3_000, search: 20_000, look: 500, overdue: 250 }

/** The longest stall that is waited for, in ms: a block of 1 MiB at 0.05 MB/s. */
export const STALL_AT_MOST = 24_000

/** Ms of one dial. */
export const DIAL_TIMEOUT = 10_000

/** Givers at a time. More of them fill no line that these do not, and each holds blocks in memory. */
export const MAX_GIVERS = 6

/** Blocks that a giver is asked for at a time, first and at most: below the 64 that a Shard reads for one peer. */
export const FIRST_WINDOW = 2
export const MAX_WINDOW = 16

/** Requests that a full window is made of. */
export const BATCHES = 4

/** Ms of blocks that are asked for ahead: what a giver reads into memory, and what is lost when it stalls. */
export const WINDOW_MS = 1_000

/** Givers that one block may be asked of at a time. */
export const MAX_OWNERS = 3

/** Blocks that a giver may lack before it has given any; then it does not have the file. */
export const MAX_MISSING = 4

/** Bitswap's own limit of a message, in bytes. */
export const MAX_BITSWAP_MESSAGE = 4 * 1024 * 1024

/** Leaves that are fetched with one range request of an origin, and the tries that it gets. */
export const ORIGIN_LEAVES = 16
export const ORIGIN_TRIES = 3

/** Nodes above the leaves of the largest file, of any shape that is still plausible. */
export const MAX_TREE_DEPTH = 4

/** Room that stays free on the disk after a model is stored, in bytes. */
export const SPARE_BYTES = 64 * 1024 * 1024

/** Ms over which a download's speed is averaged, and between two reports of it. */
export const SPEED_WINDOW = 4_000
export const REPORT_EVERY = 100
