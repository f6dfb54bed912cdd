import { setTimeout as sleep } from 'node:timers/promises'
import { BaseBlockstore } from 'blockstore-core'
import type { AbortOptions } from '@libp2p/interface'
import type { Blockstore, Pair } from 'interface-blockstore'
import type { CID } from 'multiformats/cid'

type Put = Parameters<Blockstore['put']>

/** Ms of blocks that may be given at once after a pause. */
const BURST = 250

/** A blockstore whose blocks are read no faster than so many bytes a second, all readers together. */
export class LimitedBlockstore extends BaseBlockstore {
  readonly #inner: Blockstore
  readonly #bytesPerMs: number
  /** When all that was given is paid for, as `performance.now()`. */
  #paid = 0

  constructor(inner: Blockstore, bytesPerSecond: number) {
    super()
    this.#inner = inner
    this.#bytesPerMs = bytesPerSecond / 1000
  }

  override async *get(cid: CID, options?: AbortOptions): AsyncGenerator<Uint8Array> {
    for await (const part of this.#inner.get(cid, options)) {
      const now = performance.now()
      this.#paid = Math.max(this.#paid, now - BURST) + part.byteLength / this.#bytesPerMs
      if (this.#paid > now) {
        await sleep(this.#paid - now, undefined, { signal: options?.signal })
      }
      yield part
    }
  }

  override async put(...[cid, block, options]: Put): Promise<CID> {
    return this.#inner.put(cid, block, options)
  }

  override async has(cid: CID, options?: AbortOptions): Promise<boolean> {
    return this.#inner.has(cid, options)
  }

  override async delete(cid: CID, options?: AbortOptions): Promise<void> {
    await this.#inner.delete(cid, options)
  }

  override async *getAll(options?: AbortOptions): AsyncGenerator<Pair> {
    yield* this.#inner.getAll(options)
  }
}
