import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, statfs, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { equals } from 'multiformats/bytes'
import { fileError } from '../store/errors.ts'
import { SPARE_BYTES } from './constants.ts'
import { ModelFetchError } from './errors.ts'
import type { CID } from 'multiformats/cid'
import type { Leaf } from './file-tree.ts'

/**
 * A file that is not whole yet. It is its own journal: what is in it is hashed when the fetch goes on, so it holds
 * whatever was written before a crash, and nothing else counts. The name of the whole file is given to the whole file only.
 */
export class PartFile {
  readonly #dir: string
  readonly #handle: FileHandle

  private constructor(dir: string, handle: FileHandle) {
    this.#dir = dir
    this.#handle = handle
  }

  /**
   * @param dir - of this file alone; made if it is not there
   * @throws ModelFetchError BUSY if another process has it; StoreError NO_PERMISSION, DISK_FULL
   */
  static async open(dir: string): Promise<PartFile> {
    try {
      await mkdir(join(dir, 'nodes'), { recursive: true })
      await lock(dir)
      return new PartFile(dir, await open(join(dir, 'data'), 'a+').then(reopen(join(dir, 'data'))))
    } catch (cause) {
      throw fileError(dir, cause)
    }
  }

  get path(): string {
    return join(this.#dir, 'data')
  }

  /** Bytes that were written, with the holes between them. */
  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  /** @throws ModelFetchError NO_SPACE if what is missing of `bytes` does not fit on the disk */
  async checkRoom(bytes: number): Promise<void> {
    const { blocks } = await this.#handle.stat()
    const { bavail, bsize } = await statfs(this.#dir)
    const missing = bytes - blocks * 512
    if (missing + SPARE_BYTES > bavail * bsize) {
      throw new ModelFetchError(
        'NO_SPACE',
        `The disk has ${megabytes(bavail * bsize)} MB free, and ${megabytes(missing)} MB more are needed. ` +
          'Make room, remove models with "shard rm", or choose another folder with --data.'
      )
    }
  }

  /** Those of the leaves that the file holds already. */
  async *verified(leaves: Leaf[], signal: AbortSignal): AsyncGenerator<Leaf> {
    const size = await this.size()
    for (const leaf of leaves) {
      signal.throwIfAborted()
      if (leaf.offset + leaf.length <= size && (await this.has(leaf))) {
        yield leaf
      }
    }
  }

  async has({ cid, offset, length }: Leaf): Promise<boolean> {
    const bytes = new Uint8Array(length)
    const { bytesRead } = await this.#handle.read(bytes, 0, length, offset)
    return bytesRead === length && equals(createHash('sha256').update(bytes).digest(), cid.multihash.digest)
  }

  /** @throws StoreError DISK_FULL */
  async write(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength;) {
        done += (await this.#handle.write(bytes, done, bytes.byteLength - done, offset + done)).bytesWritten
      }
    } catch (cause) {
      throw fileError(this.path, cause)
    }
  }

  /** Forgets what was written. */
  async truncate(): Promise<void> {
    await this.#handle.truncate(0)
  }

  /** A block above the leaves that was kept; undefined if there is none, or if it rotted. */
  async node(cid: CID): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readFile(join(this.#dir, 'nodes', cid.toString()))
      return equals(createHash('sha256').update(bytes).digest(), cid.multihash.digest) ? bytes : undefined
    } catch {
      return undefined
    }
  }

  async keepNode(cid: CID, bytes: Uint8Array): Promise<void> {
    await writeFile(join(this.#dir, 'nodes', cid.toString()), bytes)
  }

  /** Gives the whole file its name, for good. */
  async finish(path: string, bytes: number): Promise<void> {
    try {
      await this.#handle.truncate(bytes)
      await this.#handle.sync()
      await this.#handle.close()
      await rename(this.path, path)
    } catch (cause) {
      throw fileError(path, cause)
    }
    await rm(this.#dir, { recursive: true, force: true })
  }

  /** Keeps what is there for the next time. */
  async close(): Promise<void> {
    await this.#handle.close()
    await rm(join(this.#dir, 'lock'), { force: true })
  }
}

/** `a+` makes the file without emptying it, but writes at its end only. */
function reopen(path: string): (made: FileHandle) => Promise<FileHandle> {
  return async (made) => {
    await made.close()
    return open(path, 'r+')
  }
}

async function lock(dir: string): Promise<void> {
  const path = join(dir, 'lock')
  for (let tries = 0; ; tries++) {
    try {
      await writeFile(path, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST') || tries === 2) {
        throw error
      }
    }
    const owner = Number(await readFile(path, 'utf8').catch(() => ''))
    if (owner > 0 && isAlive(owner)) {
      throw new ModelFetchError('BUSY', `Process ${owner} fetches the same file already. Wait for it, or stop it.`)
    }
    await rm(path, { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function megabytes(bytes: number): number {
  return Math.max(0, Math.round(bytes / 1e6))
}
