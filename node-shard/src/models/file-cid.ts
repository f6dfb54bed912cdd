import { createHash } from 'node:crypto'
import { BlackHoleBlockstore } from 'blockstore-core/black-hole'
import { importFile } from 'ipfs-unixfs-importer'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create as createDigest } from 'multiformats/hashes/digest'
import { sha256 } from 'multiformats/hashes/sha2'
import { UNIXFS_IMPORT } from '@shard/protocol/model'
import { fileError } from '../store/errors.ts'
import { openStamped, type StampedFile } from '../store/file-stamp.ts'
import type { BufferImporter } from 'ipfs-unixfs-importer'

/**
 * The CID of a file by the rule of docs/MODELS.md. Reads all of it, and keeps nothing.
 *
 * @throws StoreError; the signal's reason
 */
export async function fileCid(path: string, signal?: AbortSignal): Promise<CID> {
  const { maxChildrenPerNode, chunkSize, ...format } = UNIXFS_IMPORT
  const file = await openStamped(path)
  try {
    const { cid } = await importFile({ content: chunks(file, chunkSize, signal) }, new BlackHoleBlockstore(), {
      ...format,
      // they are cut already
      chunker: (source) => source,
      layout: balanced({ maxChildrenPerNode }),
      bufferImporter: hashLeaves
    })
    return cid
  } catch (cause) {
    signal?.throwIfAborted()
    throw fileError(path, cause)
  } finally {
    await file.handle.close()
  }
}

/** The importer's own copies and waits more. */
const hashLeaves: BufferImporter = async function* ({ content }) {
  for await (const block of content) {
    yield async () => {
      const digest = createHash('sha256').update(block).digest()
      return { cid: CID.createV1(raw.code, createDigest(sha256.code, digest)), size: BigInt(block.byteLength), block }
    }
  }
}

/** Whole chunks; the next one is read while one is hashed. */
async function* chunks({ handle, size }: StampedFile, chunkSize: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const read = async (offset: number): Promise<Uint8Array> => {
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkSize, size - offset))
    let filled = 0
    while (filled < chunk.byteLength) {
      const { bytesRead } = await handle.read(chunk, filled, chunk.byteLength - filled, offset + filled)
      if (bytesRead === 0) {
        break
      }
      filled += bytesRead
    }
    return chunk.subarray(0, filled)
  }
  let next = read(0)
  for (let offset = 0; offset < size; offset += chunkSize) {
    signal?.throwIfAborted()
    const chunk = await next
    next = offset + chunkSize < size ? read(offset + chunkSize) : next
    yield chunk
  }
}
