import { ShardError } from '../errors.ts'
import { SAMPLING_RANGES, SEED_LIMIT } from './constants.ts'
import type { SamplingParameters } from '../pb/generate.ts'

/** How tokens are chosen; travels in `Ask.sampling`. See {@link sample} for what each parameter does. */
export type Sampling = SamplingParameters

/**
 * llama.cpp's defaults (temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, penalties off). The seed has no default:
 * one that is left out is drawn.
 */
export const DEFAULT_SAMPLING: Readonly<Omit<Sampling, 'seed'>> = {
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0
}

/** A random seed of 53 bits from the platform's secure generator. */
export function drawSeed(): number {
  const [low, high] = crypto.getRandomValues(new Uint32Array(2))
  return ((high ?? 0) >>> 11) * 0x100000000 + (low ?? 0)
}

/**
 * Completes and checks sampling parameters. Consumers call it once per question, so that a generation that moves to
 * another Shard keeps its seed; Shards call it on what they are asked.
 *
 * @param partial - parts that are left out or undefined take the values of {@link DEFAULT_SAMPLING}
 * @param draw - gives the seed where none is named; see {@link drawSeed}
 * @throws ShardError INVALID_REQUEST, naming the parameter and its range
 */
export function resolveSampling(partial: Partial<Sampling> = {}, draw: () => number = drawSeed): Sampling {
  const sampling: Sampling = {
    temperature: partial.temperature ?? DEFAULT_SAMPLING.temperature,
    topK: partial.topK ?? DEFAULT_SAMPLING.topK,
    topP: partial.topP ?? DEFAULT_SAMPLING.topP,
    minP: partial.minP ?? DEFAULT_SAMPLING.minP,
    repetitionPenalty: partial.repetitionPenalty ?? DEFAULT_SAMPLING.repetitionPenalty,
    presencePenalty: partial.presencePenalty ?? DEFAULT_SAMPLING.presencePenalty,
    frequencyPenalty: partial.frequencyPenalty ?? DEFAULT_SAMPLING.frequencyPenalty,
    seed: partial.seed ?? draw()
  }

  for (const [name, [least, most]] of Object.entries(SAMPLING_RANGES)) {
    const value: unknown = sampling[name as keyof typeof SAMPLING_RANGES]

    // The negation also catches NaN.
    if (typeof value !== 'number' || !(value >= least && value <= most)) {
      throw new ShardError(
        'INVALID_REQUEST',
        `${name} must be a number from ${least} to ${most}, not ${String(value)}.`
      )
    }
  }

  checkInteger('topK', sampling.topK, 0x100000000, '2^32')
  checkInteger('seed', sampling.seed, SEED_LIMIT, '2^53')
  return sampling
}

function checkInteger(name: string, value: unknown, limit: number, limitName: string): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= limit) {
    throw new ShardError(
      'INVALID_REQUEST',
      `${name} must be an integer from 0 to below ${limitName}, not ${String(value)}.`
    )
  }
}
