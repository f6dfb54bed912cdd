import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type Readable } from 'node:stream'
import { Problem } from './fresh.mjs'
import { killTree } from './command.ts'

/** Lines of a peer's output that are kept, to be shown where it dies. */
const KEPT_LINES = 20

/** From SIGTERM to SIGKILL, in milliseconds: a peer says goodbye to others and closes its files in far less. */
const STOP_GRACE = 5_000

/** From a peer's exit to the end of its output, in milliseconds. */
const LAST_LINE_GRACE = 1_000

export interface PeerCommand {
  /** What messages call it: "The relay". */
  name: string
  /** The arguments of node: a script and its own arguments. */
  args: string[]
  /** Milliseconds from the start to the ready line. */
  readyTimeout: number
}

export interface PeerExit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A peer in a process of its own. It ends when its IPC channel closes, so that it never outlives this process. */
export interface Peer {
  name: string
  pid: number | undefined
  /** The ready line; rejects with a {@link Problem} if the process ends or is silent for too long before it. */
  ready: Promise<Record<string, unknown>>
  exited: Promise<PeerExit>
  /** The last lines that it wrote, oldest first. */
  lastLines(): string[]
  /** SIGTERM, and SIGKILL to what is left after a grace; resolves when the process is gone. */
  stop(): Promise<void>
}

/**
 * Starts a peer that prints JSON lines on stdout, one of which is `{"event": "ready", ...}`.
 *
 * The peer leads a process group of its own: Ctrl-C in a terminal goes to every process of the foreground group, and
 * a peer that is stopped by it would look like one that died.
 */
export function startPeer(command: PeerCommand, cwd: string, env: NodeJS.ProcessEnv = process.env): Peer {
  const child = spawn(process.execPath, command.args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: process.platform !== 'win32',
    windowsHide: true
  })
  const lines: string[] = []
  const keep = (line: string): void => {
    // A peer that tells of an error in both ways, as JSON and for people, is quoted once.
    if (line.trim() === '' || lines.includes(line)) return
    lines.push(line)
    if (lines.length > KEPT_LINES) lines.shift()
  }

  const exited = new Promise<PeerExit>((resolve) => {
    child.once('error', (error) => {
      keep(error.message)
      resolve({ code: null, signal: null })
    })
    // 'close' comes after the last line, but never where a process that the peer started still holds its output.
    child.once('close', (code, signal) => resolve({ code, signal }))
    child.once('exit', (code, signal) => setTimeout(() => resolve({ code, signal }), LAST_LINE_GRACE).unref())
  })

  const ready = new Promise<Record<string, unknown>>((resolve, reject) => {
    const timer = setTimeout(() => {
      const seconds = command.readyTimeout / 1000
      reject(new Problem(`${command.name} was not ready after ${seconds} s.${quote(lines)}`))
    }, command.readyTimeout)
    readLines(child.stdout, (line) => {
      const event = parseEvent(line)
      if (event?.event === 'ready') {
        clearTimeout(timer)
        resolve(event)
      } else {
        keep(typeof event?.message === 'string' ? event.message : line)
      }
    })
    readLines(child.stderr, keep)
    void exited.then((exit) => {
      clearTimeout(timer)
      reject(new Problem(describeExit(command.name, exit, lines)))
    })
  })
  // Whoever stops a peer before it was ready need not wait for `ready` as well.
  ready.catch(() => undefined)

  return {
    name: command.name,
    pid: child.pid,
    ready,
    exited,
    lastLines: () => [...lines],
    async stop() {
      const timer = setTimeout(() => killTree(child, 'SIGKILL'), STOP_GRACE)
      killTree(child, 'SIGTERM')
      await exited
      clearTimeout(timer)
    }
  }
}

/** A sentence about a peer that ended by itself, with its last words. */
export function describeExit(name: string, exit: PeerExit, lines: readonly string[]): string {
  const how = exit.signal == null ? `ended with exit code ${exit.code ?? 'unknown'}` : `was ended by ${exit.signal}`
  return `${name} ${how}.${quote(lines)}`
}

function quote(lines: readonly string[]): string {
  return lines.length === 0 ? ' It wrote nothing.' : ` Its last lines:\n${lines.map((line) => `  ${line}`).join('\n')}`
}

function readLines(input: Readable | null, take: (line: string) => void): void {
  if (input != null) createInterface({ input }).on('line', take)
}

function parseEvent(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
