import * as dagPb from '@ipld/dag-pb'
import type { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { UNIXFS_IMPORT } from '@shard/protocol/model'
import { MAX_TREE_DEPTH } from './constants.ts'
import { ModelFetchError } from './errors.ts'

/** A file as a manifest names it. */
export interface FileId {
  cid: CID
  bytes: number
}

/** A part of a file that has a CID of its own. */
export interface Leaf {
  cid: CID
  /** Bytes. */
  offset: number
  length: number
}

/** Number of leaves of a file, by the rule of docs/MODELS.md. */
function leafCount(bytes: number): number {
  return Math.ceil(bytes / UNIXFS_IMPORT.chunkSize)
}

/**
 * The leaves of a file, in order.
 *
 * @param node - gives a block above the leaves, checked against its CID
 * @throws ModelFetchError WRONG_FILE where the CID names no file of this size, made by the rule of docs/MODELS.md
 */
export async function fileLeaves(file: FileId, node: (cid: CID) => Promise<Uint8Array>): Promise<Leaf[]> {
  const { chunkSize } = UNIXFS_IMPORT
  const most = leafCount(file.bytes)
  const leaves: Leaf[] = []
  const add = async (cid: CID, depth: number): Promise<void> => {
    if (cid.code === raw.code) {
      const offset = leaves.length * chunkSize
      if (leaves.length === most) {
        throw wrong(file)
      }
      leaves.push({ cid, offset, length: Math.min(chunkSize, file.bytes - offset) })
      return
    }
    if (depth === MAX_TREE_DEPTH || cid.code !== dagPb.code) {
      throw wrong(file)
    }
    for (const link of links(file, await node(cid))) {
      await add(link, depth + 1)
    }
  }
  await add(file.cid, 0)
  if (leaves.length !== most) {
    throw wrong(file)
  }
  return leaves
}

function links(file: FileId, block: Uint8Array): CID[] {
  try {
    const { Links } = dagPb.decode(block)
    if (Links.length === 0 || Links.length > UNIXFS_IMPORT.maxChildrenPerNode) {
      throw new Error(`${Links.length} links`)
    }
    return Links.map(({ Hash }) => Hash)
  } catch (cause) {
    throw wrong(file, cause)
  }
}

export function wrong({ cid, bytes }: FileId, cause?: unknown): ModelFetchError {
  return new ModelFetchError(
    'WRONG_FILE',
    `${cid.toString()} is not the file of ${bytes} bytes that the manifest says it is. Use another model.`,
    { cause }
  )
}
