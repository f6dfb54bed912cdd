import { randomUUID } from 'node:crypto'
import { ApiError } from './api-error.ts'
import { MAX_JOBS, MAX_UNREAD, POLL_PATIENCE, POLL_WAIT } from './constants.ts'
import { startWork } from './work-events.ts'
import { toMessages, type WorkMessage } from './work.ts'
import type { ApiContext } from './context.ts'

interface Job {
  unread: WorkMessage[]
  ended: boolean
  leave: AbortController
  abandoned?: NodeJS.Timeout
  /** Tells of a message that came, or was read. */
  changes: EventTarget
  polls: number
}

/** Answers whose clients poll. One that nobody polls for is cancelled. */
export class Jobs {
  readonly #context: ApiContext
  readonly #jobs = new Map<string, Job>()

  constructor(context: ApiContext) {
    this.#context = context
  }

  /** @returns the id to poll with */
  async start(request: unknown): Promise<string> {
    if (this.#jobs.size >= MAX_JOBS) {
      throw new ApiError(503, `${MAX_JOBS} answers are under way; poll for them, or ask again later.`, { code: 'busy' })
    }
    const leave = new AbortController()
    const id = randomUUID()
    const job: Job = { unread: [], ended: false, leave, changes: new EventTarget(), polls: 0 }
    // taken at once, so that requests that come together are counted
    this.#jobs.set(id, job)
    try {
      const events = await startWork(this.#context, request, leave.signal)
      this.#expectPoll(id, job)
      this.#run(job, toMessages(events)).catch(() => this.cancel(id))
    } catch (error) {
      this.#jobs.delete(id)
      throw error
    }
    return id
  }

  /**
   * What came since the last call; waits for it for a while. When an answer's last message was told, it is forgotten.
   *
   * @throws ApiError 404
   */
  async pop(id: string, gone: AbortSignal): Promise<{ messages: WorkMessage[]; done: boolean }> {
    const job = this.#jobs.get(id)
    if (job == null) {
      throw new ApiError(404, 'There is no such answer: it was told to its end, cancelled, or never asked for.', {
        param: 'request_id',
        code: 'unknown_request'
      })
    }
    clearTimeout(job.abandoned)
    job.polls++
    const until = AbortSignal.any([gone, job.leave.signal, AbortSignal.timeout(POLL_WAIT)])
    while (job.unread.length === 0 && !job.ended && !until.aborted) {
      await change(job.changes, until)
    }
    job.polls--
    const done = job.ended
    // a client that is gone would lose them
    const messages = gone.aborted ? [] : job.unread.splice(0)
    job.changes.dispatchEvent(new Event('change'))
    if (done && !gone.aborted) {
      this.cancel(id)
    } else if (job.polls === 0) {
      this.#expectPoll(id, job)
    }
    return { messages, done }
  }

  cancel(id: string): void {
    const job = this.#jobs.get(id)
    this.#jobs.delete(id)
    clearTimeout(job?.abandoned)
    job?.leave.abort(new Error('The client is gone.'))
  }

  async #run(job: Job, messages: AsyncGenerator<WorkMessage, void, undefined>): Promise<void> {
    for await (const message of messages) {
      job.unread.push(message)
      job.changes.dispatchEvent(new Event('change'))
      while (job.unread.length >= MAX_UNREAD && !job.leave.signal.aborted) {
        await change(job.changes, job.leave.signal)
      }
    }
    job.ended = true
    job.changes.dispatchEvent(new Event('change'))
  }

  #expectPoll(id: string, job: Job): void {
    job.abandoned = setTimeout(() => this.cancel(id), POLL_PATIENCE)
    job.abandoned.unref()
  }
}

async function change(changes: EventTarget, signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    return
  }
  await new Promise<void>((resolve) => {
    const end = (): void => {
      changes.removeEventListener('change', end)
      signal.removeEventListener('abort', end)
      resolve()
    }
    changes.addEventListener('change', end)
    signal.addEventListener('abort', end)
  })
}
