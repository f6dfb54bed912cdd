/**
 * @packageDocumentation
 *
 * A model that the swarm runs, used as if it were loaded here.
 *
 * @example
 *
 * ```TypeScript
 * import { ShardDistributedModel } from '@shard/node/sdk'
 *
 * const model = await ShardDistributedModel.fromPretrained('shard-tiny', { transport: 'p2p', relays: [relay] })
 * for await (const { text } of model.streamGenerate('Once upon a time', { maxNewTokens: 40 })) {
 *   process.stdout.write(text)
 * }
 * await model.close()
 * ```
 */

export { ShardDistributedModel, type PipelineOutput } from './model.ts'
export { GenerateError } from './types.ts'
export type { GenerateOptions, Generated, LoadOptions, Prompt, StreamedToken } from './types.ts'
