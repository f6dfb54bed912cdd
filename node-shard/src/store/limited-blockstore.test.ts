import { createHash } from 'node:crypto'
import { MemoryBlockstore } from 'blockstore-core'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create as createDigest } from 'multiformats/hashes/digest'
import { describe, expect, it } from 'vitest'
import { LimitedBlockstore } from './limited-blockstore.ts'

describe('LimitedBlockstore', () => {
  it('gives all readers together so many bytes a second, and not less of anything', async () => {
    const inner = new MemoryBlockstore()
    const block = new Uint8Array(50_000)
    const cid = CID.createV1(raw.code, createDigest(0x12, createHash('sha256').update(block).digest()))
    const limited = new LimitedBlockstore(inner, 500_000)
    await limited.put(cid, block)
    expect(await limited.has(cid)).toBe(true)
    const before = performance.now()
    const read = async (): Promise<number> => {
      let bytes = 0
      for await (const part of limited.get(cid)) {
        bytes += part.byteLength
      }
      return bytes
    }
    expect(await Promise.all(Array.from({ length: 8 }, read))).toEqual(Array<number>(8).fill(50_000))
    // 400 kB, of which a quarter of a second's worth may come at once; a timer never fires early
    expect(performance.now() - before).toBeGreaterThanOrEqual(500)
    await limited.delete(cid)
    expect(await limited.has(cid)).toBe(false)
  })

  it('stops waiting when it is told to', async () => {
    const block = new Uint8Array(1_000)
    const cid = CID.createV1(raw.code, createDigest(0x12, createHash('sha256').update(block).digest()))
    const limited = new LimitedBlockstore(new MemoryBlockstore(), 1)
    await limited.put(cid, block)
    const stop = new AbortController()
    const reading = limited.get(cid, { signal: stop.signal }).next()
    stop.abort(new Error('enough'))
    await expect(reading).rejects.toThrow()
  })
})
