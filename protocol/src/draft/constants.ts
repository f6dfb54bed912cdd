export const DRAFT_PROTOCOL = '/shard/draft/1'

/**
 * Tokens that a Scout asks of its engine, and sends, at a time. Few enough that the first draft is there early and a
 * mismatch wastes little, enough that a call's fixed cost (1-7 ms for wllama) is spread.
 */
export const DRAFT_STEP = 4

/** Shards that one Scout serves at a time: a second one fills the pauses of the first. */
export const MAX_SHARDS = 2
