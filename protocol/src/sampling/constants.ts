/**
 * Logits that a Shard takes from its engine for each position: the highest ones. llama.cpp's own default keeps 40;
 * a whole vocabulary's probabilities would cost a hundred times as much (1,190 ms against 11 ms for 8 positions at
 * 152k tokens with node-llama-cpp 3.22).
 */
export const MAX_CANDIDATES = 64

/** A seed is a non-negative integer below this: what a double, and so JSON, holds exactly. */
export const SEED_LIMIT = 2 ** 53

/** Ranges, both ends included. Beyond them no model gives text; penalties are OpenAI's and vLLM's range. */
export const SAMPLING_RANGES = {
  temperature: [0, 10],
  topP: [0, 1],
  minP: [0, 1],
  repetitionPenalty: [0.1, 10],
  presencePenalty: [-2, 2],
  frequencyPenalty: [-2, 2]
} as const
