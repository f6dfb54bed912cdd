import { describe, expect, it } from 'vitest'
import { fuzzGguf } from './fuzz-gguf.ts'

describe('the check of a GGUF header', () => {
  it('survives mutated files, and so does llama.cpp those that it accepts', { timeout: 120_000 }, async () => {
    const { failures, files, accepted, loaded, refused } = await fuzzGguf({ count: 3_000, seed: 20_26, sample: 8 })
    expect(failures).toEqual([])
    expect(files).toBe(3_000)
    expect(loaded).toBeGreaterThan(20)
    // what both refuse and what both accept must come up, or the mutations are too wild or too tame
    expect(accepted).toBeGreaterThan(200)
    expect(accepted).toBeLessThan(2_000)
    expect(refused).toBeLessThan(loaded)
  })
})
