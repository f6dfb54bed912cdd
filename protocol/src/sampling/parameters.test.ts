import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isShardError } from '../errors.ts'
import { DEFAULT_SAMPLING, drawSeed, resolveSampling } from './parameters.ts'

// Same cases in every run.
fc.configureGlobal({ seed: 2 })

const failure = (partial: object): unknown => {
  try {
    resolveSampling(partial)
  } catch (error) {
    return error
  }

  return undefined
}

describe('resolveSampling', () => {
  it('fills in what is left out', () => {
    expect(resolveSampling({}, () => 5)).toEqual({ ...DEFAULT_SAMPLING, seed: 5 })
    expect(resolveSampling({ temperature: 0, topK: undefined, seed: 0 })).toEqual({
      ...DEFAULT_SAMPLING,
      temperature: 0,
      seed: 0
    })
  })

  it('draws seeds that it accepts', () => {
    const seeds = Array.from({ length: 200 }, drawSeed)
    expect(new Set(seeds).size).toBe(200)
    expect(Math.max(...seeds)).toBeGreaterThan(2 ** 40)

    for (const seed of seeds) {
      expect(resolveSampling({ seed }).seed).toBe(seed)
    }
  })

  it.each([
    [{ temperature: -0.1 }, /^temperature must be a number from 0 to 10, not -0.1\.$/],
    [{ temperature: Number.NaN }, /^temperature /],
    [{ temperature: '1' }, /^temperature /],
    [{ temperature: Infinity }, /^temperature /],
    [{ topP: 1.01 }, /^topP /],
    [{ minP: -1 }, /^minP /],
    [{ repetitionPenalty: 0 }, /^repetitionPenalty must be a number from 0.1 to 10/],
    [{ presencePenalty: 2.5 }, /^presencePenalty /],
    [{ frequencyPenalty: -2.5 }, /^frequencyPenalty /],
    [{ topK: 1.5 }, /^topK must be an integer from 0 to below 2\^32, not 1.5\.$/],
    [{ topK: -1 }, /^topK /],
    [{ topK: 2 ** 32 }, /^topK /],
    [{ seed: 2 ** 53 }, /^seed must be an integer from 0 to below 2\^53/],
    [{ seed: -1 }, /^seed /],
    [{ seed: 0.5 }, /^seed /],
    [{ seed: '7' }, /^seed /]
  ])('refuses %o', (partial, message) => {
    const error = failure(partial)
    expect(isShardError(error, 'INVALID_REQUEST')).toBe(true)
    expect((error as Error).message).toMatch(message)
  })

  it('throws nothing but INVALID_REQUEST', () => {
    const keys = fc.constantFrom(...Object.keys(DEFAULT_SAMPLING), 'seed')

    fc.assert(
      fc.property(fc.dictionary(keys, fc.anything()), (partial) => {
        const error = failure(partial)
        expect(error === undefined || isShardError(error, 'INVALID_REQUEST')).toBe(true)
      })
    )
  })
})
