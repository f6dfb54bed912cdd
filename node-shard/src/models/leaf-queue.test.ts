import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create as createDigest } from 'multiformats/hashes/digest'
import { describe, expect, it } from 'vitest'
import { LeafQueue } from './leaf-queue.ts'
import type { Leaf } from './file-tree.ts'

const NONE = new Set<Leaf>()

function leaves(count: number): Leaf[] {
  return Array.from({ length: count }, (_, index) => ({
    cid: CID.createV1(raw.code, createDigest(0x12, createHash('sha256').update(String(index)).digest())),
    offset: index * 10,
    length: 10
  }))
}

describe('LeafQueue', () => {
  it('gives each leaf to one owner, in order, and then late ones to a second', () => {
    const all = leaves(3)
    const queue = new LeafQueue(all, 0)
    const [one, two] = [{}, {}]
    const taken = [queue.take(one, NONE), queue.take(two, NONE), queue.take(one, NONE)]
    expect(taken.map((next) => next?.leaf)).toEqual(all)
    const late = queue.take(two, NONE)
    expect(late?.leaf).toBe(all[0])
    expect(queue.done(all[0]!)).toBe(true)
    expect(taken[0]?.signal.aborted).toBe(true)
    expect(late?.signal.aborted).toBe(true)
    expect(queue.done(all[0]!)).toBe(false)
  })

  it('asks nobody for what they lack', () => {
    const all = leaves(2)
    const queue = new LeafQueue(all, 0)
    const lacks = new Set([all[0]!])
    expect(queue.take({}, lacks)?.leaf).toBe(all[1])
    expect(queue.needs(lacks)).toBe(true)
    queue.done(all[1]!)
    expect(queue.needs(lacks)).toBe(false)
  })

  it('gives runs that follow each other in the file', () => {
    const all = leaves(6)
    const queue = new LeafQueue(
      all.filter((_, index) => index !== 2),
      0
    )
    expect(queue.takeRun({}, 4)).toEqual(all.slice(0, 2))
    expect(queue.takeRun({}, 2)).toEqual(all.slice(3, 5))
  })

  it('is done when every leaf is, whatever owners do on the way', async () => {
    const act = fc.record({ owner: fc.nat(3), brings: fc.boolean(), run: fc.boolean() })
    const finished = fc.assert(
      fc.asyncProperty(fc.nat(12), fc.array(act, { maxLength: 60 }), async (count, acts) => {
        const queue = new LeafQueue(leaves(count), 0)
        const owners = [{}, {}, {}, {}]
        const brought = new Set<Leaf>()
        const finish = (leaf: Leaf): void => {
          if (queue.done(leaf)) {
            expect(brought.has(leaf)).toBe(false)
            brought.add(leaf)
          }
        }
        for (const { owner, brings, run } of acts) {
          const self = owners[owner] ?? {}
          const next = run ? undefined : queue.take(self, NONE)
          const taken = run ? queue.takeRun(self, 3) : next == null ? [] : [next.leaf]
          taken.forEach((leaf) => {
            if (brings) {
              finish(leaf)
            } else {
              queue.release(leaf, self)
            }
          })
        }
        for (let next = queue.take({}, NONE); next != null; next = queue.take({}, NONE)) {
          finish(next.leaf)
        }
        await queue.finished
        return queue.empty && brought.size === count
      })
    )
    await expect(finished).resolves.toBeUndefined()
  })
})
