import { stat } from 'node:fs/promises'
import { equals } from 'multiformats/bytes'
import * as raw from 'multiformats/codecs/raw'
import { identity } from 'multiformats/hashes/identity'
import { sha256, sha512 } from 'multiformats/hashes/sha2'
import { BaseBlockstore } from 'blockstore-core'
import { BlockUnavailableError } from './errors.ts'
import { openStamped, stampOf } from './file-stamp.ts'
import type { LeafIndex, LeafLocation } from './leaf-index.ts'
import type { AbortOptions } from '@libp2p/interface'
import type { Blockstore, Pair } from 'interface-blockstore'
import type { CID } from 'multiformats/cid'

type BlockBytes = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

const HASHERS = [sha256, sha512, identity]

/**
 * Serves the leaves of imported files straight from those files, and all other blocks from an inner blockstore. Every
 * block is hashed before it is given away, so bytes that rotted or were edited are never served.
 */
export class FileBlockstore extends BaseBlockstore {
  readonly #inner: Blockstore
  readonly #index: LeafIndex

  constructor(inner: Blockstore, index: LeafIndex) {
    super()
    this.#inner = inner
    this.#index = index
  }

  /** True only if the block's file is as it was imported, so that a peer is not promised what cannot be given. */
  override async has(cid: CID, options?: AbortOptions): Promise<boolean> {
    for (const location of await this.#locations(cid, options)) {
      if (await isUnchanged(location)) {
        return true
      }
    }
    return this.#inner.has(cid, options)
  }

  /** A block that a file holds already is not stored a second time. */
  override async put(cid: CID, block: BlockBytes, options?: AbortOptions): Promise<CID> {
    if (!(await this.has(cid, options))) {
      await this.#inner.put(cid, block, options)
    }
    return cid
  }

  /**
   * @throws BlockUnavailableError FILE_CHANGED if the file or the stored block is not what was imported; NotFoundError
   * if the block was never here
   */
  override async *get(cid: CID, options?: AbortOptions): AsyncGenerator<Uint8Array> {
    let changed: BlockUnavailableError | undefined
    for (const location of await this.#locations(cid, options)) {
      options?.signal?.throwIfAborted()
      try {
        yield await this.#fromFile(cid, location, options)
        return
      } catch (error) {
        if (!(error instanceof BlockUnavailableError)) {
          throw error
        }
        changed ??= error
      }
    }
    if (changed != null && !(await this.#inner.has(cid, options))) {
      throw changed
    }
    yield await this.#fromInner(cid, options)
  }

  override async delete(cid: CID, options?: AbortOptions): Promise<void> {
    await this.#index.removeAll(cid, options)
    await this.#inner.delete(cid, options)
  }

  override async *getAll(options?: AbortOptions): AsyncGenerator<Pair> {
    for await (const cid of this.#index.leaves(options)) {
      yield { cid, bytes: this.get(cid, options) }
    }
    for await (const { cid } of this.#inner.getAll(options)) {
      yield { cid, bytes: this.get(cid, options) }
    }
  }

  async #locations(cid: CID, options?: AbortOptions): Promise<LeafLocation[]> {
    return cid.code === raw.code && cid.multihash.code === sha256.code ? this.#index.locations(cid, options) : []
  }

  async #fromFile(cid: CID, location: LeafLocation, options?: AbortOptions): Promise<Uint8Array> {
    const { path, offset, length } = location
    const { handle, stamp } = await openStamped(path).catch((cause: unknown) => {
      throw unavailable(path, cause)
    })
    const block = Buffer.allocUnsafeSlow(length)
    try {
      if (stamp !== location.stamp) {
        throw unavailable(path)
      }
      const { bytesRead } = await handle.read(block, 0, length, offset)
      if (bytesRead === length && (await isBlock(cid, block))) {
        return block
      }
    } catch (cause) {
      throw cause instanceof BlockUnavailableError ? cause : unavailable(path, cause)
    } finally {
      await handle.close()
    }
    // The file looks unchanged and is not: forget it, so that peers are told no, and the next import reads it anew.
    await this.#index.remove(cid, location, options)
    await this.#index.removeFile(path, options)
    throw unavailable(path)
  }

  async #fromInner(cid: CID, options?: AbortOptions): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for await (const part of this.#inner.get(cid, options)) {
      parts.push(part)
    }
    const block = parts.length === 1 && parts[0] != null ? parts[0] : new Uint8Array(Buffer.concat(parts))
    if (await isBlock(cid, block)) {
      return block
    }
    await this.#inner.delete(cid, options)
    throw new BlockUnavailableError(
      'FILE_CHANGED',
      `The stored block ${cid.toString()} was damaged and is deleted; it is fetched or made again when it is needed.`
    )
  }
}

async function isUnchanged({ path, stamp }: LeafLocation): Promise<boolean> {
  try {
    const stats = await stat(path, { bigint: true })
    return stats.isFile() && stampOf(stats) === stamp
  } catch {
    return false
  }
}

/** A block of a hash that cannot be checked here counts as damaged. */
async function isBlock(cid: CID, block: Uint8Array): Promise<boolean> {
  const hasher = HASHERS.find(({ code }) => code === cid.multihash.code)
  return hasher != null && equals((await hasher.digest(block)).digest, cid.multihash.digest)
}

function unavailable(path: string, cause?: unknown): BlockUnavailableError {
  return new BlockUnavailableError(
    'FILE_CHANGED',
    `${path} is no longer the file that was imported. Put the original back, or start the Shard again to serve the new one.`,
    { cause }
  )
}
