import { ModelFetchError } from '../models/errors.ts'
import { RETRY_AT_MOST, RETRY_FIRST, SCOUT_LOCK } from './constants.ts'
import { runScout } from './run-scout.ts'
import type { ScoutParts, ScoutReport } from './run-scout.ts'

/** How contributing stands, for people. */
export type Contribution =
  | { step: 'off' }
  /** Another tab of this browser drafts; this one takes over when that one closes. */
  | { step: 'elsewhere' }
  | ScoutReport
  /** It did not work; `retryAt` (Date.now()) is when it is tried again, if waiting can help. */
  | { step: 'failed'; message: string; retryAt?: number }

/** The part of `navigator.locks` that is used here; undefined in browsers without it. */
export type Locks = Pick<LockManager, 'request'>

/**
 * Contributes while it is switched on: in one tab of the browser at a time, and again after a failure, less and less
 * often. Every change is told to `onChange`.
 */
export class Contributor {
  readonly #parts: ScoutParts
  readonly #locks: Locks | undefined
  readonly #onChange: (contribution: Contribution) => void
  #on: AbortController | undefined
  #ended: Promise<void> = Promise.resolve()
  #retryNow: () => void = () => {}

  constructor(parts: ScoutParts, locks: Locks | undefined, onChange: (contribution: Contribution) => void) {
    this.#parts = parts
    this.#locks = locks
    this.#onChange = onChange
  }

  get isOn(): boolean {
    return this.#on != null
  }

  on(): void {
    if (this.#on != null) return
    const controller = new AbortController()
    this.#on = controller
    const tell = (contribution: Contribution): void => {
      if (this.#on === controller) this.#onChange(contribution)
    }
    // The last Scout has to be gone: two engines at a time would be one too many.
    this.#ended = this.#ended.then(() => this.#contribute(tell, controller.signal))
  }

  /** Resolves when the model's memory is free again. */
  async off(): Promise<void> {
    if (this.#on == null) return
    this.#on.abort(new Error('Contributing was switched off.'))
    this.#on = undefined
    this.#onChange({ step: 'off' })
    await this.#ended
  }

  /** Does not wait any longer after a failure. */
  retry(): void {
    this.#retryNow()
  }

  /** Never rejects. */
  async #contribute(tell: (contribution: Contribution) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const work = (): Promise<void> => this.#keepRunning(tell, signal)
    if (this.#locks == null) return work()
    try {
      const free = await this.#locks.request(SCOUT_LOCK, { ifAvailable: true }, async (lock) => {
        if (lock != null) await work()
        return lock != null
      })
      if (free || signal.aborted) return
      tell({ step: 'elsewhere' })
      await this.#locks.request(SCOUT_LOCK, { signal }, work)
    } catch (error) {
      if (!signal.aborted) tell({ step: 'failed', message: message(error) })
    }
  }

  async #keepRunning(tell: (contribution: Contribution) => void, signal: AbortSignal): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        await runScout(
          this.#parts,
          (report) => {
            // What drafts has recovered; what merely loads may fail the same way again.
            if (report.step === 'running' && report.figures.drafted > 0) failures = 0
            tell(report)
          },
          signal
        )
      } catch (error) {
        if (signal.aborted) return
        const delay = Math.min(RETRY_AT_MOST, RETRY_FIRST * 2 ** failures)
        const hopeless = error instanceof ModelFetchError && (error.code === 'NO_SPACE' || error.code === 'WRONG_FILE')
        tell({ step: 'failed', message: message(error), ...(hopeless ? {} : { retryAt: Date.now() + delay }) })
        await this.#pause(hopeless ? undefined : delay, signal)
        if (signal.aborted) return
      }
    }
  }

  /** Until so many ms are over (undefined: forever), `retry` is called or `signal` is aborted. */
  async #pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#retryNow = () => {}
        resolve()
      }
      const timer = ms == null ? undefined : setTimeout(done, ms)
      signal.addEventListener('abort', done, { once: true })
      this.#retryNow = done
    })
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
