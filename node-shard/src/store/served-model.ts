import type { Manifest } from '@shard/protocol/model'
import type { CID } from 'multiformats/cid'

/** A model whose manifest and files other peers can fetch from this one, by CID. */
export interface ServedModel {
  manifest: Manifest
  /** The manifest's, which is the model's id. */
  cid: CID
  /** Absolute. */
  targetPath: string
  /** Absolute; missing where the model has no draft. */
  draftPath?: string
}
