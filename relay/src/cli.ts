#!/usr/bin/env node
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import envPaths from 'env-paths'
import { pino } from 'pino'
import { DEFAULT_HOST, DEFAULT_PORT, RELAY_LIMITS } from './constants.ts'
import { RelayError, createRelay, listenAddresses } from './index.ts'
import type { Relay, RelayLog } from './index.ts'

interface Options {
  host: string
  port: number
  listen?: string[]
  announce?: string[]
  data: string
  maxConnections: number
  maxReservations: number
  maxRelayedKib: number
  maxRelayedSeconds: number
  json?: true
  logLevel: string
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent']
const KIB = 1024

/** One JSON object a line, for programs that start a relay and wait for it. */
type RelayEvent =
  | { event: 'ready' | 'addresses'; peer: string; addresses: string[] }
  | { event: 'error'; code: string; message: string }
  | { event: 'stopped'; reason: string }

const program = new Command('shard-relay')
  .description('Lets the peers of a swarm find each other. It routes no request, holds no model and sees no plaintext.')
  .option('--host <address>', 'IP address to listen on', DEFAULT_HOST)
  .option(
    '--port <number>',
    'WebSockets (TCP) and WebRTC-Direct (UDP); plain TCP takes the next one; 0: free ones',
    whole(0),
    DEFAULT_PORT
  )
  .option('--listen <multiaddr...>', 'listen on these instead of --host and --port')
  .option('--announce <multiaddr...>', 'tell others these addresses instead of those of this machine')
  .option('--data <folder>', 'keys and records', join(envPaths('shard', { suffix: '' }).data, 'relay'))
  .option('--max-connections <number>', 'open connections', whole(1), RELAY_LIMITS.maxConnections)
  .option(
    '--max-reservations <number>',
    'peers that may be reached through this relay',
    whole(0),
    RELAY_LIMITS.maxReservations
  )
  .option('--max-relayed-kib <number>', 'KiB of one relayed connection', whole(1), RELAY_LIMITS.maxRelayedBytes / KIB)
  .option(
    '--max-relayed-seconds <number>',
    'seconds of one relayed connection',
    whole(1),
    RELAY_LIMITS.maxRelayedTime / 1000
  )
  .option('--json', 'print events as JSON, one a line')
  .option('--log-level <level>', `log to stderr: ${LOG_LEVELS.join(', ')}`, logLevel, 'warn')
  .showHelpAfterError('(shard-relay --help lists the options)')

await run(program.parse().opts<Options>())

async function run(options: Options): Promise<void> {
  // A reader that went away must not take the relay down with it.
  process.stdout.on('error', () => undefined)
  const log = pino({ name: 'shard-relay', level: options.logLevel }, pino.destination({ dest: 2, sync: true }))
  // One stranger's broken stream, whose error nobody awaited, is no reason to leave all others without a relay.
  process.on('unhandledRejection', (error) => log.error({ error }, 'unexpected error'))
  const stopping = stopRequest()
  let relay: Relay
  try {
    relay = await start(options, log)
  } catch (error) {
    return fail(error, options)
  }
  const peer = relay.peerId.toString()
  if (options.json === true) emit({ event: 'ready', peer, addresses: relay.addresses.map(String) })
  else greet(relay)
  const silence = relay.onAddresses((addresses) => {
    if (options.json === true) emit({ event: 'addresses', peer, addresses: addresses.map(String) })
  })
  const reason = await stopping
  silence()
  await relay.stop()
  if (options.json === true) emit({ event: 'stopped', reason })
  exit(0)
}

async function start(options: Options, log: RelayLog): Promise<Relay> {
  return createRelay({
    listen: options.listen ?? listenAddresses({ host: options.host, port: options.port }),
    announce: options.announce,
    data: options.data,
    limits: {
      maxConnections: options.maxConnections,
      maxReservations: options.maxReservations,
      maxRelayedBytes: options.maxRelayedKib * KIB,
      maxRelayedTime: options.maxRelayedSeconds * 1000
    },
    log
  })
}

/** Resolves when somebody wants the relay to stop: a signal, or the end of the process that started it. */
async function stopRequest(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(signal))
    process.once('disconnect', () => resolve('disconnect'))
  })
}

function greet(relay: Relay): void {
  const addresses = relay.addresses.map((address) => `    ${address.toString()}`)
  print(`Relay ${relay.peerId.toString()} is up. Peers reach it at`, ...addresses, 'Ctrl-C stops it.')
}

function fail(error: unknown, options: Options): void {
  const known = error instanceof RelayError
  const message = known
    ? error.message
    : `The relay could not start: ${error instanceof Error ? error.message : String(error)}`
  if (options.json === true) emit({ event: 'error', code: known ? error.code : 'INTERNAL', message })
  process.stderr.write(`${message}\n`)
  exit(1)
}

function emit(event: RelayEvent): void {
  print(JSON.stringify(event))
}

function print(...lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
}

/** After the last line is out. Outright, because WebRTC's threads would hold the process for a while. */
function exit(code: number): void {
  process.stdout.write('', () => process.exit(code))
}

function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be a whole number from ${least}.`)
    return value
  }
}

function logLevel(text: string): string {
  if (!LOG_LEVELS.includes(text)) throw new InvalidArgumentError(`It must be one of ${LOG_LEVELS.join(', ')}.`)
  return text
}
