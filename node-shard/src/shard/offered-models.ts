import type { Directory } from '@shard/protocol/announce'
import type { CID } from 'multiformats/cid'

/** The models that Shards in the directory serve, each once. Shards known from the DHT only have no name for theirs. */
export function offeredModels(directory: Directory): Array<{ cid: CID; name: string; shards: number }> {
  const models = new Map<string, { cid: CID; name: string; shards: number }>()
  for (const shard of directory.shards()) {
    for (const { manifest, name } of shard.models) {
      const key = manifest.toString()
      const known = models.get(key) ?? { cid: manifest, name: '', shards: 0 }
      models.set(key, { ...known, name: known.name === '' ? name : known.name, shards: known.shards + 1 })
    }
  }
  return [...models.values()].map((model) => ({
    ...model,
    name: model.name === '' ? model.cid.toString() : model.name
  }))
}
