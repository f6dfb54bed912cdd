/**
 * A peer that gives a file, in a process of its own: over bitswap as a Shard does, and raw over a stream of the same
 * connection.
 *
 *     node bench/lib/giver.ts <file> <data folder> [honest|corrupt|silent]
 */

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { encodeManifest, UNIXFS_IMPORT, type Manifest } from '@shard/protocol/model'
import { BaseBlockstore } from 'blockstore-core'
import { ModelStore, startHelia } from '../../node-shard/dist/store/index.js'
import { nodeOptions } from '../../node-shard/dist/swarm/index.js'
import type { CID } from 'multiformats/cid'
import type { Stream } from '@libp2p/interface'

const RAW = '/shard-bench/raw/1'

type Blockstore = ModelStore['blockstore']

/** Gives other bytes for leaves than it should, or none. */
class Misbehaving extends BaseBlockstore {
  readonly #inner: Blockstore
  readonly #silent: boolean

  constructor(inner: Blockstore, silent: boolean) {
    super()
    this.#inner = inner
    this.#silent = silent
  }

  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    for await (const block of this.#inner.get(cid)) {
      const leaf = block.byteLength === UNIXFS_IMPORT.chunkSize
      if (leaf && this.#silent) {
        await new Promise(() => undefined)
      }
      yield leaf ? block.map((byte) => byte ^ 1) : block
    }
  }

  override async put(cid: CID, block: Uint8Array): Promise<CID> {
    return this.#inner.put(cid, block)
  }

  override async has(cid: CID): Promise<boolean> {
    return this.#inner.has(cid)
  }
}

async function main([path = '', data = '', behaviour = 'honest']: string[]): Promise<void> {
  const store = await ModelStore.open(data)
  const cid = await store.importModel(path)
  const manifest: Manifest = {
    version: 1,
    name: 'bench',
    license: 'CC0-1.0',
    contextLength: 1,
    tokenizer: new Uint8Array(32),
    target: { cid, bytes: (await stat(path)).size, format: 'gguf', quantization: 'F32' },
    drafts: []
  }
  const block = await encodeManifest(manifest)
  await store.blockstore.put(block.cid, block.bytes)
  const blockstore =
    behaviour === 'honest' ? store.blockstore : new Misbehaving(store.blockstore, behaviour === 'silent')
  const { libp2p } = await startHelia(nodeOptions({ listen: ['/ip4/127.0.0.1/tcp/0'], reservations: 0 }), {
    blockstore,
    datastore: store.datastore
  })
  await libp2p.handle(RAW, (stream) => void giveRaw(stream, path))
  process.send?.({ addresses: libp2p.getMultiaddrs().map(String), manifest: block.cid.toString() })
}

async function giveRaw(stream: Stream, path: string): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    if (!stream.send(chunk as Uint8Array)) {
      await stream.onDrain()
    }
  }
  await stream.close()
}

if (import.meta.main) {
  process.once('disconnect', () => process.exit())
  await main(process.argv.slice(2))
}
