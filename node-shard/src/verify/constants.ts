/**
 * Sizes of a batch of one sequence: those that are measured, so that no decision rests on a guess. Between them little is
 * gained: with quantised weights on a CPU, 3 and 6 tokens cost nearly as much as 4 and 8. A draft is cut to fit.
 */
export const BATCH_SIZES = [1, 2, 4, 8, 16] as const

/** Drafting has to promise this much more than decoding alone: what is smaller is noise, and a wrong draft is not free. */
export const WORTHWHILE = 1.03

/** Weight of what is assumed of a drafter that has not shown anything yet, in tokens. */
export const PRIOR_WEIGHT = 4

/** How much of the past counts after one more token: about the last hundred tokens do. */
export const MEMORY = 0.99
