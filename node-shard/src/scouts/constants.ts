/** Scouts that draft for one generation at a time. More of the same draft model rarely know more. */
export const SCOUTS_PER_GENERATION = 4

/** Scouts that a Shard keeps beyond what its slots can use: they take over when others leave. */
export const SPARE_SCOUTS = 4

/**
 * Share of right tokens that is assumed of a new Scout: about what small models of the same family reach on open
 * questions. Too high, and a useless one wastes its first rounds; too low, and a good one waits to be believed.
 */
export const SCOUT_PRIOR = 0.6

/** The same for the lookup in prompt and answer, which is right in quotes and code and wrong elsewhere. */
export const LOOKUP_PRIOR = 0.4
