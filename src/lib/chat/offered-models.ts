import type { ShardRow } from './shards.svelte.ts'

export interface OfferedModel {
  cid: string
  /** For people; '' where only the DHT told of it. */
  name: string
  /** Shards that offer it. */
  count: number
}

/** The models that known Shards offer, each once, with the number of Shards. */
export function offeredModels(rows: readonly Pick<ShardRow, 'models'>[]): OfferedModel[] {
  const models = new Map<string, OfferedModel>()
  for (const { cid, name } of rows.flatMap((row) => row.models)) {
    const known = models.get(cid)
    models.set(cid, {
      cid,
      name: known == null || known.name === '' ? name : known.name,
      count: (known?.count ?? 0) + 1
    })
  }
  return [...models.values()].sort((a, b) => a.name.localeCompare(b.name))
}
