import { resolve } from 'node:path'
import { manifestOfFiles } from '../store/own-files.ts'
import { StoreError } from '../store/errors.ts'
import { fileCid } from './file-cid.ts'
import { importFromWeb, type WebImportOptions } from './import-web.ts'
import { ModelFetchError } from './errors.ts'
import { isWebSource } from './web-source.ts'
import type { ModelFile } from '@shard/protocol/model'
import type { LocalModel, ModelLibrary } from './library.ts'

export interface ImportWish {
  /** A path, `hf:owner/repository/file`, or an https address. */
  target: string
  draft?: string
  name?: string
  /** Where the publisher's licence is known and the file does not name it. */
  license?: string
}

export interface ImportModelOptions extends WebImportOptions {
  /** Told what is different from what was wished, in a sentence. */
  onNote?: (note: string) => void
}

/**
 * Makes a model of GGUF files and notes it in the library. Files of this disk stay where they are.
 *
 * @throws StoreError, OTHER_TOKENIZER for a draft that does not fit; ModelFetchError; the signal's reason
 */
export async function importModel(wish: ImportWish, library: ModelLibrary, options: ImportModelOptions = {}): Promise<LocalModel> {
  const origins = new Map<string, string>()
  const own: Record<string, string> = {}
  const place = async (source: string, what: string): Promise<string> => {
    if (!isWebSource(source)) {
      return resolve(source)
    }
    const { path, cid, origin } = await importFromWeb(source, library, { ...options, what })
    if (origin != null) {
      origins.set(cid.toString(), origin)
    }
    return path
  }
  const target = await place(wish.target, 'target')
  const draft = wish.draft == null ? undefined : await place(wish.draft, 'draft')
  const hash = async (path: string) => {
    const cid = await fileCid(path, options.signal)
    if (path !== library.pathOf({ cid })) {
      own[cid.toString()] = path
    }
    return cid
  }
  const manifest = await manifestOfFiles({ target, draft, name: wish.name }, hash, { signal: options.signal })
  if (manifest.license === 'NOASSERTION' && wish.license != null) {
    manifest.license = wish.license
  }
  for (const file of [manifest.target, ...manifest.drafts] as ModelFile[]) {
    const origin = origins.get(file.cid.toString())
    if (origin != null) {
      file.origins = [origin]
    }
  }
  const cid = await library.add(manifest, own)
  const model = await library.find(cid.toString())
  if (model == null) {
    throw new ModelFetchError('UNKNOWN_MODEL', 'The model was removed while it was imported. Import it again.')
  }
  return model
}

/** {@link importModel}, without the draft where its tokens turn out to mean something else. */
export async function importPair(wish: ImportWish, library: ModelLibrary, options: ImportModelOptions): Promise<LocalModel> {
  try {
    return await importModel(wish, library, options)
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'OTHER_TOKENIZER')) {
      throw error
    }
    options.onNote?.('The draft that the catalogue names has another tokenizer; the model is kept without it.')
    return importModel({ ...wish, draft: undefined }, library, options)
  }
}
