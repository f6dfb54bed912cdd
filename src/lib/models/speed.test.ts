import { describe, expect, it } from 'vitest'
import { SPEED_WINDOW } from './constants.ts'
import { Speed } from './speed.ts'

describe('Speed', () => {
  it('is zero before anything came', () => {
    expect(new Speed(0).bytesPerSecond(1)).toBe(0)
  })

  it('is measured over the age of a young download', () => {
    const speed = new Speed(1_000)
    speed.add(500, 1_500)
    expect(speed.bytesPerSecond(2_000)).toBe(500)
  })

  it('is measured over the last seconds of an old one, and falls to zero when nothing comes', () => {
    const speed = new Speed(0)
    for (let second = 1; second <= 60; second++) speed.add(1_000, second * 1_000)
    expect(speed.bytesPerSecond(60_000)).toBeCloseTo((1_000 * (SPEED_WINDOW / 1_000 + 1)) / (SPEED_WINDOW / 1_000))
    expect(speed.bytesPerSecond(60_001 + SPEED_WINDOW)).toBe(0)
  })
})
