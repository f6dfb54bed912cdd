import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { FsBlockstore } from 'blockstore-fs'
import { LevelDatastore } from 'datastore-level'
import { encodeManifest, type Manifest } from '@shard/protocol/model'
import { embeddedFiles, importEmbedded } from './embedded.ts'
import { fileError, StoreError } from './errors.ts'
import { FileBlockstore } from './file-blockstore.ts'
import { importModelFile, type ImportOptions } from './import-file.ts'
import { LeafIndex } from './leaf-index.ts'
import { manifestOfFiles, type OwnFiles } from './own-files.ts'
import type { ServedModel } from './served-model.ts'
import type { AbortOptions } from '@libp2p/interface'
import type { Blockstore } from 'interface-blockstore'
import type { Datastore } from 'interface-datastore'
import type { CID } from 'multiformats/cid'

/** The models of this Shard, and what its Helia node keeps. One process at a time has it open. */
export class ModelStore {
  readonly blockstore: Blockstore
  readonly datastore: Datastore
  readonly #level: LevelDatastore
  readonly #index: LeafIndex

  private constructor(level: LevelDatastore, blocks: FsBlockstore) {
    this.#level = level
    this.#index = new LeafIndex(level)
    this.datastore = level
    this.blockstore = new FileBlockstore(blocks, this.#index)
  }

  /**
   * @param dir - made if it is not there
   * @throws StoreError IN_USE, NO_PERMISSION, DISK_FULL, CORRUPT
   */
  static async open(dir: string): Promise<ModelStore> {
    const root = resolve(dir)
    const level = new LevelDatastore(join(root, 'datastore'))
    const blocks = new FsBlockstore(join(root, 'blocks'))
    try {
      await mkdir(root, { recursive: true })
      // first by itself: the datastore's own open() drops the reason
      await level.db.open()
      await level.open()
      await blocks.open()
    } catch (cause) {
      throw openError(root, cause)
    }
    return new ModelStore(level, blocks)
  }

  /** Waits for writes that are under way. */
  async close(): Promise<void> {
    await this.#level.close()
  }

  /**
   * Makes a file's blocks available to other peers without copying them. Reads an unchanged file only the first time.
   *
   * @returns the CID of the file
   * @throws StoreError FILE_MISSING, NO_PERMISSION, NOT_A_MODEL, DISK_FULL, FILE_CHANGED; the signal's reason
   */
  readonly importModel = (path: string, options?: ImportOptions): Promise<CID> =>
    importModelFile(resolve(path), { nodes: this.blockstore, index: this.#index }, options)

  /**
   * The pair that is installed with Shard.
   *
   * @throws StoreError that says how to repair the installation
   */
  async embedded(options?: ImportOptions): Promise<ServedModel> {
    const { manifest, targetPath, draftPath } = await embeddedFiles()
    const [draft] = manifest.drafts
    if (draft == null) {
      throw new StoreError('CORRUPT', 'The manifest of the embedded model names no draft; install Shard again.')
    }
    await importEmbedded(draftPath, draft, this.importModel, options)
    await importEmbedded(targetPath, manifest.target, this.importModel, options)
    return { manifest, cid: await this.#putManifest(manifest, options), targetPath, draftPath }
  }

  /**
   * A user's own GGUF, and a draft for it.
   *
   * @throws StoreError FILE_MISSING, NO_PERMISSION, NOT_A_MODEL, LFS_POINTER, OTHER_TOKENIZER, DISK_FULL, FILE_CHANGED;
   * ShardError if the name cannot be in a manifest; the signal's reason
   */
  async fromFiles({ target, draft, name }: OwnFiles, options?: ImportOptions): Promise<ServedModel> {
    const files: OwnFiles = { target: resolve(target), draft: draft == null ? undefined : resolve(draft), name }
    const manifest = await manifestOfFiles(files, this.importModel, options)
    const cid = await this.#putManifest(manifest, options)
    return { manifest, cid, targetPath: files.target, draftPath: files.draft }
  }

  /**
   * A model whose manifest was there first: pulled from the swarm, or imported before. Its files are held to it.
   *
   * @throws StoreError FILE_MISSING where a file is not here, FILE_CHANGED where it is another one; the signal's reason
   */
  async fromLibrary(
    model: Omit<ServedModel, 'targetPath'> & { targetPath?: string },
    options?: ImportOptions
  ): Promise<ServedModel> {
    const { manifest, targetPath, draftPath } = model
    const [draft] = manifest.drafts
    if (targetPath == null) {
      throw new StoreError(
        'FILE_MISSING',
        `The file of ${manifest.name} is not whole or not there; pull the model again.`
      )
    }
    for (const [path, file] of [[targetPath, manifest.target] as const, [draftPath, draft] as const]) {
      if (path != null && file != null && !(await this.importModel(path, options)).equals(file.cid)) {
        throw new StoreError(
          'FILE_CHANGED',
          `${path} is not the file of ${manifest.name} any more; import or pull it again.`
        )
      }
    }
    return { manifest, cid: await this.#putManifest(manifest, options), targetPath, draftPath }
  }

  async #putManifest(manifest: Manifest, options?: AbortOptions): Promise<CID> {
    const { cid, bytes } = await encodeManifest(manifest)
    try {
      await this.blockstore.put(cid, bytes, options)
    } catch (cause) {
      throw fileError('the data folder', cause)
    }
    return cid
  }
}

function openError(root: string, cause: unknown): unknown {
  const error = fileError(root, cause)
  if (error instanceof StoreError) {
    return error
  }
  if (hasCode(cause, 'LEVEL_LOCKED')) {
    return new StoreError(
      'IN_USE',
      `Another Shard uses the data folder ${root}. Stop it, or give this one a folder of its own.`,
      { cause }
    )
  }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StoreError(
    'CORRUPT',
    `The data folder ${root} could not be opened (${reason}). Move it away; models and peers are found again.`,
    { cause }
  )
}

function hasCode(error: unknown, code: string): boolean {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++) {
    if (('code' in current && current.code === code) || current.message.includes(code)) {
      return true
    }
  }
  return false
}
