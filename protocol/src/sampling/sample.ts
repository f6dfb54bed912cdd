import { ShardError } from '../errors.ts'
import { MAX_CANDIDATES } from './constants.ts'
import { expNegative } from './exp.ts'
import { uniform } from './philox.ts'
import type { TokenHistory } from './history.ts'
import type { Sampling } from './parameters.ts'

/**
 * The raw logits of the most likely tokens of one position, in any order, each token once, at most
 * {@link MAX_CANDIDATES}. A token that must not be chosen (a grammar forbids it) is left out.
 */
export type Candidates = ReadonlyMap<number, number> | Iterable<readonly [token: number, logit: number]>

/** Engines give float32; within its range no penalty and no temperature makes a sum overflow. */
const MAX_LOGIT = 3.4028234663852886e38

// `sample` runs once per evaluated position, and never gives way in between, so one set of buffers serves every call.
const tokens = new Uint32Array(MAX_CANDIDATES)
const logits = new Float64Array(MAX_CANDIDATES)
const weights = new Float64Array(MAX_CANDIDATES)

/**
 * The token of one position: a pure function of its arguments, the same bits on every peer. Normative, in this order,
 * which is that of llama.cpp's default chain (penalties, top-k, top-p, min-p, temperature). All arithmetic is that of
 * doubles, in the order written here; e^x is {@link expNegative}.
 *
 * 1. Penalties, with vLLM's meaning. The logit l of a token that the prompt or the generated tokens hold becomes
 *    l / repetitionPenalty if l > 0, else l * repetitionPenalty. Then, if it was generated n > 0 times,
 *    l - frequencyPenalty * n, and then l - presencePenalty.
 * 2. Temperature 0: the token of the highest logit, of equal ones the lowest id. Nothing below matters, nor the seed.
 * 3. Top-k: the first topK candidates by descending logit, equal ones by ascending id. 0, or more than
 *    {@link MAX_CANDIDATES}, keeps all.
 * 4. Top-p, if below 1: with w = e^(l - highest l) in that order, the shortest beginning whose running sum is at least
 *    topP * (sum of all w); never empty.
 * 5. Min-p: of those, the ones with w >= minP.
 * 6. Temperature: v = e^((l - highest l) / temperature).
 * 7. The draw: the candidates by ascending id, V = sum of v in that order; the first one whose running sum exceeds
 *    {@link uniform}(seed, position) * V. Walking by id and not by rank keeps the choice when tiny differences between
 *    two machines' logits swap two ranks.
 *
 * @param sampling - as {@link resolveSampling} returns it
 * @param position - index of the token in the generation, 0 for the first one after the prompt
 * @param history - the prompt, and the generated tokens before `position`
 * @throws ShardError INTERNAL if there is no candidate or too many, or a logit that is not a finite float32
 */
export function sample(candidates: Candidates, sampling: Sampling, position: number, history: TokenHistory): number {
  let count = load(candidates, sampling, history)

  if (sampling.temperature === 0) {
    return greediest(count)
  }

  sortByLogit(count)

  if (sampling.topK > 0) {
    count = Math.min(count, sampling.topK)
  }

  count = cutTails(count, sampling.topP, sampling.minP)
  const highest = at(logits, 0)

  for (let i = 0; i < count; i++) {
    weights[i] = expNegative((at(logits, i) - highest) / sampling.temperature)
  }

  sortByToken(count)
  return draw(count, uniform(sampling.seed, position))
}

/** Fills the buffers with the penalised candidates and returns how many there are. */
function load(candidates: Candidates, sampling: Sampling, history: TokenHistory): number {
  const { repetitionPenalty, frequencyPenalty, presencePenalty } = sampling
  const penalised = repetitionPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0
  let count = 0

  for (const [token, raw] of candidates) {
    if (count === MAX_CANDIDATES) {
      throw new ShardError('INTERNAL', `Ask the engine for the ${MAX_CANDIDATES} most likely tokens, not for more.`)
    }

    // The negation also catches NaN.
    if (!(Math.abs(raw) <= MAX_LOGIT) || token >>> 0 !== token) {
      throw new ShardError('INTERNAL', `The engine gave token ${token} the logit ${raw}, which is no candidate.`)
    }

    let logit = raw

    if (penalised && history.seen(token)) {
      const times = history.count(token)
      logit = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty

      if (times > 0) {
        logit = logit - frequencyPenalty * times - presencePenalty
      }
    }

    tokens[count] = token
    logits[count] = logit
    count++
  }

  if (count === 0) {
    throw new ShardError('INTERNAL', 'The engine gave no candidate for the next token.')
  }

  return count
}

function greediest(count: number): number {
  let best = 0

  for (let i = 1; i < count; i++) {
    const difference = at(logits, i) - at(logits, best)

    if (difference > 0 || (difference === 0 && at(tokens, i) < at(tokens, best))) {
      best = i
    }
  }

  return at(tokens, best)
}

/** Insertion sort by descending logit, then ascending id: engines give candidates (nearly) sorted. */
function sortByLogit(count: number): void {
  for (let i = 1; i < count; i++) {
    const token = at(tokens, i)
    const logit = at(logits, i)
    let j = i - 1

    while (j >= 0 && (at(logits, j) < logit || (at(logits, j) === logit && at(tokens, j) > token))) {
      tokens[j + 1] = at(tokens, j)
      logits[j + 1] = at(logits, j)
      j--
    }

    tokens[j + 1] = token
    logits[j + 1] = logit
  }
}

/** How many of the sorted candidates top-p and min-p leave; at least one. */
function cutTails(count: number, topP: number, minP: number): number {
  const highest = at(logits, 0)
  let total = 0

  for (let i = 0; i < count; i++) {
    const weight = expNegative(at(logits, i) - highest)
    weights[i] = weight
    total += weight
  }

  let kept = count

  if (topP < 1) {
    kept = 1

    for (let sum = at(weights, 0); sum < topP * total && kept < count; kept++) {
      sum += at(weights, kept)
    }
  }

  while (kept > 1 && at(weights, kept - 1) < minP) {
    kept--
  }

  return kept
}

/** Insertion sort of tokens and weights by ascending id. */
function sortByToken(count: number): void {
  for (let i = 1; i < count; i++) {
    const token = at(tokens, i)
    const weight = at(weights, i)
    let j = i - 1

    while (j >= 0 && at(tokens, j) > token) {
      tokens[j + 1] = at(tokens, j)
      weights[j + 1] = at(weights, j)
      j--
    }

    tokens[j + 1] = token
    weights[j + 1] = weight
  }
}

function draw(count: number, random: number): number {
  let total = 0

  for (let i = 0; i < count; i++) {
    total += at(weights, i)
  }

  const threshold = random * total
  let last = 0

  for (let i = 0, sum = 0; i < count; i++) {
    sum += at(weights, i)
    last = at(tokens, i)

    // Always true in the end: `random` is at most 1 - 2^-53, so the product rounds to less than `total`.
    if (threshold < sum) {
      break
    }
  }

  return last
}

/** An element that is there; the indices above never leave the buffers. */
function at(values: Float64Array | Uint32Array, index: number): number {
  return values[index] ?? 0
}
