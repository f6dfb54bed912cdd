/**
 * How a model file becomes a UnixFS DAG, and so what its CID is. Every peer must import with exactly these values, or
 * the same file gets another CID. They are IPIP-499's profile `unixfs-v1-2025`, which ipfs-unixfs-importer 17 knows by
 * that name. Plain values, so that this package needs no importer.
 *
 * @example
 *
 * ```TypeScript
 * import { importByteStream } from 'ipfs-unixfs-importer'
 * import { fixedSize } from 'ipfs-unixfs-importer/chunker'
 * import { balanced } from 'ipfs-unixfs-importer/layout'
 *
 * const { chunkSize, maxChildrenPerNode, ...options } = UNIXFS_IMPORT
 * const { cid } = await importByteStream(file, blockstore, {
 *   ...options,
 *   chunker: fixedSize({ chunkSize }),
 *   layout: balanced({ maxChildrenPerNode })
 * })
 * ```
 */
export const UNIXFS_IMPORT = {
  /** Base32 text, and the hash function is named in the CID: sha2-256, the importer's default. */
  cidVersion: 1,
  /** Leaves are the file's own bytes, so that a leaf can be checked and stored without decoding. */
  rawLeaves: true,
  /** A file of at most one chunk is its leaf. */
  reduceSingleLeafToSelf: true,
  /** In bytes. Bitswap carries 4 MiB a message; larger leaves waste more when one is lost or bad. */
  chunkSize: 1_048_576,
  /** Links of one node of the balanced DAG. 1 GiB needs one level, 1 TiB two. */
  maxChildrenPerNode: 1_024
} as const
