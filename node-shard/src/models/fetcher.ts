import { mkdir, stat } from 'node:fs/promises'
import { decodeManifest, type Manifest } from '@shard/protocol/model'
import { BitswapClient } from './bitswap-client.ts'
import { FETCH_TIMING, type FetchTiming } from './constants.ts'
import { fetchBlock } from './fetch-block.ts'
import { fetchFile } from './fetch-file.ts'
import { Givers, type FetchSwarm } from './givers.ts'
import { filesOf, type LocalModel, type ModelLibrary } from './library.ts'
import { ModelFetchError } from './errors.ts'
import type { Fetch } from './origin-source.ts'
import type { FetchProgress } from './progress.ts'
import type { CID } from 'multiformats/cid'

export interface ModelFetcherInit {
  swarm: FetchSwarm
  library: ModelLibrary
  timing?: FetchTiming
  /** Bytes that pulled models may take together; without it as many as fit on the disk. */
  quota?: number
  /** How web servers are asked; `fetch` if left out. */
  fetch?: Fetch
}

export interface PullOptions {
  signal?: AbortSignal
  /** Called when it is known what the model is, and before its files are fetched. */
  onManifest?: (manifest: Manifest) => void
  /** Called with each model that was removed to make room. */
  onRemoved?: (model: LocalModel) => void
  onProgress?: (progress: FetchProgress) => void
}

/** Brings models of the swarm to this machine. Its node must not run bitswap itself. */
export class ModelFetcher {
  readonly #init: ModelFetcherInit
  readonly #timing: FetchTiming

  constructor(init: ModelFetcherInit) {
    this.#init = init
    this.#timing = init.timing ?? FETCH_TIMING
  }

  /**
   * Fetches a manifest, its target and its best draft, each checked against its CID, from all peers that have them.
   * Goes on where an earlier call stopped.
   *
   * @throws ModelFetchError; StoreError; ShardError where the block is no manifest; the signal's reason
   */
  async pull(cid: CID, options: PullOptions = {}): Promise<LocalModel> {
    const { swarm, library } = this.#init
    const signal = options.signal ?? new AbortController().signal
    const client = await BitswapClient.start(swarm.libp2p)
    const givers = new Givers(swarm, client, this.#timing)
    try {
      givers.start([cid])
      const known = await library.find(cid.toString())
      const manifest = known?.manifest ?? (await this.#manifest(givers, cid, signal))
      options.onManifest?.(manifest)
      await this.#makeRoom(cid, manifest, options)
      await library.add(manifest)
      await this.#fetchFiles(givers, manifest, signal, options.onProgress)
    } finally {
      await givers.stop()
      await client.stop()
    }
    const model = await library.find(cid.toString())
    if (model?.complete !== true) {
      throw new ModelFetchError('UNKNOWN_MODEL', 'The model was removed while it was pulled. Pull it again.')
    }
    return model
  }

  async #manifest(givers: Givers, cid: CID, signal: AbortSignal): Promise<Manifest> {
    return decodeManifest(await fetchBlock(givers, cid, this.#timing, signal), cid)
  }

  async #makeRoom(cid: CID, manifest: Manifest, { onRemoved }: PullOptions): Promise<void> {
    const { library, quota } = this.#init
    if (quota == null) {
      return
    }
    let missing = 0
    for (const file of filesOf(manifest)) {
      missing += (await exists(library.pathOf(file))) ? 0 : file.bytes
    }
    for (const removed of await library.makeRoom(missing, quota, cid)) {
      onRemoved?.(removed)
    }
  }

  async #fetchFiles(
    givers: Givers,
    manifest: Manifest,
    signal: AbortSignal,
    onProgress: PullOptions['onProgress']
  ): Promise<void> {
    const { library, fetch = globalThis.fetch } = this.#init
    await mkdir(library.dir, { recursive: true })
    for (const file of filesOf(manifest)) {
      const path = library.pathOf(file)
      if (await exists(path)) {
        continue
      }
      const partDir = library.partDir(file.cid.toString())
      const what = file === manifest.target ? 'target' : 'draft'
      await fetchFile(file, { path, partDir }, givers, { timing: this.#timing, fetch, signal, what, onProgress })
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}
