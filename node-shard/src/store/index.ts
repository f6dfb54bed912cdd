/**
 * @packageDocumentation
 *
 * The Shard's models: which files they are, what their manifests say, and how other peers fetch them by CID without a
 * second copy on the disk.
 *
 * @example
 *
 * ```TypeScript
 * import { ModelStore, startHelia } from './store/index.ts'
 *
 * const store = await ModelStore.open(dataFolder)
 * const { cid, manifest, targetPath } = await store.embedded()
 * const { libp2p, stop } = await startHelia(libp2pOptions, store)
 * ```
 */

export { embeddedFiles } from './embedded.ts'
export { checkModelFile } from './gguf-info.ts'
export { startHelia } from './helia.ts'
export { ModelStore } from './model-store.ts'
export type { OwnFiles } from './own-files.ts'
export type { ServedModel } from './served-model.ts'
