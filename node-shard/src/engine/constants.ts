/**
 * Tokens of one sequence in one batch, on the CPU. Below 64 llama.cpp's flash attention gives every token the same bits
 * whatever its batch, so that an answer does not depend on how it was batched; from 64 on another kernel rounds
 * differently. A multiple of the 16 rows that the matrix kernels take at a time.
 */
export const CPU_PREFILL_CHUNK = 48

/** On a GPU batches are not bit-identical anyway, and a prompt wants large ones. */
export const GPU_PREFILL_CHUNK = 512

/** Tokens of all sequences in one decode. */
export const BATCH_SIZE = 512

/** Longest context that is taken by default, in tokens: it costs memory for every slot whether it is used or not. */
export const DEFAULT_CONTEXT = 8192

export const DEFAULT_SLOTS = 4
