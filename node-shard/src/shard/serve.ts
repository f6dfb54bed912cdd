import { loadOrCreateSelfKey } from '@libp2p/config'
import { Consumer } from '@shard/protocol/consume'
import { loadBackend, Target } from '../engine/index.ts'
import { createShim } from '../shim/index.ts'
import { ModelStore, startHelia } from '../store/index.ts'
import { keepRelays, nodeOptions } from '../swarm/index.ts'
import { Cleanup } from '../cleanup.ts'
import { Shard } from './index.ts'
import { withLocalShard } from './local.ts'
import { offeredModels } from './offered-models.ts'
import type { RelayAddresses } from '@shard/protocol/swarm'
import type { Logger } from 'pino'
import type { BackendInit } from '../engine/backend.ts'
import type { LocalModel } from '../models/index.ts'
import type { OwnFiles, ServedModel } from '../store/index.ts'

export interface ServeInit {
  log: Logger
  /** Folder for keys, records and the index of models. */
  data: string
  /** A model of the user's own; without it the embedded one is served. */
  files?: OwnFiles
  /** A model of the library. */
  model?: LocalModel
  relays: RelayAddresses[]
  /** Multiaddrs to listen on. */
  listen: string[]
  gpu?: BackendInit['gpu']
  slots?: number
  contextLength?: number
  threads?: number
  /** Bytes/s of model files that other peers are given together. */
  uploadLimit?: number
  /** Where the API and the app are served, on loopback only; undefined: not at all. */
  http?: { port: number; appDir?: string; apiKey?: string }
  signal: AbortSignal
}

export interface ServingShard {
  peer: string
  model: string
  manifest: string
  device: string
  addresses: () => string[]
  /** Base URL of the API and the app. */
  url?: string
  /** Tells Consumers and Scouts to go elsewhere, and lets go of everything. */
  stop: () => Promise<void>
}

/**
 * Starts a Shard: model, node, announcements, API. What was started is stopped again if a later step fails.
 *
 * @throws Error whose message says what to do
 */
export async function serve(init: ServeInit): Promise<ServingShard> {
  const { log, signal } = init
  await using undo = new Cleanup()

  const store = await ModelStore.open(init.data)
  undo.defer(async () => store.close())
  const model = await chooseModel(store, init)

  const llama = await loadBackend({ gpu: init.gpu, log })
  undo.defer(async () => llama.dispose())
  const { slots, contextLength, threads } = init
  const target = await Target.load({ llama, path: model.targetPath, log, slots, contextLength, threads, signal })
  undo.defer(async () => target.dispose())

  const announceSoon = { update: () => {} }
  const shard = new Shard({ target, manifest: model.manifest, model: model.cid, onChange: () => announceSoon.update() })
  const options = nodeOptions({
    privateKey: await loadOrCreateSelfKey(store.datastore),
    listen: init.listen,
    reservations: Math.min(init.relays.length, 2),
    shard: { answer: shard.answer, host: shard.scouts, offer: () => shard.offer }
  })
  const { libp2p, stop } = await startHelia(options, store, { uploadLimit: init.uploadLimit })
  undo.defer(stop)
  undo.defer(() => shard.close())
  announceSoon.update = () => libp2p.services.announce.update()
  const relays = keepRelays(libp2p, init.relays)
  undo.defer(() => relays.stop())

  const local = withLocalShard(shard, libp2p.peerId, {
    generate: libp2p.services.generate,
    directory: libp2p.services.announce
  })
  let url: string | undefined
  if (init.http != null) {
    const shim = createShim({
      consumer: new Consumer({ ...local, connections: (peer) => libp2p.getConnections(peer), self: libp2p.peerId }),
      models: async () => offeredModels(local.directory),
      relays: () => init.relays.flatMap(({ addresses }) => addresses.map(String)),
      appDir: init.http.appDir,
      apiKey: init.http.apiKey,
      log
    })
    url = await shim.listen(init.http.port)
    undo.defer(async () => shim.close())
  }

  const started = undo.move()
  return {
    peer: libp2p.peerId.toString(),
    model: model.manifest.name,
    manifest: model.cid.toString(),
    device: target.device,
    addresses: () => libp2p.getMultiaddrs().map(String),
    url,
    stop: async () => started[Symbol.asyncDispose]()
  }
}

async function chooseModel(store: ModelStore, { files, model, signal }: ServeInit): Promise<ServedModel> {
  if (model != null) {
    return store.fromLibrary(model, { signal })
  }
  return files == null ? store.embedded({ signal }) : store.fromFiles(files, { signal })
}
