import { encodeManifest } from '@shard/protocol/model'
import { CID } from 'multiformats/cid'
import { InvalidArgumentError, Option } from 'commander'
import { ModelFetchError, type FetchProgress, type LocalModel, type ModelLibrary } from '../models/index.ts'
import { embeddedFiles } from '../store/index.ts'
import { emit, note, print } from './io.ts'
import { dataFolder } from './options.ts'
import { ProgressBar, size } from './progress-bar.ts'

export const dataOption = (): Option =>
  new Option('--data <folder>', 'where models and keys are kept').default(dataFolder('shard'))

export const jsonOption = (): Option => new Option('--json', 'print events as JSON, one a line')

export const quotaOption = (): Option =>
  new Option(
    '--disk-quota <size>',
    'what pulled models may take, e.g. 50GB; the longest unused ones are removed'
  ).argParser(bytes)

/** `500MB`, `2 GiB`, `1.5TB`, or bytes. */
function bytes(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)?\s*$/i.exec(text)
  if (match == null) {
    throw new InvalidArgumentError('It must be a size, e.g. 500MB or 20GB.')
  }
  const [, value, unit, binary] = match
  const power = unit == null ? 0 : 'kmgt'.indexOf(unit.toLowerCase()) + 1
  return Math.floor(Number(value) * (binary == null || binary === '' ? 1000 : 1024) ** power)
}

export function positive(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('It must be a number above 0.')
  }
  return value
}

/** The embedded model, as the library's models are. */
export async function embeddedModel(): Promise<LocalModel> {
  const { manifest, targetPath, draftPath } = await embeddedFiles()
  const { cid } = await encodeManifest(manifest)
  const own = { imported: true, bytes: 0, used: 0, complete: true }
  return { cid, manifest, targetPath, draftPath, ...own }
}

export function isEmbedded(model: LocalModel, name: string): boolean {
  return model.cid.toString() === name || model.manifest.name === name.toLowerCase()
}

/** @throws ModelFetchError UNKNOWN_MODEL */
export async function findModel(library: ModelLibrary, name: string): Promise<LocalModel> {
  const embedded = await embeddedModel()
  const found = isEmbedded(embedded, name) ? embedded : await library.find(name)
  if (found == null) {
    throw new ModelFetchError(
      'UNKNOWN_MODEL',
      `There is no model "${name}" here. "shard ls" lists those that are, and "shard pull" brings others.`
    )
  }
  return found
}

export function parseCid(text: string): CID | undefined {
  try {
    return CID.parse(text)
  } catch {
    return undefined
  }
}

/** How a command tells what it does: events for programs, a bar and sentences for people. */
export class Reporter {
  readonly #json: boolean
  readonly #bar = new ProgressBar()
  #last = 0

  constructor(json: boolean) {
    this.#json = json
  }

  progress(progress: FetchProgress): void {
    if (!this.#json) {
      this.#bar.show(progress)
      return
    }
    const now = performance.now()
    if (now - this.#last >= 500 || progress.bytes === progress.total) {
      this.#last = now
      emit({ event: 'progress', ...progress })
    }
  }

  note(sentence: string): void {
    this.#bar.end()
    if (!this.#json) {
      note(sentence)
    }
  }

  removed({ cid, manifest, bytes: freed }: LocalModel): void {
    if (this.#json) {
      emit({ event: 'removed', model: cid.toString(), name: manifest.name, bytes: freed })
    } else {
      this.note(`Removed ${manifest.name} (${size(freed)}), which was not used for longest, to keep to the quota.`)
    }
  }

  done({ cid, manifest, targetPath, draftPath }: LocalModel, verb: string): void {
    this.#bar.end()
    if (this.#json) {
      emit({ event: 'done', model: cid.toString(), name: manifest.name, target: targetPath, draft: draftPath })
    } else {
      this.note(`${verb} ${manifest.name}${draftPath == null ? ', which has no draft' : ''}.`)
      print(cid.toString())
    }
  }

  end(): void {
    this.#bar.end()
  }
}
