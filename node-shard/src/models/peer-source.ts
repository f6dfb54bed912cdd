import { setTimeout as sleep } from 'node:timers/promises'
import { BATCHES, FIRST_WINDOW, MAX_MISSING, MAX_WINDOW, WINDOW_MS } from './constants.ts'
import { GiverError } from './errors.ts'
import type { GiverSession } from './bitswap-client.ts'
import type { Leaf } from './file-tree.ts'
import type { LeafQueue } from './leaf-queue.ts'

export interface LeafSink {
  queue: LeafQueue
  /** Takes a leaf that was checked. */
  store: (leaf: Leaf, bytes: Uint8Array) => Promise<void>
  /** Ms between two looks for leaves that are overdue. */
  look: number
  signal: AbortSignal
}

/** Asks one peer for leaves until there are none left or it fails. Never rejects but with what `store` throws. */
export async function fetchFromPeer(session: GiverSession, { queue, store, look, signal }: LeafSink): Promise<void> {
  const lacks = new Set<Leaf>()
  const underWay = new Set<Promise<void>>()
  const writes = new Set<Promise<void>>()
  let window = FIRST_WINDOW
  let given = 0
  let last = performance.now()
  /** Ms from one leaf to the next, averaged. */
  let pace: number | undefined
  let broken: { cause: unknown } | undefined

  const fetchOne = async (leaf: Leaf, cancelled: AbortSignal): Promise<void> => {
    try {
      const block = await session.want(leaf.cid, AbortSignal.any([signal, cancelled]))
      if (block.byteLength !== leaf.length) {
        // the hash is right, so it is the manifest that lies; the tree was checked before, all but this
        throw new GiverError('MISSING', 'the block has another length than the manifest says')
      }
      const now = performance.now()
      pace = pace == null ? now - last : 0.8 * pace + 0.2 * (now - last)
      last = now
      given++
      window = Math.min(MAX_WINDOW, Math.max(1, Math.round(WINDOW_MS / Math.max(1, pace))))
      // not awaited here: the next block is asked for while this one is written
      const writing: Promise<void> = store(leaf, block)
        .catch((cause: unknown) => {
          broken ??= { cause }
          queue.release(leaf, session)
        })
        .finally(() => writes.delete(writing))
      writes.add(writing)
      if (writes.size > MAX_WINDOW) {
        await Promise.race(writes)
      }
    } catch (error) {
      if (error instanceof GiverError) {
        if (error.fault === 'MISSING') {
          lacks.add(leaf)
        }
      } else if (!signal.aborted && !cancelled.aborted) {
        broken ??= { cause: error }
      }
      queue.release(leaf, session)
    }
  }

  while (!signal.aborted && session.failure == null && broken == null && !queue.empty) {
    const { changed } = queue
    // several at a time, since a giver packs what it is asked for together into one message
    const due = underWay.size <= window - Math.ceil(window / BATCHES)
    for (let next; due && underWay.size < window && (next = queue.take(session, lacks)) != null;) {
      if (underWay.size === 0) {
        last = performance.now()
      }
      const one: Promise<void> = fetchOne(next.leaf, next.signal).finally(() => underWay.delete(one))
      underWay.add(one)
    }
    if (lacks.size > 0 && ((lacks.size >= MAX_MISSING && given === 0) || !queue.needs(lacks))) {
      session.fail(new GiverError('MISSING', 'it does not have the file'))
    }
    const nothingToAsk = due && underWay.size < window ? [changed, sleep(look)] : []
    await Promise.race([...underWay, ...nothingToAsk, session.ended])
  }
  await Promise.all(underWay)
  await Promise.all(writes)
  if (broken != null) {
    throw broken.cause
  }
}
