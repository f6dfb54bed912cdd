import { equals } from 'multiformats/bytes'
import { StoreError } from './errors.ts'
import { readGgufInfo, type GgufInfo } from './gguf-info.ts'
import type { ImportOptions } from './import-file.ts'
import type { GgufDraft, Manifest, ModelFile } from '@shard/protocol/model'
import type { CID } from 'multiformats/cid'

/** A user's own GGUF files. */
export interface OwnFiles {
  /** Absolute. */
  target: string
  /** Absolute. */
  draft?: string
  /** The model's name; default: the one in the target's metadata. */
  name?: string
}

/**
 * Writes the manifest of a user's own model.
 *
 * @throws StoreError; OTHER_TOKENIZER if the draft can't draft for the target
 */
export async function manifestOfFiles(
  files: OwnFiles,
  importModel: (path: string, options?: ImportOptions) => Promise<CID>,
  options?: ImportOptions
): Promise<Manifest> {
  const target = await readGgufInfo(files.target, options)
  const draft = files.draft == null ? undefined : await readGgufInfo(files.draft, options)
  if (draft != null && !equals(draft.tokenizer, target.tokenizer)) {
    throw new StoreError(
      'OTHER_TOKENIZER',
      `${files.draft} has another tokenizer than ${files.target}, so its tokens mean something else. ` +
        'Choose a smaller model of the same family as the draft, or leave it out.'
    )
  }
  const drafts: GgufDraft[] = []
  if (draft != null && files.draft != null) {
    drafts.push({ ...modelFile(await importModel(files.draft, options), draft), name: draft.name, engine: 'gguf' })
  }
  return {
    version: 1,
    name: files.name ?? target.name,
    family: target.family,
    license: target.license,
    contextLength: target.contextLength,
    tokenizer: target.tokenizer,
    target: modelFile(await importModel(files.target, options), target),
    drafts
  }
}

function modelFile(cid: CID, { bytes, quantization }: GgufInfo): ModelFile {
  return { cid, bytes, format: 'gguf', quantization }
}
