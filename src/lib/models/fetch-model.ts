import { decodeManifest } from '@shard/protocol/model'
import { exporter } from 'ipfs-unixfs-exporter'
import { PART_BYTES } from './constants.ts'
import { ModelFetchError } from './errors.ts'
import { retrieve } from './retrieve.ts'
import { Speed } from './speed.ts'
import { blocksOf, collect, makeRoom, readBlock } from './stored.ts'
import type { Manifest, ModelFile } from '@shard/protocol/model'
import type { ExportContentOptions } from 'ipfs-unixfs-exporter'
import type { CID } from 'multiformats/cid'
import type { FetchSwarm } from './providers.ts'
import type { BlockEvent, RetrieveOptions, Try } from './retrieve.ts'

/** How a download stands. */
export interface FetchProgress {
  /** Bytes that are here, of `total`. */
  bytes: number
  total: number
  /** From the network, over the last seconds; 0 while nothing comes. */
  bytesPerSecond: number
  /** Peers that can be asked. */
  providers: number
}

export interface FetchOptions extends RetrieveOptions {
  onProgress?: (progress: FetchProgress) => void
}

type FileId = Pick<ModelFile, 'cid' | 'bytes'>

/**
 * A model's file, by CID: from this browser's storage, else from the swarm over bitswap. Each block is checked against
 * its hash and stored when it comes, so an interrupted download goes on where it stopped, and a second call does not
 * touch the network.
 *
 * @throws ModelFetchError; the signal's reason when aborted
 */
export async function fetchModelFile(swarm: FetchSwarm, file: FileId, options: FetchOptions = {}): Promise<Blob> {
  const { signal } = options
  const collected = new Parts(file)
  if (await hasModelFile(swarm, file)) {
    for await (const chunk of readFile(file.cid, swarm.helia.blockstore, { offline: true, signal })) collected.push(chunk)
    return collected.blob()
  }

  await makeRoom(file.bytes)
  const speed = new Speed(performance.now())
  let providers = 0
  const report = (): void => {
    const bytesPerSecond = speed.bytesPerSecond(performance.now())
    options.onProgress?.({ bytes: collected.bytes, total: file.bytes, bytesPerSecond, providers })
  }
  const onProviders = (count: number): void => {
    providers = count
    report()
  }
  report()
  await retrieve(swarm, file.cid, (attempt) => download(attempt, file.cid, collected, speed, report), {
    ...options,
    onProviders
  })
  return collected.blob()
}

async function download(
  { blockstore, blocksAtOnce, signal, touch, onProgress }: Try,
  cid: CID,
  collected: Parts,
  speed: Speed,
  report: () => void
): Promise<void> {
  if (collected.complete) return
  let arrived = 0
  const chunks = readFile(cid, blockstore, {
    signal,
    offset: collected.bytes,
    blockReadConcurrency: blocksAtOnce,
    // Blocks arrive in any order, while the chunks below come in the file's.
    onProgress: (event: BlockEvent) => {
      if (event.type === 'blocks:get:blockstore:put') arrived++
      onProgress(event)
    }
  })
  for await (const chunk of chunks) {
    touch()
    collected.push(chunk)
    if (arrived > 0) {
      arrived--
      speed.add(chunk.byteLength, performance.now())
    }
    report()
  }
}

/** The file's bytes in order. @throws ModelFetchError WRONG_FILE where the CID names no file */
async function* readFile(
  cid: CID,
  blockstore: Parameters<typeof exporter>[1],
  options: ExportContentOptions
): AsyncGenerator<Uint8Array> {
  const { signal, offline, onProgress } = options
  const entry = await exporter(cid, blockstore, { signal, offline, onProgress })
  if (entry.type !== 'file' && entry.type !== 'raw') {
    throw new ModelFetchError('WRONG_FILE', 'What the manifest names is not a file. Use another model.')
  }
  yield* entry.content(options)
}

/**
 * A model's manifest, by CID and checked against it: from this browser's storage, else from the swarm.
 *
 * @throws ModelFetchError; ShardError where the block is no manifest; the signal's reason when aborted
 */
export async function fetchManifest(swarm: FetchSwarm, cid: CID, options: RetrieveOptions = {}): Promise<Manifest> {
  const block = (await swarm.helia.blockstore.has(cid))
    ? await readBlock(swarm, cid)
    : await retrieve(swarm, cid, async ({ blockstore, ...how }) => collect(blockstore.get(cid, how)), options)
  return decodeManifest(block, cid)
}

/** True if the whole file is in this browser's storage. */
export async function hasModelFile(swarm: Pick<FetchSwarm, 'helia'>, file: Pick<FileId, 'cid'>): Promise<boolean> {
  for await (const { stored } of blocksOf(swarm, file.cid)) {
    if (!stored) return false
  }
  return true
}

/** Deletes what this browser has stored of a file. */
export async function deleteModelFile(swarm: Pick<FetchSwarm, 'helia'>, file: Pick<FileId, 'cid'>): Promise<void> {
  const stored: CID[] = []
  for await (const block of blocksOf(swarm, file.cid)) {
    if (block.stored) stored.push(block.cid)
  }
  // Leaves first: should the page close in between, the root still leads to the rest.
  for (const cid of stored.reverse()) await swarm.helia.blockstore.delete(cid)
}

/** The file's bytes so far, in Blobs, which the browser may keep on disk. */
class Parts {
  readonly #file: FileId
  readonly #blobs: Blob[] = []
  #chunks: BlobPart[] = []
  #pending = 0
  bytes = 0

  constructor(file: FileId) {
    this.#file = file
  }

  get complete(): boolean {
    return this.bytes === this.#file.bytes
  }

  /** @throws ModelFetchError WRONG_FILE where the file is longer than the manifest says */
  push(chunk: Uint8Array): void {
    this.bytes += chunk.byteLength
    this.#pending += chunk.byteLength
    if (this.bytes > this.#file.bytes) throw this.#wrong()
    this.#chunks.push(chunk as Uint8Array<ArrayBuffer>)
    if (this.#pending >= PART_BYTES) this.#flush()
  }

  /** @throws ModelFetchError WRONG_FILE where the file is shorter than the manifest says */
  blob(): Blob {
    if (!this.complete) throw this.#wrong()
    this.#flush()
    return new Blob(this.#blobs)
  }

  #flush(): void {
    this.#blobs.push(new Blob(this.#chunks))
    this.#chunks = []
    this.#pending = 0
  }

  #wrong(): ModelFetchError {
    const found = this.bytes > this.#file.bytes ? 'longer' : 'shorter'
    const words = `The file is ${found} than its manifest says (${this.#file.bytes} bytes). Use another model.`
    return new ModelFetchError('WRONG_FILE', words)
  }
}
