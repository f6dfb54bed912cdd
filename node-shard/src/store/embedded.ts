import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { manifestFromJson, type Manifest, type ModelFile } from '@shard/protocol/model'
import { fileError, StoreError } from './errors.ts'
import { checkGguf } from './gguf-info.ts'
import type { ImportOptions } from './import-file.ts'
import type { CID } from 'multiformats/cid'

/** The pair that is installed with the Shard. */
export interface EmbeddedFiles {
  manifest: Manifest
  targetPath: string
  draftPath: string
}

/** @throws StoreError FILE_MISSING, NO_PERMISSION, CORRUPT */
export async function embeddedFiles(): Promise<EmbeddedFiles> {
  const manifestPath = packagePath('@shard/models/shard-tiny.json')
  try {
    return {
      manifest: manifestFromJson(JSON.parse(await readFile(manifestPath, 'utf8'))),
      targetPath: packagePath('@shard/models/shard-tiny-q4_0.gguf'),
      draftPath: packagePath('@shard/models/shard-tiny-draft-q8_0.gguf')
    }
  } catch (cause) {
    const error = fileError(manifestPath, cause)
    throw error instanceof StoreError
      ? error
      : new StoreError('CORRUPT', `${manifestPath} is not a manifest; install Shard again.`, { cause })
  }
}

/** Imports one of the pair and holds it to its manifest. */
export async function importEmbedded(
  path: string,
  expected: ModelFile,
  importModel: (path: string, options?: ImportOptions) => Promise<CID>,
  options?: ImportOptions
): Promise<void> {
  await checkGguf(path)
  const cid = await importModel(path, options)
  if (!cid.equals(expected.cid)) {
    throw new StoreError('FILE_CHANGED', `${path} is not the model that its manifest names; install Shard again.`)
  }
}

function packagePath(name: string): string {
  try {
    return fileURLToPath(import.meta.resolve(name))
  } catch (cause) {
    throw new StoreError('FILE_MISSING', `The package @shard/models is not installed; run "npm install" again.`, {
      cause
    })
  }
}
