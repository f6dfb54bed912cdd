import { pino } from 'pino'
import type { Logger } from 'pino'

/** What a failed command exits with. */
const FAILED = 1

/** Of a command that the user ended before it was done: 128 + SIGINT, as shells have it. */
export const INTERRUPTED = 130

/** Logs go to stderr, so that stdout holds what was asked for and nothing else. */
export function createLog(level: string): Logger {
  return pino({ name: 'shard', level }, pino.destination({ dest: 2, sync: true }))
}

/** One JSON object a line, for programs. */
export function emit(event: Record<string, unknown>): void {
  print(JSON.stringify(event))
}

export function print(...lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
}

export function note(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Aborted by Ctrl-C, SIGTERM, or the end of the process that started this one and kept an IPC channel to it. */
export function stopSignal(): AbortSignal {
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopped.abort(new Error(signal)))
  }
  process.once('disconnect', () => stopped.abort(new Error('disconnect')))
  return stopped.signal
}

export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  }
}

/** Says what went wrong in one sentence, and ends the process. */
export function fail(error: unknown, json: boolean): void {
  const message = error instanceof Error ? error.message : String(error)
  if (json) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'FAILED'
    emit({ event: 'error', code, message })
  }
  note(message)
  exit(FAILED)
}

/** Ends the process once all is written. Outright, since threads of llama.cpp and WebRTC may hold it for a while. */
export function exit(code: number): void {
  process.stdout.write('', () => process.exit(code))
}
