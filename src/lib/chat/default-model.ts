import type { CID } from 'multiformats/cid'

export interface ModelChoice {
  /** The manifest's CID. */
  cid: CID
  /** For people. */
  name: string
}

let loading: Promise<ModelChoice> | undefined

/** The model that the app brings: its manifest is part of the build. */
export function defaultModel(): Promise<ModelChoice> {
  loading ??= load()
  return loading
}

async function load(): Promise<ModelChoice> {
  const [{ encodeManifest, manifestFromJson }, { default: json }] = await Promise.all([
    import('@shard/protocol/model'),
    import('@shard/models/shard-tiny.json')
  ])
  const manifest = manifestFromJson(json)
  const { cid } = await encodeManifest(manifest)
  return { cid, name: manifest.name }
}
