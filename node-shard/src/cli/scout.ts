import { ScoutRunner } from '@shard/protocol/draft'
import { encodeManifest } from '@shard/protocol/model'
import { Command } from 'commander'
import { CID } from 'multiformats/cid'
import { LlamaDraftEngine, loadBackend } from '../engine/index.ts'
import { embeddedFiles } from '../store/index.ts'
import { startPeer } from '../swarm/index.ts'
import { Cleanup } from '../cleanup.ts'
import { aborted, createLog, emit, exit, fail, print, stopSignal } from './io.ts'
import { gpuOption, logOption, relayOption, whole } from './options.ts'
import type { ScoutStats } from '@shard/protocol/draft'
import type { RelayAddresses } from '@shard/protocol/swarm'
import type { Logger } from 'pino'

interface ScoutOptions {
  model?: string
  draft?: string
  relay: RelayAddresses[]
  threads?: number
  gpu: 'auto' | 'off'
  json?: true
  logLevel: string
}

/** How often the figures are told, in ms. */
const REPORT_EVERY = 2_000

export function scoutCommand(): Command {
  return new Command('scout')
    .description('Draft tokens for the Shards of the swarm with a small model, without a browser.')
    .option('--model <cid>', 'the manifest of the model to draft for; the embedded one if left out')
    .option('--draft <file>', "the GGUF to draft with; the embedded model's own if left out")
    .addOption(relayOption())
    .option('--threads <number>', 'CPU threads; measured if left out', whole(1))
    .addOption(gpuOption())
    .option('--json', 'print events as JSON, one a line')
    .addOption(logOption())
    .action(run)
}

async function run(options: ScoutOptions): Promise<void> {
  const signal = stopSignal()
  const log = createLog(options.logLevel)
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unexpected error'))
  try {
    await scout(options, log, signal)
  } catch (error) {
    if (!signal.aborted) {
      return fail(error, options.json === true)
    }
  }
  exit(0)
}

async function scout(options: ScoutOptions, log: Logger, signal: AbortSignal): Promise<void> {
  if (options.relay.length === 0) {
    throw new Error('A Scout needs a way into the swarm: give the address of a relay with --relay.')
  }
  if ((options.model == null) !== (options.draft == null)) {
    throw new Error('Give --model and --draft together: a draft model is made for one target.')
  }
  await using undo = new Cleanup()
  const embedded = await embeddedFiles()
  const model = options.model == null ? (await encodeManifest(embedded.manifest)).cid : CID.parse(options.model)
  const llama = await loadBackend({ gpu: options.gpu, log })
  undo.defer(async () => llama.dispose())
  const path = options.draft ?? embedded.draftPath
  const engine = await LlamaDraftEngine.load({ llama, path, threads: options.threads, signal })
  undo.defer(async () => engine.dispose())
  const peer = await startPeer(options.relay)
  undo.defer(async () => peer.stop())
  await peer.relays.connected({ timeout: 30_000, signal })

  const { draft, announce } = peer.libp2p.services
  const runner = new ScoutRunner({ draft, directory: announce, engine, model, log: logger(log) })
  undo.defer(async () => runner.stop())
  runner.start()
  const id = peer.libp2p.peerId.toString()
  if (options.json === true) {
    emit({ event: 'ready', peer: id, model: model.toString(), engine: engine.name })
  } else {
    print(`Drafting for ${model.toString()} with ${engine.name} as ${id}. Ctrl-C stops it.`)
  }
  let last = ''
  const report = setInterval(() => {
    const now =
      options.json === true ? JSON.stringify({ event: 'stats', ...figures(runner.stats) }) : line(runner.stats)
    if (now !== last) {
      last = now
      print(now)
    }
  }, REPORT_EVERY)
  undo.defer(() => clearInterval(report))
  await aborted(signal)
}

function figures({ drafted, accepted, generations, shards }: ScoutStats) {
  return { drafted, accepted, generations, shards: shards.map(String) }
}

function line({ drafted, accepted, generations, shards }: ScoutStats): string {
  const share = drafted === 0 ? '' : ` (${Math.round((100 * accepted) / drafted)} %)`
  return `${shards.length} Shards, ${generations} answers, ${drafted} tokens drafted, ${accepted} accepted${share}`
}

function logger(log: Logger) {
  return (message: string, ...args: unknown[]): void => log.info({ args }, message)
}
