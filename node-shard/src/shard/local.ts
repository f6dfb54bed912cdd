import type { Directory, KnownShard } from '@shard/protocol/announce'
import type { Generate } from '@shard/protocol/generate'
import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import type { Shard } from './index.ts'

/**
 * A Consumer on a Shard's own machine sees that Shard as one of many, but asks it without a network: a peer cannot dial
 * itself.
 */
export function withLocalShard(
  shard: Shard,
  self: PeerId,
  swarm: { generate: Generate; directory: Directory }
): { generate: Pick<Generate, 'ask'>; directory: Directory } {
  const { generate, directory } = swarm
  const local = (): KnownShard => ({ ...shard.offer, peer: self, heard: Date.now() })
  return {
    generate: {
      ask: (peer, ask, options = {}) =>
        peer.equals(self) ? askLocally(shard, ask, self, options) : generate.ask(peer, ask, options)
    },
    directory: {
      shards: (model) => [...(model == null || serves(local(), model) ? [local()] : []), ...directory.shards(model)],
      discover: async (model, options) => directory.discover(model, options),
      changed: async (options) => directory.changed(options),
      forget: (peer) => directory.forget(peer)
    }
  }
}

async function* askLocally(
  shard: Shard,
  ask: Parameters<Generate['ask']>[1],
  self: PeerId,
  { signal }: AbortOptions
): ReturnType<Generate['ask']> {
  const left = new AbortController()
  const either = signal == null ? left.signal : AbortSignal.any([signal, left.signal])
  try {
    yield* shard.answer(ask, { peer: self, signal: either })
  } finally {
    left.abort()
  }
}

function serves({ models }: KnownShard, model: CID): boolean {
  return models.some(({ manifest }) => manifest.equals(model))
}
