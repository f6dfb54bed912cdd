import { open, type FileHandle } from 'node:fs/promises'
import { fileError, StoreError } from './errors.ts'
import type { BigIntStats } from 'node:fs'

/** An open file and what tells this state of it from a later one. */
export interface StampedFile {
  handle: FileHandle
  /** Size and time of the last change (ns). */
  stamp: string
  /** Bytes. */
  size: number
}

/**
 * Opens a regular file for reading. The caller closes `handle`.
 *
 * @throws StoreError FILE_MISSING, NO_PERMISSION, NOT_A_MODEL
 */
export async function openStamped(path: string): Promise<StampedFile> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    const stats = await handle.stat({ bigint: true })
    if (!stats.isFile()) {
      throw new StoreError('NOT_A_MODEL', `${path} is not a file; name a GGUF file.`)
    }
    return { handle, stamp: stampOf(stats), size: Number(stats.size) }
  } catch (error) {
    await handle?.close()
    throw fileError(path, error)
  }
}

export function stampOf(stats: BigIntStats): string {
  return `${stats.size}-${stats.mtimeNs}`
}
