import { fileCid } from './file-cid.ts'
import { wrong, type FileId } from './file-tree.ts'
import { badOrigin, readRange, type Fetch } from './origin-source.ts'
import { ORIGIN_TRIES, REPORT_EVERY } from './constants.ts'
import { ModelFetchError } from './errors.ts'
import { Speed, type FetchProgress } from './progress.ts'
import type { FetchTiming } from './constants.ts'
import type { PartFile } from './part-file.ts'

export interface WholeOptions {
  timing: FetchTiming
  fetch: Fetch
  signal: AbortSignal
  what: string
  onProgress?: (progress: FetchProgress) => void
}

/**
 * Gets a file from the first web server that gives it, checked only when it is whole.
 *
 * @throws ModelFetchError BAD_ORIGIN, WRONG_FILE; StoreError; the signal's reason
 */
export async function fetchWhole(file: FileId, urls: string[], part: PartFile, options: WholeOptions): Promise<void> {
  let failure: unknown
  for (const url of urls) {
    try {
      await download(url, file.bytes, part, options)
      const cid = await fileCid(part.path, options.signal)
      if (cid.equals(file.cid)) {
        return
      }
      failure = wrong(file, badOrigin(url, 'it gives another file'))
      // nothing of it can be told from the rest
      await part.truncate()
    } catch (error) {
      options.signal.throwIfAborted()
      if (!(error instanceof ModelFetchError)) {
        throw error
      }
      failure = error
    }
  }
  throw failure
}

/**
 * Appends to a file what is missing of it.
 *
 * @param total - bytes; undefined where only the server knows
 * @throws ModelFetchError BAD_ORIGIN; StoreError; the signal's reason
 */
export async function download(
  url: string,
  total: number | undefined,
  part: PartFile,
  { timing, fetch, signal, what, onProgress }: WholeOptions
): Promise<void> {
  const speed = new Speed()
  let bytes = await part.size()
  let reported = 0
  let failures = 0
  while (total == null || bytes < total) {
    const before = bytes
    try {
      for await (const chunk of readRange(url, { from: bytes, to: total }, { fetch, stall: 5 * timing.stall, signal })) {
        await part.write(chunk, bytes)
        bytes += chunk.byteLength
        speed.add(chunk.byteLength)
        const now = performance.now()
        if (now - reported >= REPORT_EVERY || bytes === total) {
          reported = now
          const rate = speed.at(now)
          const eta = rate > 0 && total != null ? (total - bytes) / rate : undefined
          onProgress?.({ what, bytes, total: total ?? bytes, speed: rate, peers: 1, eta })
        }
      }
      if (total == null) {
        return
      }
      if (bytes === before) {
        throw new Error('the answer is empty')
      }
    } catch (error) {
      signal.throwIfAborted()
      failures = bytes > before ? 0 : failures + 1
      if (error instanceof ModelFetchError || failures === ORIGIN_TRIES) {
        throw error instanceof ModelFetchError ? error : badOrigin(url, 'it stopped answering', error)
      }
    }
  }
}
