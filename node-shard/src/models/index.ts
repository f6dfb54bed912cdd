/**
 * @packageDocumentation
 *
 * Models that are not installed with Shard: fetched from other peers by CID, from the web, or imported from the user's
 * disk. The library says which ones are here.
 *
 * @example
 *
 * ```TypeScript
 * const library = new ModelLibrary(dataFolder)
 * const fetcher = new ModelFetcher({ swarm: { libp2p, directory: libp2p.services.announce }, library })
 * const { targetPath } = await fetcher.pull(cid, { onProgress: ({ bytes, total }) => console.info(bytes / total) })
 * ```
 */

export { catalogue, fromCatalogue } from './catalogue.ts'
export { ModelFetchError } from './errors.ts'
export { ModelFetcher } from './fetcher.ts'
export { fileCid } from './file-cid.ts'
export { importModel, importPair } from './import-model.ts'
export { filesOf, ModelLibrary } from './library.ts'
export type { LocalModel } from './library.ts'
export type { FetchProgress } from './progress.ts'
