import { spawn, type ChildProcess } from 'node:child_process'

export interface CommandInit {
  cwd: string
  env?: NodeJS.ProcessEnv
  /** 'inherit' shows the output as it comes; 'collect' returns it. */
  output: 'inherit' | 'collect'
  /** Milliseconds after which the command and all that it started are killed. */
  timeout: number
  signal?: AbortSignal
}

export interface CommandResult {
  /** Exit code; undefined if it was killed or could not be started. */
  code: number | undefined
  /** What it wrote to stdout and stderr, where that was collected, and why it was killed. */
  output: string
}

/** Runs a command to its end in a process group of its own, so that stopping it also stops what it started. */
export async function runCommand(file: string, args: readonly string[], init: CommandInit): Promise<CommandResult> {
  const child = spawn(file, args, {
    cwd: init.cwd,
    env: init.env,
    stdio: init.output === 'inherit' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true
  })
  const pieces: string[] = []
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => pieces.push(piece))
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => pieces.push(piece))

  const stop = (): void => killTree(child, 'SIGKILL')
  const timer = setTimeout(() => {
    pieces.push(`\nStopped: it took longer than ${init.timeout / 1000} s.\n`)
    if (init.output === 'inherit') process.stderr.write(pieces.at(-1) ?? '')
    stop()
  }, init.timeout)
  init.signal?.addEventListener('abort', stop, { once: true })
  if (init.signal?.aborted === true) stop()

  try {
    const code = await new Promise<number | undefined>((resolve) => {
      child.once('error', (error) => {
        pieces.push(error.message)
        resolve(undefined)
      })
      child.once('close', (exitCode) => {
        resolve(exitCode ?? undefined)
      })
    })
    return { code, output: pieces.join('') }
  } finally {
    clearTimeout(timer)
    init.signal?.removeEventListener('abort', stop)
  }
}

/** Sends a signal to a child that leads its own process group, and to all of that group. */
export function killTree(child: ChildProcess, signal: NodeJS.Signals): void {
  // The id of a process that is gone may be another one's by now.
  if (child.pid == null || child.exitCode != null || child.signalCode != null) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // It is gone already.
  }
}
