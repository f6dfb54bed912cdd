import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { manifestFromJson, manifestToJson, encodeManifest, type Manifest, type ModelFile } from '@shard/protocol/model'
import { type CID } from 'multiformats/cid'
import { z } from 'zod'
import { fileError } from '../store/errors.ts'
import { ModelFetchError } from './errors.ts'

/** A model of this machine, other than the embedded one. */
export interface LocalModel {
  /** The manifest's. */
  cid: CID
  manifest: Manifest
  /** Absolute; undefined while it is not whole. */
  targetPath?: string
  /** Absolute; undefined where there is none, or while it is not whole. */
  draftPath?: string
  /** True if its files are the user's own, where the user put them: Shard never deletes those. */
  imported: boolean
  /** Bytes that Shard keeps of it. */
  bytes: number
  /** `Date.now()` of its last use. */
  used: number
  complete: boolean
}

const entrySchema = z.object({ manifest: z.unknown(), files: z.record(z.string(), z.string()).default({}) })

/**
 * The models that were pulled or imported: `<dir>/<manifest's CID>.json` says what a model is, `<dir>/<file's CID>.gguf`
 * is a whole file, and `<dir>/partial/<file's CID>` one that is not whole yet. Several processes may use it.
 */
export class ModelLibrary {
  readonly dir: string

  /** @param data - the Shard's data folder */
  constructor(data: string) {
    this.dir = join(resolve(data), 'models')
  }

  pathOf(file: Pick<ModelFile, 'cid'>): string {
    return join(this.dir, `${file.cid.toString()}.gguf`)
  }

  partDir(name: string): string {
    return join(this.dir, 'partial', name)
  }

  /** Last used first. */
  async list(): Promise<LocalModel[]> {
    const names = await readdir(this.dir).catch((cause: unknown): string[] => {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
        return []
      }
      throw fileError(this.dir, cause)
    })
    const models: LocalModel[] = []
    for (const name of names.filter((file) => file.endsWith('.json'))) {
      const model = await this.#read(name)
      if (model != null) {
        models.push(model)
      }
    }
    return models.sort((a, b) => b.used - a.used)
  }

  /** @param name - a manifest's CID, its beginning (8 characters or more), or a model's name */
  async find(name: string): Promise<LocalModel | undefined> {
    const models = await this.list()
    const text = name.toLowerCase()
    return (
      models.find(({ cid }) => cid.toString() === name) ??
      models.find(({ manifest }) => manifest.name.toLowerCase() === text) ??
      (name.length >= 8 ? models.find(({ cid }) => cid.toString().startsWith(name)) : undefined)
    )
  }

  /**
   * Notes a model. @param files - paths of files that stay where they are, by CID
   *
   * @returns the model's CID
   */
  async add(manifest: Manifest, files: Record<string, string> = {}): Promise<CID> {
    const { cid } = await encodeManifest(manifest)
    const path = join(this.dir, `${cid.toString()}.json`)
    const text = JSON.stringify({ manifest: JSON.parse(manifestToJson(manifest)) as unknown, files }, null, 2)
    try {
      await mkdir(this.dir, { recursive: true })
      await writeFile(`${path}.tmp`, `${text}\n`)
      await rename(`${path}.tmp`, path)
    } catch (cause) {
      throw fileError(this.dir, cause)
    }
    return cid
  }

  /** It is used now: others are removed before it, where the quota asks for it. */
  async touch(cid: CID): Promise<void> {
    const now = new Date()
    await utimes(join(this.dir, `${cid.toString()}.json`), now, now)
  }

  /** What {@link remove} would free: the files that no other model uses. */
  async freedBy(model: LocalModel): Promise<number> {
    const sizes = await Promise.all((await this.#ownFiles(model)).map(sizeOf))
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  /** Deletes a model and the files of it that Shard keeps and no other model uses. @returns bytes freed */
  async remove(model: LocalModel): Promise<number> {
    const freed = await this.freedBy(model)
    try {
      // the entry first: should the process end in between, the files are there for the next pull, and nothing is half
      const files = await this.#ownFiles(model)
      await rm(join(this.dir, `${model.cid.toString()}.json`), { force: true })
      for (const path of files) {
        await rm(path, { recursive: true, force: true })
      }
    } catch (cause) {
      throw fileError(this.dir, cause)
    }
    return freed
  }

  /**
   * Removes the models that were not used for longest until `bytes` more fit into `quota`.
   *
   * @param keep - the model that the room is for
   * @returns what was removed
   * @throws ModelFetchError NO_SPACE if `bytes` alone are more than the quota
   */
  async makeRoom(bytes: number, quota: number, keep: CID): Promise<LocalModel[]> {
    if (bytes > quota) {
      throw new ModelFetchError(
        'NO_SPACE',
        `The model takes ${Math.ceil(bytes / 1e6)} MB, and the quota is ${Math.floor(quota / 1e6)} MB. Raise --disk-quota.`
      )
    }
    const removed: LocalModel[] = []
    for (const model of (await this.list()).reverse()) {
      if ((await this.usage()) + bytes <= quota) {
        break
      }
      if (!model.cid.equals(keep) && !model.imported && (await this.freedBy(model)) > 0) {
        await this.remove(model)
        removed.push(model)
      }
    }
    return removed
  }

  /** Bytes of all files that Shard keeps here, the ones that are not whole included. */
  async usage(): Promise<number> {
    const names = await readdir(this.dir).catch(() => [])
    const sizes = await Promise.all(
      names.filter((name) => name.endsWith('.gguf') || name === 'partial').map(async (name) => sizeOf(join(this.dir, name)))
    )
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  async #ownFiles(model: LocalModel): Promise<string[]> {
    const others = (await this.list()).filter(({ cid }) => !cid.equals(model.cid))
    const needed = new Set(others.flatMap(({ manifest }) => filesOf(manifest).map(({ cid }) => cid.toString())))
    return filesOf(model.manifest)
      .filter(({ cid }) => !needed.has(cid.toString()))
      .flatMap((file) => [this.pathOf(file), this.partDir(file.cid.toString())])
  }

  /** Undefined for what is no entry. */
  async #read(name: string): Promise<LocalModel | undefined> {
    const path = join(this.dir, name)
    try {
      const entry = entrySchema.parse(JSON.parse(await readFile(path, 'utf8')))
      const manifest = manifestFromJson(entry.manifest)
      const { cid } = await encodeManifest(manifest)
      if (`${cid.toString()}.json` !== name) {
        return undefined
      }
      const placeOf = async (file: ModelFile): Promise<string | undefined> => {
        const own = entry.files[file.cid.toString()]
        const place = own != null && isAbsolute(own) ? own : this.pathOf(file)
        return (await stat(place).catch(() => undefined))?.size === file.bytes ? place : undefined
      }
      const [draft] = manifest.drafts
      const targetPath = await placeOf(manifest.target)
      const draftPath = draft == null ? undefined : await placeOf(draft)
      const kept = await Promise.all(filesOf(manifest).map(async (file) => sizeOf(this.pathOf(file))))
      return {
        cid,
        manifest,
        targetPath,
        draftPath,
        imported: Object.keys(entry.files).length > 0,
        bytes: kept.reduce((sum, size) => sum + size, 0),
        used: (await stat(path)).mtimeMs,
        complete: targetPath != null && (draft == null || draftPath != null)
      }
    } catch {
      return undefined
    }
  }
}

/** The files that a Shard needs: the target, and the first draft. */
export function filesOf(manifest: Manifest): ModelFile[] {
  return [manifest.target, ...manifest.drafts.slice(0, 1)]
}

/** Bytes that a file, or all files of a folder, take on the disk; 0 where there is none. */
async function sizeOf(path: string): Promise<number> {
  const stats = await stat(path).catch(() => undefined)
  if (stats == null) {
    return 0
  }
  if (!stats.isDirectory()) {
    return Math.min(stats.size, stats.blocks * 512)
  }
  const names = await readdir(path).catch(() => [])
  const sizes = await Promise.all(names.map(async (name) => sizeOf(join(path, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}
