/**
 * @packageDocumentation
 *
 * `/shard/generate/1`: a Consumer asks, a Shard answers. One stream is one generation; to cancel is to leave the stream.
 *
 * @example
 *
 * ```ts
 * const node = await createLibp2p({ services: { ...swarmServices({ dht: 'client' }), generate: generate() } })
 *
 * for await (const response of node.services.generate.ask(shard, ask)) {
 *   process.stdout.write(response.commit?.text ?? '')
 * }
 * ```
 */

import { GenerateService } from './service.ts'
import type { Ask, GenerateResponse } from '../pb/generate.ts'
import type { AbortOptions, PeerId, Startable } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'

/** What a Shard answers an Ask with: responses in the order of docs/PROTOCOL.md, the last one a Done. */
export interface Answerer {
  /** `signal` is aborted when the Consumer leaves. ShardErrors that are thrown reach the Consumer as faults. */
  (ask: Ask, context: { peer: PeerId; signal: AbortSignal }): AsyncIterable<Partial<GenerateResponse>>
}

export interface GenerateInit {
  /** Only Shards answer; without it this peer can ask but not be asked. */
  answer?: Answerer
}

export interface GenerateComponents {
  registrar: Registrar
  connectionManager: ConnectionManager
}

export interface Generate extends Startable {
  /**
   * Asks one Shard. Responses come in order and are checked: commits are gapless from `ask.committed` on, and the
   * last response is a Done. Leaving the loop cancels the generation.
   *
   * @throws ShardError with the Shard's fault, or DISCONNECTED / TIMEOUT when it is gone
   */
  ask(shard: PeerId, ask: Ask, options?: AbortOptions): AsyncGenerator<GenerateResponse, void, undefined>
}

export function generate(init: GenerateInit = {}): (components: GenerateComponents) => Generate {
  return (components) => new GenerateService(components, init)
}

export { GENERATE_PROTOCOL } from './constants.ts'
export { validateAsk } from './validate.ts'
export { Ask, DraftPolicy, FinishReason, GenerateRequest, GenerateResponse } from '../pb/generate.ts'
export type { Accepted, ChatMessage, Commit, Done, Progress, SamplingParameters } from '../pb/generate.ts'
