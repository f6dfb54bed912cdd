import * as dagPb from '@ipld/dag-pb'
import { SPARE_BYTES } from './constants.ts'
import { noSpace } from './errors.ts'
import type { FetchSwarm } from './providers.ts'
import type { CID } from 'multiformats/cid'

/** Every block of a file that can be named, from the root down, and whether this browser has it. */
export async function* blocksOf(
  { helia }: Pick<FetchSwarm, 'helia'>,
  root: CID
): AsyncGenerator<{ cid: CID; stored: boolean }> {
  const left = [root]
  for (let cid = left.pop(); cid != null; cid = left.pop()) {
    const stored = await helia.blockstore.has(cid)
    yield { cid, stored }
    if (!stored || cid.code !== dagPb.code) continue
    const node = dagPb.decode(await readBlock({ helia }, cid))
    left.push(...node.Links.map(({ Hash }) => Hash).reverse())
  }
}

/** One block of this browser's storage. @throws where it is not there */
export async function readBlock({ helia }: Pick<FetchSwarm, 'helia'>, cid: CID): Promise<Uint8Array> {
  return collect(helia.blockstore.get(cid, { offline: true }))
}

/** A block's bytes; blockstores may give them in pieces. */
export async function collect(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  const [first, ...rest] = parts
  if (first != null && rest.length === 0) return first
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())
}

/** Asks the browser to keep what is stored, and checks that so many bytes more will fit. @throws ModelFetchError NO_SPACE */
export async function makeRoom(bytes: number): Promise<void> {
  const storage: Partial<StorageManager> | undefined = globalThis.navigator?.storage
  // Not awaited: Firefox asks the person, who may take their time, and the answer changes nothing now.
  storage?.persist?.().catch(() => false)
  const { quota, usage = 0 } = (await storage?.estimate?.()) ?? {}
  if (quota != null && quota - usage < bytes + SPARE_BYTES) throw noSpace()
}
