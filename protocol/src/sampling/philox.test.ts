import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShardError } from '../errors.ts'
import { philox4x32, uniform } from './philox.ts'

// Same cases in every run.
fc.configureGlobal({ seed: 2 })

const words = (text: string): number[] => text.split(' ').map((word) => Number.parseInt(word, 16))

describe('philox4x32', () => {
  // "philox4x32 10" of Random123's tests/kat_vectors.
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1']
  ])('counter %s, key %s', (counter, key, output) => {
    const [c0 = 0, c1 = 0, c2 = 0, c3 = 0] = words(counter)
    const [k0 = 0, k1 = 0] = words(key)
    expect(philox4x32([c0, c1, c2, c3], [k0, k1])).toEqual(words(output))
  })

  it('equals the definition in 64-bit integers', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff })
    const mask = 0xffffffffn

    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint]
        let [k0, k1] = key.map(BigInt) as [bigint, bigint]

        for (let round = 0; round < 10; round++) {
          const product0 = 0xd2511f53n * c0
          const product1 = 0xcd9e8d57n * c2
          ;[c0, c1, c2, c3] = [
            (product1 >> 32n) ^ c1 ^ k0,
            product1 & mask,
            (product0 >> 32n) ^ c3 ^ k1,
            product0 & mask
          ]
          k0 = (k0 + 0x9e3779b9n) & mask
          k1 = (k1 + 0xbb67ae85n) & mask
        }

        expect(philox4x32(counter, key).map(BigInt)).toEqual([c0, c1, c2, c3])
      })
    )
  })
})

describe('uniform', () => {
  it('is made of the first two words', () => {
    expect(uniform(0, 0)).toBe(((0x6627e8d5 >>> 5) * 2 ** 26 + (0xe169c58d >>> 6)) / 2 ** 53)
  })

  it('uses both halves of the seed, and the position', () => {
    const values = [uniform(1, 0), uniform(2 ** 32 + 1, 0), uniform(2 ** 52 + 1, 0), uniform(1, 1)]
    expect(new Set(values).size).toBe(4)
  })

  it('is in [0, 1) and flat', () => {
    const bins = new Array<number>(16).fill(0)
    const draws = 16_000

    for (let position = 0; position < draws; position++) {
      const value = uniform(42, position)
      expect(value >= 0 && value < 1).toBe(true)
      const bin = Math.floor(value * 16)
      bins[bin] = (bins[bin] ?? 0) + 1
    }

    const expected = draws / 16
    const chiSquare = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 99.9 % quantile at 15 degrees of freedom.
    expect(chiSquare).toBeLessThan(37.7)
  })

  it.each([
    [-1, 0],
    [0.5, 0],
    [2 ** 53, 0],
    [Number.NaN, 0],
    [0, -1],
    [0, 2 ** 32],
    [0, 1.5]
  ])('refuses seed %d at position %d', (seed, position) => {
    expect(() => uniform(seed, position)).toThrow(ShardError)
  })
})
