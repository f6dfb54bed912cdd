import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startPeer, type Peer } from '../../../scripts/lib/peer.ts'
import { ROOT } from '../../../scripts/lib/root.ts'

const RELAY = join('relay', 'dist', 'cli.js')
const SHARD = join('node-shard', 'dist', 'cli', 'index.js')
const READY_TIMEOUT = 60_000

/** An event line of `shard run --json`; its fields are those of AnswerEvent. */
export interface RunEvent {
  event: string
  peer?: string
  from?: string
  position?: number
  tokens?: number[]
  text?: string
  drafted?: number
  scout?: string
  code?: string
  message?: string
  reason?: string
  figures?: { completionTokens: number; acceptedTokens: number; draftedTokens: number }
}

export interface ShardProcess {
  process: Peer
  peer: string
  api: string
  /** The CID of the model that it serves. */
  manifest: string
}

export interface Answer {
  tokens: number[]
  text: string
  events: RunEvent[]
  exitCode: number | null
}

/** Processes of one swarm on loopback, with a data folder of their own; all of them end with `stop`. */
export class SwarmProcesses {
  readonly #folder: string
  readonly #peers: Peer[] = []
  #relay = ''

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** A swarm with a relay and nothing else. */
  static async start(): Promise<SwarmProcesses> {
    const swarm = new SwarmProcesses(await mkdtemp(join(tmpdir(), 'shard-swarm-')))
    const data = join(swarm.#folder, 'relay')
    const relay = swarm.#spawn('The relay', [RELAY, '--json', '--host', '127.0.0.1', '--port', '0', '--data', data])
    const { addresses } = (await relay.ready) as { addresses: string[] }
    swarm.#relay = addresses.find((address) => address.includes('/ws/')) ?? ''
    return swarm
  }

  get relay(): string {
    return this.#relay
  }

  async shard(name: string, options: string[] = []): Promise<ShardProcess> {
    const data = join(this.#folder, name)
    const args = ['serve', '--json', '--relay', this.#relay, '--host', '127.0.0.1', '--port', '0', '--data', data]
    const process = this.#spawn(`Shard ${name}`, [SHARD, ...args, ...options])
    const { peer, api, manifest } = (await process.ready) as Omit<ShardProcess, 'process'>
    return { process, peer, api, manifest }
  }

  /** The API on a machine that has no model. */
  async connect(options: string[] = []): Promise<{ process: Peer; api: string }> {
    const args = [SHARD, 'connect', '--json', '--relay', this.#relay, '--port', '0', ...options]
    const process = this.#spawn('The API without a model', args)
    const { api } = (await process.ready) as { api: string }
    return { process, api }
  }

  async scout(): Promise<Peer> {
    const process = this.#spawn('A Scout', [SHARD, 'scout', '--json', '--relay', this.#relay, '--threads', '1'])
    await process.ready
    return process
  }

  async hostileScout(behaviour: string): Promise<Peer> {
    const script = join('tests', 'swarm', 'lib', 'hostile-scout.ts')
    const process = this.#spawn(`A Scout that sends ${behaviour} drafts`, [script, this.#relay, behaviour])
    await process.ready
    return process
  }

  /** Asks as a Consumer in a process of its own. `onEvent` sees each event as it comes. */
  async ask(prompt: string, options: string[] = [], onEvent?: (event: RunEvent) => void): Promise<Answer> {
    const args = [SHARD, 'run', '--json', '--relay', this.#relay, ...options, '--', prompt]
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const { stdout } = child
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
    const events: RunEvent[] = []
    for await (const line of createInterface({ input: stdout })) {
      const event = JSON.parse(line) as RunEvent
      events.push(event)
      onEvent?.(event)
    }
    const commits = events.filter(({ event }) => event === 'commit')
    const tokens: number[] = []
    for (const commit of commits) {
      if (commit.position !== tokens.length) {
        throw new Error(`Tokens at ${commit.position} came where ${tokens.length} was due.`)
      }
      tokens.push(...(commit.tokens ?? []))
    }
    const done = events.find(({ event }) => event === 'done')
    const text = commits.map((commit) => commit.text ?? '').join('') + (done?.text ?? '')
    return { tokens, text, events, exitCode: await exited }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#peers.map(async (peer) => peer.stop()))
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }

  #spawn(name: string, args: string[]): Peer {
    const peer = startPeer({ name, args, readyTimeout: READY_TIMEOUT }, ROOT)
    this.#peers.push(peer)
    return peer
  }
}

/** The last `stats` event of a Scout. */
export function scoutStats(scout: Peer): { drafted: number; accepted: number; shards: string[] } | undefined {
  return scout
    .lastLines()
    .filter((line) => line.startsWith('{"event":"stats"'))
    .map((line) => JSON.parse(line) as { drafted: number; accepted: number; shards: string[] })
    .at(-1)
}
