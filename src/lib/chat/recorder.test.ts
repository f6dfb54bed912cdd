import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Recorder } from './recorder.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('Recorder', () => {
  it('writes at most once per interval, with the newest state', async () => {
    let state = 0
    const written: number[] = []
    const recorder = new Recorder(async () => void written.push(state), 300)
    for (state = 1; state <= 10; state++) {
      recorder.touch()
      await vi.advanceTimersByTimeAsync(60)
    }
    state = 11
    recorder.touch()
    await vi.advanceTimersByTimeAsync(300)
    expect(written.length).toBeLessThanOrEqual(4)
    expect(written.at(-1)).toBe(11)
  })

  it('writes nothing where nothing changed', async () => {
    const write = vi.fn(async () => undefined)
    await new Recorder(write, 300).flush()
    expect(write).not.toHaveBeenCalled()
  })

  it('flushes at once, and not again at the end of the interval', async () => {
    const write = vi.fn(async () => undefined)
    const recorder = new Recorder(write, 300)
    recorder.touch()
    await recorder.flush()
    expect(write).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1000)
    expect(write).toHaveBeenCalledTimes(1)
  })

  it('never writes twice at a time, and loses no change that came during a write', async () => {
    let state = 'a'
    let running = 0
    const written: string[] = []
    const recorder = new Recorder(async () => {
      running++
      expect(running).toBe(1)
      const taken = state
      await new Promise((resolve) => setTimeout(resolve, 50))
      written.push(taken)
      running--
    }, 10)
    recorder.touch()
    await vi.advanceTimersByTimeAsync(20)
    state = 'b'
    recorder.touch()
    const flushed = recorder.flush()
    await vi.advanceTimersByTimeAsync(200)
    await flushed
    expect(written).toEqual(['a', 'b'])
  })
})
