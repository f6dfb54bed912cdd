/** Attempts at one answer, the first included, before the Consumer gives up: more Shards than that don't fail by chance. */
export const MAX_ATTEMPTS = 5

/** How long to look for a Shard before saying that there is none, in ms: two announcements' worth, and a DHT walk. */
export const SEARCH_TIMEOUT = 20_000

/** Between two looks into the DHT, in ms. */
export const SEARCH_PAUSE = 1_000

/** A failed Shard counts as slower by this factor for each recent failure, so that others are tried first. */
export const FAILURE_WEIGHT = 4

/** After this long a failure is forgiven, in ms. */
export const FAILURE_MEMORY = 5 * 60_000

/** Tokens/s assumed of a Shard that neither told its speed nor was measured. */
export const ASSUMED_SPEED = 20

/** Weight of the newest measurement in the running mean of a Shard's speed. */
export const SPEED_WEIGHT = 0.3
