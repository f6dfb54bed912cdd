import { fetchBlock, patience } from './fetch-block.ts'
import { fetchFromOrigin, type Fetch } from './origin-source.ts'
import { fetchFromPeer, type LeafSink } from './peer-source.ts'
import { ModelFetchError } from './errors.ts'
import { fetchWhole } from './fetch-whole.ts'
import { fileLeaves, type FileId, type Leaf } from './file-tree.ts'
import { LeafQueue } from './leaf-queue.ts'
import { PartFile } from './part-file.ts'
import { REPORT_EVERY, type FetchTiming } from './constants.ts'
import { Speed, type FetchProgress } from './progress.ts'
import type { GiverSession } from './bitswap-client.ts'
import type { Givers } from './givers.ts'

export interface FetchFileOptions {
  timing: FetchTiming
  fetch: Fetch
  signal: AbortSignal
  /** For people. */
  what: string
  onProgress?: (progress: FetchProgress) => void
}

/**
 * Gets a file that a manifest names, from all givers and web servers at once, and puts it at `path` when it is whole and
 * every block of it was checked. What was fetched stays in `partDir` until then, whatever happens.
 *
 * @throws ModelFetchError NO_SPACE, NO_PROVIDER, STALLED, WRONG_FILE, BUSY; StoreError; the signal's reason
 */
export async function fetchFile(
  file: FileId & { origins?: string[] },
  places: { path: string; partDir: string },
  givers: Givers,
  options: FetchFileOptions
): Promise<void> {
  const { timing, signal } = options
  const part = await PartFile.open(places.partDir)
  let whole = false
  try {
    await part.checkRoom(file.bytes)
    let leaves: Leaf[] | undefined
    try {
      leaves = await fileLeaves(file, async (cid) => {
        const kept = await part.node(cid)
        if (kept != null) {
          return kept
        }
        const block = await fetchBlock(givers, cid, timing, signal)
        await part.keepNode(cid, block)
        return block
      })
    } catch (error) {
      if (!(error instanceof ModelFetchError && error.code !== 'WRONG_FILE') || file.origins == null) {
        throw error
      }
      // no peer tells what the parts are: the whole file from a web server then, which is checked as a whole
      await fetchWhole(file, file.origins, part, options)
    }
    if (leaves != null) {
      await fetchLeaves(file, leaves, part, givers, options)
    }
    await part.finish(places.path, file.bytes)
    whole = true
  } finally {
    if (!whole) {
      await part.close()
    }
  }
}

async function fetchLeaves(
  file: FileId & { origins?: string[] },
  leaves: Leaf[],
  part: PartFile,
  givers: Givers,
  { timing, fetch, what, onProgress, signal: outer }: FetchFileOptions
): Promise<void> {
  const held = new Set<Leaf>()
  let bytes = 0
  for await (const leaf of part.verified(leaves, outer)) {
    held.add(leaf)
    bytes += leaf.length
  }
  const queue = new LeafQueue(leaves.filter((leaf) => !held.has(leaf)), timing.overdue)
  const over = new AbortController()
  const signal = AbortSignal.any([outer, over.signal])
  const speed = new Speed()
  const sources = new Set<unknown>()
  const failed = Promise.withResolvers<never>()
  const report = (): void => {
    const rate = speed.at()
    const eta = rate > 0 ? (file.bytes - bytes) / rate : undefined
    onProgress?.({ what, bytes, total: file.bytes, speed: rate, peers: sources.size, eta })
  }
  const sink: LeafSink = {
    queue,
    look: Math.min(timing.look, timing.overdue),
    signal,
    store: async (leaf, block) => {
      await part.write(block, leaf.offset)
      if (queue.done(leaf)) {
        bytes += leaf.length
        speed.add(leaf.length)
      }
    }
  }
  const run = (source: unknown, work: Promise<void>): void => {
    sources.add(source)
    const running: Promise<void> = work.finally(() => {
      sources.delete(source)
      tasks.delete(running)
    })
    tasks.add(running)
  }
  const tasks = new Set<Promise<void>>()
  const fail = (error: unknown): void => {
    if (!signal.aborted) {
      failed.reject(error)
    }
  }
  const timer = setInterval(report, REPORT_EVERY)
  const unsubscribe = givers.subscribe((session: GiverSession) => {
    run(session, fetchFromPeer(session, sink).catch(fail))
  })
  for (const url of file.origins ?? []) {
    // a web server that fails is one source less, and no reason to end
    run(url, fetchFromOrigin(url, sink, { fetch, stall: 5 * timing.stall }).catch(() => undefined))
  }
  failed.promise.catch(() => undefined)
  try {
    report()
    await Promise.race([queue.finished, failed.promise, patience(givers, timing, signal, () => sources.size > 0)])
    report()
  } finally {
    clearInterval(timer)
    unsubscribe()
    over.abort(new Error('the file is there'))
    await Promise.all(tasks)
  }
}
