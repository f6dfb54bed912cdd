import { Command } from 'commander'
import {
  fromCatalogue,
  importPair,
  ModelFetcher,
  ModelFetchError,
  ModelLibrary,
  type LocalModel
} from '../models/index.ts'
import { startPeer } from '../swarm/index.ts'
import { Cleanup } from '../cleanup.ts'
import { createLog, exit, fail, INTERRUPTED, stopSignal } from './io.ts'
import { dataOption, embeddedModel, isEmbedded, jsonOption, parseCid, quotaOption, Reporter } from './models.ts'
import { logOption, relayOption } from './options.ts'
import type { RelayAddresses } from '@shard/protocol/swarm'
import type { CID } from 'multiformats/cid'

interface PullOptions {
  relay: RelayAddresses[]
  data: string
  diskQuota?: number
  json?: true
  logLevel: string
}

export function pullCommand(): Command {
  return new Command('pull')
    .description('Bring a model to this machine: from the peers of the swarm by its CID, or a known one by its name.')
    .argument('<model>', "a manifest's CID, or a name of the catalogue (shard ls --all lists them)")
    .addOption(relayOption())
    .addOption(dataOption())
    .addOption(quotaOption())
    .addOption(jsonOption())
    .addOption(logOption())
    .action(run)
}

async function run(name: string, options: PullOptions): Promise<void> {
  const signal = stopSignal()
  const log = createLog(options.logLevel)
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unexpected error'))
  const reporter = new Reporter(options.json === true)
  try {
    reporter.done(await pull(name, options, reporter, signal), 'Here is')
  } catch (error) {
    reporter.end()
    if (signal.aborted) {
      reporter.note('Stopped. What came is kept: the same command goes on from there.')
      return exit(INTERRUPTED)
    }
    return fail(error, options.json === true)
  }
  exit(0)
}

async function pull(name: string, options: PullOptions, reporter: Reporter, signal: AbortSignal): Promise<LocalModel> {
  const embedded = await embeddedModel()
  if (isEmbedded(embedded, name)) {
    return embedded
  }
  const library = new ModelLibrary(options.data)
  const known = await library.find(name)
  if (known?.complete === true) {
    return known
  }
  const cid = parseCid(name) ?? known?.cid
  if (cid != null) {
    return pullFromSwarm(cid, library, options, reporter, signal)
  }
  const entry = await fromCatalogue(name)
  if (entry?.target == null) {
    throw new ModelFetchError(
      'UNKNOWN_MODEL',
      `"${name}" is neither a manifest's CID nor a name of the catalogue. "shard ls --all" lists the names; ` +
        '"shard import hf:owner/repository/file.gguf" brings any other model.'
    )
  }
  const { target, draft, license } = entry
  const model = await importPair({ target, draft, license, name: entry.name }, library, {
    signal,
    onProgress: (progress) => reporter.progress(progress),
    onNote: (sentence) => reporter.note(sentence)
  })
  if (options.diskQuota != null) {
    for (const removed of await library.makeRoom(0, options.diskQuota, model.cid)) {
      reporter.removed(removed)
    }
  }
  return model
}

async function pullFromSwarm(
  cid: CID,
  library: ModelLibrary,
  options: PullOptions,
  reporter: Reporter,
  signal: AbortSignal
): Promise<LocalModel> {
  if (options.relay.length === 0) {
    throw new Error('There is no way into the swarm: give the address of a relay with --relay.')
  }
  await using undo = new Cleanup()
  const peer = await startPeer(options.relay)
  undo.defer(async () => peer.stop())
  await peer.relays.connected({ timeout: 30_000, signal })
  const { libp2p } = peer
  const swarm = { libp2p, directory: libp2p.services.announce }
  // awaited: the peer has to stay until it is here
  return await new ModelFetcher({ swarm, library, quota: options.diskQuota }).pull(cid, {
    signal,
    onProgress: (progress) => reporter.progress(progress),
    onRemoved: (removed) => reporter.removed(removed)
  })
}
