import { createReadStream } from 'node:fs'
import { BlackHoleBlockstore } from 'blockstore-core/black-hole'
import { importByteStream } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { UNIXFS_IMPORT } from '@shard/protocol/model'
import { fileError } from '../store/errors.ts'
import type { CID } from 'multiformats/cid'

/**
 * The CID of a file by the rule of docs/MODELS.md. Reads all of it, and keeps nothing.
 *
 * @throws StoreError; the signal's reason
 */
export async function fileCid(path: string, signal?: AbortSignal): Promise<CID> {
  const { chunkSize, maxChildrenPerNode, ...format } = UNIXFS_IMPORT
  try {
    const { cid } = await importByteStream(
      createReadStream(path, { highWaterMark: chunkSize, signal }),
      new BlackHoleBlockstore(),
      { ...format, chunker: fixedSize({ chunkSize }), layout: balanced({ maxChildrenPerNode }) }
    )
    return cid
  } catch (cause) {
    signal?.throwIfAborted()
    throw fileError(path, cause)
  }
}
