import { spawn } from 'node:child_process'
import { killTree } from './command.ts'
import { Problem } from './fresh.mjs'
import { describeExit, startPeer, type Peer, type PeerCommand } from './peer.ts'

/** How each process of the swarm is started; injected, so that tests can put others in their place. */
export interface SwarmCommands {
  relay: PeerCommand
  shard(relayAddress: string): PeerCommand
  /** The arguments of node for a Consumer that asks `question` and ends. */
  consumer(relayAddress: string, question: string): string[]
}

export interface SwarmInit {
  commands: SwarmCommands
  cwd: string
  /** Asks this and stops; otherwise runs until `signal`. */
  question?: string
  /** One line of what happens, for people. */
  say(line: string): void
  /** Called once when all of it runs. */
  onReady(relay: RelayReady, shard: ShardReady): void
  /** Stops all of it; that is the ordinary end. */
  signal: AbortSignal
}

export interface RelayReady {
  peer?: string
  addresses: string[]
}

export interface ShardReady {
  peer: string
  model: string
  /** URL of the OpenAI API. */
  api: string
  /** URL of the web app. */
  app: string
}

/** The exit code of a program that was interrupted before it had done what it was asked for. */
const INTERRUPTED = 130

/**
 * Runs a relay and a Shard, and a Consumer if there is a question, each in a process of its own.
 *
 * @returns the exit code: 0 after `signal`, the Consumer's after a question; throws a {@link Problem} if a peer dies.
 *   Whatever happens, no process of the swarm is left when it settles.
 */
export async function runSwarm(init: SwarmInit): Promise<number> {
  const { commands, signal, question } = init
  const peers: Peer[] = []
  const stopped = new Promise<'stopped'>((resolve) => {
    if (signal.aborted) resolve('stopped')
    signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })

  const start = async (command: PeerCommand): Promise<Record<string, unknown> | 'stopped'> => {
    const peer = startPeer(command, init.cwd)
    peers.push(peer)
    return Promise.race([peer.ready, firstDeath(peers), stopped])
  }

  try {
    init.say('Starting a relay ...')
    const relayEvent = await start(commands.relay)
    if (relayEvent === 'stopped') return question == null ? 0 : INTERRUPTED
    const relay = parseRelay(relayEvent)
    const address = relayAddress(relay.addresses)

    init.say('Starting a Shard with the embedded model ...')
    const shardEvent = await start(commands.shard(address))
    if (shardEvent === 'stopped') return question == null ? 0 : INTERRUPTED
    init.onReady(relay, parseShard(shardEvent))

    if (question == null) {
      await Promise.race([stopped, firstDeath(peers)])
      return 0
    }
    const consumer = ask(commands.consumer(address, question), init.cwd)
    try {
      const code = await Promise.race([consumer.exited, firstDeath(peers), stopped])
      return code === 'stopped' ? INTERRUPTED : code
    } finally {
      await consumer.stop()
    }
  } finally {
    // The Shard first: it takes leave of the swarm through the relay.
    for (const peer of peers.reverse()) await peer.stop()
  }
}

/** Rejects with a {@link Problem} when one of the peers ends by itself. */
async function firstDeath(peers: readonly Peer[]): Promise<never> {
  const { peer, exit } = await Promise.race(peers.map(async (peer) => ({ peer, exit: await peer.exited })))
  throw new Problem(describeExit(peer.name, exit, peer.lastLines()))
}

/** Starts the Consumer; what it prints is the answer, so it prints to this terminal itself. */
function ask(args: string[], cwd: string): { exited: Promise<number>; stop(): Promise<void> } {
  const child = spawn(process.execPath, args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: process.platform !== 'win32',
    windowsHide: true
  })
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })
  return {
    exited,
    async stop() {
      killTree(child, 'SIGKILL')
      await exited
    }
  }
}

/** The Shard and the app's tabs share one address of the relay, and a tab can dial a WebSocket only. */
function relayAddress(addresses: readonly string[]): string {
  const sockets = addresses.filter((address) => /\/ws(\/|$)/.test(address))
  const address = sockets.find((candidate) => candidate.startsWith('/ip4/127.')) ?? sockets[0]
  if (address != null) return address
  throw new Problem(
    `The relay listens on no WebSocket address, so that no browser could reach it: ${addresses.join(', ')}`
  )
}

function parseRelay(event: Record<string, unknown>): RelayReady {
  const { addresses, peer } = event
  if (!Array.isArray(addresses) || !addresses.every((address) => typeof address === 'string')) {
    throw new Problem(`The relay did not say where it listens: ${JSON.stringify(event)}`)
  }
  return { addresses, peer: typeof peer === 'string' ? peer : undefined }
}

function parseShard(event: Record<string, unknown>): ShardReady {
  const text = (name: string): string => {
    const value = event[name]
    if (typeof value === 'string') return value
    throw new Problem(`The Shard did not say its ${name}: ${JSON.stringify(event)}`)
  }
  return { peer: text('peer'), model: text('model'), api: text('api'), app: text('app') }
}
