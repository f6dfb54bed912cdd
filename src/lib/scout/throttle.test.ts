import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Throttle } from './throttle.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

it('passes the first at once, the latest of those in between, and never loses the last', () => {
  const passed: number[] = []
  const throttle = new Throttle<number>(200, (value) => passed.push(value))
  for (let value = 1; value <= 5; value++) throttle.push(value)
  expect(passed).toEqual([1])
  vi.advanceTimersByTime(200)
  expect(passed).toEqual([1, 5])
  throttle.push(6)
  vi.advanceTimersByTime(199)
  expect(passed).toEqual([1, 5])
  vi.advanceTimersByTime(1)
  expect(passed).toEqual([1, 5, 6])
  vi.advanceTimersByTime(1_000)
  throttle.push(7)
  expect(passed).toEqual([1, 5, 6, 7])
})
