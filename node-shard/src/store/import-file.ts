import { importFile } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { UNIXFS_IMPORT } from '@shard/protocol/model'
import { IMPORT_CONCURRENCY } from './constants.ts'
import { fileError, StoreError } from './errors.ts'
import { openStamped, type StampedFile } from './file-stamp.ts'
import type { LeafIndex } from './leaf-index.ts'
import type { AbortOptions } from '@libp2p/interface'
import type { Blockstore } from 'interface-blockstore'
import type { BufferImporter } from 'ipfs-unixfs-importer'

export interface ImportOptions extends AbortOptions {
  /** Called after every leaf; both in bytes. */
  onProgress?: (progress: { bytes: number; total: number }) => void
}

export interface ImportTargets {
  /** Takes the few nodes above the leaves. */
  nodes: Blockstore
  /** Takes the leaves' places. */
  index: LeafIndex
}

/**
 * Reads a file once and makes its UnixFS DAG. A file that is unchanged since its last import is not read at all.
 *
 * @returns the file's CID
 * @throws StoreError FILE_MISSING, NO_PERMISSION, NOT_A_MODEL, DISK_FULL, or FILE_CHANGED if someone writes to the file
 * meanwhile; the signal's reason
 */
export async function importModelFile(path: string, targets: ImportTargets, options: ImportOptions = {}): Promise<CID> {
  options.signal?.throwIfAborted()
  const file = await openStamped(path)
  try {
    const known = await targets.index.file(path, options)
    if (known?.stamp === file.stamp && (await targets.nodes.has(known.cid, options))) {
      return known.cid
    }
    const cid = await readFile(path, file, targets, options)
    await checkUnchanged(path, file)
    await targets.index.addFile({ path, stamp: file.stamp, cid }, options)
    return cid
  } catch (error) {
    throw fileError(path, error)
  } finally {
    await file.handle.close()
  }
}

async function readFile(path: string, file: StampedFile, targets: ImportTargets, options: ImportOptions): Promise<CID> {
  const { chunkSize, maxChildrenPerNode, ...format } = UNIXFS_IMPORT
  const { cid } = await importFile({ content: readChunks(file, chunkSize, options) }, targets.nodes, {
    ...format,
    chunker: fixedSize({ chunkSize }),
    layout: balanced({ maxChildrenPerNode }),
    blockWriteConcurrency: IMPORT_CONCURRENCY,
    bufferImporter: leafImporter(path, file, targets.index, options)
  })
  return cid
}

/** The importer's own would copy every leaf into the blockstore; this one notes where the leaf is. */
function leafImporter(path: string, file: StampedFile, index: LeafIndex, options: ImportOptions): BufferImporter {
  let done = 0
  return async function* ({ content }) {
    let next = 0
    for await (const block of content) {
      const offset = next
      next += block.byteLength
      yield async () => {
        options.signal?.throwIfAborted()
        const cid = CID.createV1(raw.code, await sha256.digest(block))
        await index.add(cid, { path, stamp: file.stamp, offset, length: block.byteLength }, options)
        done += block.byteLength
        options.onProgress?.({ bytes: done, total: file.size })
        return { cid, size: BigInt(block.byteLength), block }
      }
    }
  }
}

async function* readChunks(
  file: StampedFile,
  chunkSize: number,
  { signal }: ImportOptions
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < file.size;) {
    signal?.throwIfAborted()
    const chunk = new Uint8Array(Math.min(chunkSize, file.size - offset))
    const { bytesRead } = await file.handle.read(chunk, 0, chunk.byteLength, offset)
    if (bytesRead === 0) {
      return
    }
    offset += bytesRead
    yield chunk.subarray(0, bytesRead)
  }
}

async function checkUnchanged(path: string, { stamp }: StampedFile): Promise<void> {
  const now = await openStamped(path)
  await now.handle.close()
  if (now.stamp !== stamp) {
    throw new StoreError(
      'FILE_CHANGED',
      `${path} was written to while it was read; wait until it is whole, then try again.`
    )
  }
}
