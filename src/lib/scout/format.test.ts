import { describe, expect, it } from 'vitest'
import { formatBytes, formatShare } from './format.ts'

describe('formatBytes', () => {
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1_000, '1 kB'],
    [5_643_456, '5.6 MB'],
    [24_691_040, '25 MB'],
    [1_500_000_000, '1.5 GB'],
    [3e15, '3,000 TB']
  ])('%d', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})

describe('formatShare', () => {
  it('is a whole percentage, and a dash for a share of nothing', () => {
    expect(formatShare(2, 3)).toBe('67 %')
    expect(formatShare(0, 5)).toBe('0 %')
    expect(formatShare(0, 0)).toBe('–')
  })
})
