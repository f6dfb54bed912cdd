import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { CID } from 'multiformats/cid'
import { z } from 'zod'
import { isWebSource } from './web-source.ts'

/** A model that Shard knows by name. */
export interface CatalogueEntry {
  name: string
  /** SPDX expression of the weights' licence. */
  license: string
  /** The embedded pair's. */
  manifest?: CID
  /** Where it is published, as `hf:owner/repository/file`; fetched when the model is first pulled. */
  target?: string
  draft?: string
}

const source = z.string().refine(isWebSource)
const schema = z.object({
  version: z.literal(1),
  models: z.array(
    z.union([
      z.object({ name: z.string(), license: z.string(), manifest: z.string().transform((text) => CID.parse(text)) }),
      z.object({ name: z.string(), license: z.string(), target: source, draft: source.optional() })
    ])
  )
})

/** The models of models/catalogue.json: the embedded pair, and well-known open ones. */
export async function catalogue(): Promise<CatalogueEntry[]> {
  const path = fileURLToPath(import.meta.resolve('@shard/models/catalogue.json'))
  return schema.parse(JSON.parse(await readFile(path, 'utf8'))).models
}

export async function fromCatalogue(name: string): Promise<CatalogueEntry | undefined> {
  return (await catalogue()).find((entry) => entry.name === name.toLowerCase())
}
