/**
 * Batch sizes that are worth their time: with quantised weights on a CPU, batches of 2, 3 and 6 cost nearly as much as
 * the next larger of these (measured, docs/BENCHMARKS.md). A draft is cut to fit.
 */
export const BATCH_SIZES = [1, 4, 8, 16] as const
