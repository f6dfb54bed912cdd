import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expNegative } from './exp.ts'

// Same cases in every run.
fc.configureGlobal({ seed: 2 })

const bits = (value: number): string => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return view.getBigUint64(0).toString(16).padStart(16, '0')
}

describe('expNegative', () => {
  it('is within 2 units in the last place of the engine, which is within 1', () => {
    fc.assert(
      fc.property(fc.double({ min: -708, max: 0, noNaN: true }), (x) => {
        const exact = Math.exp(x)
        expect(Math.abs(expNegative(x) - exact)).toBeLessThanOrEqual(3 * Number.EPSILON * exact)
      })
    )
  })

  it('ends smoothly', () => {
    expect(expNegative(0)).toBe(1)
    expect(expNegative(-0)).toBe(1)
    expect(expNegative(-720)).toBeGreaterThan(0)
    expect(expNegative(-746)).toBe(0)
    expect(expNegative(-Infinity)).toBe(0)
  })

  // Computed by an implementation of the docstring's rule in Python; every other one must give the same bits.
  it.each([
    [-0.5, '3fe368b2fc6f960a'],
    [-1, '3fd78b56362cef38'],
    [-2.302585092994046, '3fb9999999999998'],
    [-10, '3f07cd79b5647c9a'],
    [-100.25, '36e4acd31e167ebb'],
    [-700, '00d14f2b0fb9307f']
  ])('of %d has the bits %s', (x, expected) => {
    expect(bits(expNegative(x))).toBe(expected)
  })
})
