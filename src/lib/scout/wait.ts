import { raceSignal } from 'race-signal'

/** Longest wait for one draft on WebGPU, in ms. Some drivers lose the device without a word to the page. */
export const WEBGPU_SILENCE = 20_000

/** @throws Error where `work` takes longer than so many ms */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const translateError = (): Error => new Error(`no answer for ${ms / 1000} s`)
  return raceSignal(work, AbortSignal.timeout(ms), { translateError })
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
