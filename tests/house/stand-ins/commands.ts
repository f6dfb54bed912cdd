import { fileURLToPath } from 'node:url'
import type { SwarmCommands } from '../../../scripts/lib/swarm.ts'

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

const RELAY = {
  event: 'ready',
  peer: 'relay-peer',
  addresses: ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2/ws/p2p/r']
}
const SHARD = {
  event: 'ready',
  peer: 'shard-peer',
  model: 'tiny',
  api: 'http://127.0.0.1:3/v1',
  app: 'http://127.0.0.1:3'
}

export interface StandInInit {
  /** The file in which each process writes down what happens to it. */
  journal: string
  relay?: string
  shard?: string
  consumer?: string
  /** What the Shard says when it is ready. */
  shardReady?: object
  /** Milliseconds that the Shard is given; a test must not depend on how fast the relay's process starts. */
  shardTimeout?: number
}

/** Commands of processes that behave as the names say; see peer.ts. */
export function standIns(init: StandInInit): SwarmCommands {
  const peer = (behaviour: string, ready: object, ...rest: string[]): string[] => [
    ...[file('peer.ts'), behaviour, init.journal, JSON.stringify(ready)],
    ...rest
  ]
  return {
    relay: { name: 'The relay', args: peer(init.relay ?? 'well', RELAY, 'relay'), readyTimeout: 30_000 },
    shard: (relay) => ({
      name: 'The Shard',
      args: peer(init.shard ?? 'well', init.shardReady ?? SHARD, 'shard', relay),
      readyTimeout: init.shardTimeout ?? 30_000
    }),
    consumer: (relay, question) => [file('consumer.ts'), init.consumer ?? '0', init.journal, relay, question]
  }
}
