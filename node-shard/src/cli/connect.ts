import { Consumer } from '@shard/protocol/consume'
import { Command } from 'commander'
import { Cleanup } from '../cleanup.ts'
import { offeredModels } from '../shard/offered-models.ts'
import { createShim } from '../shim/index.ts'
import { startPeer } from '../swarm/index.ts'
import { aborted, createLog, emit, exit, fail, note, print, stopSignal } from './io.ts'
import { logOption, relayOption, whole } from './options.ts'
import type { RelayAddresses } from '@shard/protocol/swarm'
import type { Logger } from 'pino'

interface ConnectOptions {
  relay: RelayAddresses[]
  port: number
  apiKey?: string
  app?: string
  ownScouts?: true
  json?: true
  logLevel: string
}

export function connectCommand(): Command {
  return new Command('connect')
    .description('Offer the swarm as an OpenAI API on this machine, which needs no model of its own.')
    .addOption(relayOption())
    .option('--port <number>', 'of the API and the app, on 127.0.0.1; 0: a free one', whole(0), 9091)
    .option('--api-key <key>', 'what programs have to send as their API key')
    .option('--app <folder>', 'the built web app, to serve it too')
    .option('--own-scouts', 'no Scouts of others may see what is asked here')
    .option('--json', 'print events as JSON, one a line')
    .addOption(logOption())
    .action(run)
}

async function run(options: ConnectOptions): Promise<void> {
  const signal = stopSignal()
  const log = createLog(options.logLevel)
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unexpected error'))
  try {
    await connect(options, log, signal)
  } catch (error) {
    if (!signal.aborted) {
      return fail(error, options.json === true)
    }
  }
  exit(0)
}

async function connect(options: ConnectOptions, log: Logger, signal: AbortSignal): Promise<void> {
  if (options.relay.length === 0) {
    throw new Error('There is no way into the swarm: give the address of a relay with --relay.')
  }
  await using undo = new Cleanup()
  const peer = await startPeer(options.relay)
  undo.defer(async () => peer.stop())
  const { generate, announce } = peer.libp2p.services
  const shim = createShim({
    consumer: new Consumer({
      generate,
      directory: announce,
      connections: (id) => peer.libp2p.getConnections(id)
    }),
    models: async () => offeredModels(announce),
    relays: () => options.relay.flatMap(({ addresses }) => addresses.map(String)),
    appDir: options.app,
    apiKey: options.apiKey,
    draftPolicy: options.ownScouts === true ? 'own' : 'anyone',
    log
  })
  // the port first: that it is taken is known at once, that no relay answers after a while
  const url = await shim.listen(options.port)
  undo.defer(async () => shim.close())
  await peer.relays.connected({ timeout: 30_000, signal })

  const id = peer.libp2p.peerId.toString()
  if (options.json === true) {
    emit({ event: 'ready', peer: id, api: `${url}/v1`, ...(options.app == null ? {} : { app: url }) })
  } else {
    print(`Connected to the swarm as ${id}`)
    print(...(options.app == null ? [] : [`  App  ${url}`]), `  API  ${url}/v1`)
    note('Ctrl-C stops it.')
  }
  await aborted(signal)
}
