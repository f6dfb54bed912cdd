import { describe, expect, it } from 'vitest'
import { CostModel } from './cost-model.ts'
import { Decodes } from './decodes.ts'

const MEASURED = new Map([
  [1, 10],
  [2, 12],
  [4, 20],
  [8, 32],
  [16, 64],
  [32, 120]
])

describe('CostModel', () => {
  it('gives what was measured, and a straight line between and beyond', () => {
    const cost = new CostModel(MEASURED)
    expect(cost.ms(8)).toBe(32)
    expect(cost.ms(12)).toBeCloseTo(48)
    expect(cost.ms(64)).toBeCloseTo(120 + 32 * 3.5)
  })

  it('follows the decodes that serve, and no single outlier', () => {
    const cost = new CostModel(MEASURED)
    cost.observe(4, 10_000)
    expect(cost.ms(4)).toBeLessThan(25)
    for (let decode = 0; decode < 100; decode++) cost.observe(4, 40)
    expect(cost.ms(4)).toBeCloseTo(40, 0)
    expect(cost.ms(1)).toBe(10)
  })
})

describe('Decodes', () => {
  it('times only what no other sequence shared', async () => {
    const decodes = new Decodes()
    const timed: number[] = []
    decodes.onTime = (tokens) => timed.push(tokens)
    await decodes.run(3, async () => Promise.resolve())
    const first = Promise.withResolvers<void>()
    const long = decodes.run(5, async () => first.promise)
    await decodes.run(7, async () => Promise.resolve())
    first.resolve()
    await long
    await decodes.run(undefined, async () => Promise.resolve())
    expect(timed).toEqual([3])
  })
})
