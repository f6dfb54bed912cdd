/** Scouts that draft for one generation at a time. More of the same draft model rarely know more. */
export const SCOUTS_PER_GENERATION = 4

/** Scouts that a Shard keeps beyond what its slots can use: they take over when others leave. */
export const SPARE_SCOUTS = 4
