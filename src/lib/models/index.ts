export { ModelFetchError } from './errors.ts'
export { deleteModelFile, fetchManifest, fetchModelFile, hasModelFile } from './fetch-model.ts'
export type { ModelFetchFault } from './errors.ts'
export type { FetchOptions, FetchProgress } from './fetch-model.ts'
