import { decode, encode } from '@ipld/dag-cbor'
import { Key } from 'interface-datastore'
import { base32 } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create as createDigest } from 'multiformats/hashes/digest'
import { sha256 } from 'multiformats/hashes/sha2'
import { z } from 'zod'
import { MAX_LOCATIONS } from './constants.ts'
import type { AbortOptions } from '@libp2p/interface'
import type { Datastore } from 'interface-datastore'

/** Where the bytes of a leaf are: `length` bytes from `offset` in the file `path`, as long as it bears `stamp`. */
export interface LeafLocation {
  path: string
  stamp: string
  offset: number
  length: number
}

/** A file that was imported as a whole. */
export interface ImportedFile {
  path: string
  stamp: string
  cid: CID
}

const LEAVES = '/shard/store/leaves'
const FILES = '/shard/store/files'

const locations = z.array(
  z.object({ path: z.string(), stamp: z.string(), offset: z.int().min(0), length: z.int().min(0) })
)
const importedFile = z.object({
  path: z.string(),
  stamp: z.string(),
  cid: z.custom<CID>((value) => CID.asCID(value) != null)
})

/**
 * Which bytes of which file a raw leaf is. One leaf may have several locations: the same file at two paths, or a file
 * that was moved.
 */
export class LeafIndex {
  readonly #datastore: Datastore

  constructor(datastore: Datastore) {
    this.#datastore = datastore
  }

  /** Newest first; empty if the leaf is in no file. */
  async locations(leaf: CID, options?: AbortOptions): Promise<LeafLocation[]> {
    return (await this.#read(leafKey(leaf), locations, options)) ?? []
  }

  /** Puts `added` before all other locations of its leaf. */
  async add(leaf: CID, added: LeafLocation, options?: AbortOptions): Promise<void> {
    const others = (await this.locations(leaf, options)).filter(({ path }) => path !== added.path)
    await this.#write(leafKey(leaf), [added, ...others].slice(0, MAX_LOCATIONS), options)
  }

  async remove(leaf: CID, removed: LeafLocation, options?: AbortOptions): Promise<void> {
    const others = (await this.locations(leaf, options)).filter(
      ({ path, stamp }) => path !== removed.path || stamp !== removed.stamp
    )
    await this.#write(leafKey(leaf), others, options)
  }

  async removeAll(leaf: CID, options?: AbortOptions): Promise<void> {
    await this.#datastore.delete(leafKey(leaf), options)
  }

  /** CIDs of all leaves that have a location. */
  async *leaves(options?: AbortOptions): AsyncGenerator<CID> {
    for await (const key of this.#datastore.queryKeys({ prefix: LEAVES }, options)) {
      yield CID.createV1(raw.code, createDigest(sha256.code, base32.decode(key.baseNamespace())))
    }
  }

  async file(path: string, options?: AbortOptions): Promise<ImportedFile | undefined> {
    return this.#read(await fileKey(path), importedFile, options)
  }

  async addFile(file: ImportedFile, options?: AbortOptions): Promise<void> {
    await this.#write(await fileKey(file.path), { ...file }, options)
  }

  async removeFile(path: string, options?: AbortOptions): Promise<void> {
    await this.#datastore.delete(await fileKey(path), options)
  }

  /** An entry that is not readable is none: the file is then imported again. */
  async #read<T>(key: Key, schema: z.ZodType<T>, options?: AbortOptions): Promise<T | undefined> {
    let bytes: Uint8Array
    try {
      bytes = await this.#datastore.get(key, options)
    } catch (error) {
      if (error instanceof Error && error.name === 'NotFoundError') {
        return undefined
      }
      throw error
    }
    try {
      return schema.safeParse(decode(bytes)).data
    } catch {
      return undefined
    }
  }

  async #write(key: Key, value: unknown, options?: AbortOptions): Promise<void> {
    await this.#datastore.put(key, encode(value), options)
  }
}

function leafKey(leaf: CID): Key {
  return new Key(`${LEAVES}/${base32.encode(leaf.multihash.digest)}`)
}

/** Paths hold characters that keys may not. */
async function fileKey(path: string): Promise<Key> {
  const { digest } = await sha256.digest(new TextEncoder().encode(path))
  return new Key(`${FILES}/${base32.encode(digest)}`)
}
