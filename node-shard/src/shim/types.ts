import type { Consumer, DraftPolicy } from '@shard/protocol/consume'
import type { FastifyBaseLogger } from 'fastify'
import type { CID } from 'multiformats/cid'

/** A model that Shards of the swarm serve. */
export interface OfferedModel {
  cid: CID
  /** Need not be unique. */
  name: string
  /** How many Shards serve it. */
  shards: number
}

export interface ShimInit {
  consumer: Pick<Consumer, 'ask'>
  /** What can be asked for now. */
  models: () => Promise<OfferedModel[]>
  /** Multiaddrs by which a tab on this machine enters the swarm. */
  relays: () => string[]
  /** Folder of the built web app; without it only the API is served. */
  appDir?: string
  /** If given, `/v1` asks for it as a bearer key. */
  apiKey?: string
  /** Whose Scouts may draft for answers of this server; default: the Consumer's. */
  draftPolicy?: DraftPolicy
  log: FastifyBaseLogger
}

export interface Shim {
  /**
   * @param port - 0 takes a free one
   * @param host - a loopback address; default 127.0.0.1
   * @returns the URL, e.g. `http://127.0.0.1:9091`
   * @throws ShimError with a sentence that says what to do: the port is taken, or the address is not this machine's own
   */
  listen: (port: number, host?: string) => Promise<string>
  /** Ends running answers and frees the port. */
  close: () => Promise<void>
  /** Undefined while it does not listen. */
  readonly url: string | undefined
}
