/**
 * Longest context that a tab's draft model is loaded with, in tokens. A context's memory is taken when the model is
 * loaded, and a generation that outgrows it is simply not drafted for any more.
 */
export const MAX_CONTEXT_LENGTH = 4_096

/** Ms between two looks at the Shards while none of them has a model that a tab can draft for. */
export const LOOK_EVERY = 5_000

/** Ms before a failed start is tried again: doubled each time. */
export const RETRY_FIRST = 5_000
export const RETRY_AT_MOST = 60_000

/** Ms between two updates of the figures on the screen. */
export const REPORT_EVERY = 200

/** The Web Lock that the one drafting tab of this browser holds. */
export const SCOUT_LOCK = 'shard/scout'

/** Where the person's choice is kept. */
export const CHOICE_KEY = 'shard/scout'
