import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { withLocalShard } from './local.ts'
import { offeredModels } from './offered-models.ts'
import type { PeerId } from '@libp2p/interface'
import type { Directory, KnownShard, ShardOffer } from '@shard/protocol/announce'
import type { Ask, Generate, GenerateResponse } from '@shard/protocol/generate'
import type { Shard } from './index.ts'

const MODEL = CID.parse('bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy')
const OTHER = CID.parse('bafkreiem4twkqzsq2aj4shbycd4yvoj2cx72vezicletlhi7dijjciqpui')
const ASK = { prompt: 'Once' } as unknown as Ask

let self: PeerId
let remote: PeerId

beforeAll(async () => {
  ;[self, remote] = (await Promise.all([generateKeyPair('Ed25519'), generateKeyPair('Ed25519')])).map((key) =>
    peerIdFromPrivateKey(key)
  ) as [PeerId, PeerId]
})

function offer(manifest: CID, name: string): ShardOffer {
  return { models: [{ manifest, name }], slots: 1, active: 0, queued: 0, scoutsWanted: 0, speed: 5 }
}

function swarm(...shards: KnownShard[]) {
  const generate = { ask: vi.fn<Generate['ask']>() }
  const directory = {
    shards: (model?: CID) =>
      shards.filter(({ models }) => model == null || models.some(({ manifest }) => manifest.equals(model))),
    discover: vi.fn<Directory['discover']>(),
    changed: vi.fn<Directory['changed']>(),
    forget: vi.fn<Directory['forget']>()
  }
  return { generate: generate as unknown as Generate, directory }
}

/** A Shard that answers until it is left. */
function endless() {
  const left = Promise.withResolvers<unknown>()
  const shard = {
    offer: offer(MODEL, 'mine'),
    answer: async function* (_: Ask, { signal }: { signal: AbortSignal }): AsyncGenerator<Partial<GenerateResponse>> {
      signal.addEventListener('abort', () => left.resolve(signal.reason))
      for (let promptTokens = 0; ; promptTokens++) {
        signal.throwIfAborted()
        yield { accepted: { promptTokens } }
      }
    }
  }
  return { shard: shard as unknown as Shard, left: left.promise }
}

describe('withLocalShard', () => {
  it('lists the Shard of this machine first, where it serves the model', () => {
    const { shard } = endless()
    const { directory } = withLocalShard(shard, self, swarm({ ...offer(OTHER, 'theirs'), peer: remote }))
    expect(directory.shards().map(({ peer }) => peer)).toEqual([self, remote])
    expect(directory.shards(MODEL).map(({ peer }) => peer)).toEqual([self])
    expect(directory.shards(OTHER).map(({ peer }) => peer)).toEqual([remote])
  })

  it('asks others over the network, and leaves searching to the swarm', async () => {
    const given = swarm()
    const { generate, directory } = withLocalShard(endless().shard, self, given)
    const options = { signal: new AbortController().signal, timeout: 5 }
    generate.ask(remote, ASK, options)
    expect(given.generate.ask).toHaveBeenCalledWith(remote, ASK, options)
    await directory.discover(MODEL, options)
    await directory.changed(options)
    directory.forget(remote)
    expect(given.directory.discover).toHaveBeenCalledWith(MODEL, options)
    expect(given.directory.changed).toHaveBeenCalledWith(options)
    expect(given.directory.forget).toHaveBeenCalledWith(remote)
  })

  it('asks its own Shard without a network, and cancels it when the loop is left', async () => {
    const { shard, left } = endless()
    const { generate } = withLocalShard(shard, self, swarm())
    for await (const { accepted } of generate.ask(self, ASK)) if (accepted?.promptTokens === 3) break
    expect(await left).toBeInstanceOf(Error)
  })

  it('passes an abort on, with its reason', async () => {
    const { shard, left } = endless()
    const { generate } = withLocalShard(shard, self, swarm())
    const stop = new AbortController()
    const reason = new Error('enough')
    const all = (async () => {
      for await (const _ of generate.ask(self, ASK, { signal: stop.signal })) stop.abort(reason)
    })()
    await expect(all).rejects.toBe(reason)
    expect(await left).toBe(reason)
  })
})

describe('offeredModels', () => {
  it('names each model once, and counts its Shards', () => {
    const { directory } = swarm(
      { ...offer(MODEL, ''), peer: remote },
      { ...offer(MODEL, 'a model'), peer: self },
      { ...offer(OTHER, ''), peer: self }
    )
    expect(offeredModels(directory)).toEqual([
      { cid: MODEL, name: 'a model', shards: 2 },
      { cid: OTHER, name: OTHER.toString(), shards: 1 }
    ])
  })
})
