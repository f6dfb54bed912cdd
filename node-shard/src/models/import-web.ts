import { createHash } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkGguf } from '../store/gguf-info.ts'
import { FETCH_TIMING, type FetchTiming } from './constants.ts'
import { download } from './fetch-whole.ts'
import { fileCid } from './file-cid.ts'
import { badOrigin, type Fetch } from './origin-source.ts'
import { PartFile } from './part-file.ts'
import { webUrl } from './web-source.ts'
import type { ModelLibrary } from './library.ts'
import type { FetchProgress } from './progress.ts'
import type { CID } from 'multiformats/cid'

export interface WebImportOptions {
  signal?: AbortSignal
  what?: string
  onProgress?: (progress: FetchProgress) => void
  timing?: FetchTiming
  fetch?: Fetch
}

/** A file of the web, whole and on this disk. */
export interface WebFile {
  path: string
  cid: CID
  /** Where it came from, with the revision if the server names one; undefined where that is no https address. */
  origin?: string
}

/**
 * Downloads a GGUF file into the library. Goes on where an earlier call stopped, unless the server's file changed.
 *
 * @param source - see {@link webUrl}
 * @throws ModelFetchError BAD_ORIGIN, NO_SPACE, BUSY; StoreError NOT_A_MODEL, DISK_FULL; the signal's reason
 */
export async function importFromWeb(source: string, library: ModelLibrary, options: WebImportOptions = {}): Promise<WebFile> {
  const { signal = new AbortController().signal, timing = FETCH_TIMING, fetch = globalThis.fetch, what = 'target' } = options
  const url = webUrl(source)
  const head = await askHead(url, fetch, AbortSignal.any([signal, AbortSignal.timeout(10 * timing.stall)]))
  signal.throwIfAborted()
  const name = createHash('sha256').update(url).digest('hex').slice(0, 32)
  const part = await PartFile.open(library.partDir(name))
  let whole = false
  try {
    await part.checkRoom(head.bytes ?? 0)
    await startOver(part, library.partDir(name), head)
    await download(url, head.bytes, part, { timing, fetch, signal, what, onProgress: options.onProgress })
    await checkGguf(part.path)
    const cid = await fileCid(part.path, signal)
    const path = library.pathOf({ cid })
    await mkdir(library.dir, { recursive: true })
    await part.finish(path, (await stat(part.path)).size)
    whole = true
    return { path, cid, origin: head.origin }
  } finally {
    if (!whole) {
      await part.close()
    }
  }
}

interface Head {
  /** Undefined where the server does not say. */
  bytes?: number
  /** What tells this version of the file from another one. */
  version: string
  origin?: string
}

/** What a web server says of a file. The hub redirects to where the bytes are, and says who they are before it does. */
async function askHead(url: string, fetch: Fetch, signal: AbortSignal): Promise<Head> {
  let commit: string | undefined
  let at = url
  for (let hops = 0; hops < 8; hops++) {
    let response: Response
    try {
      response = await fetch(at, { method: 'HEAD', redirect: 'manual', headers: { 'Accept-Encoding': 'identity' }, signal })
    } catch (cause) {
      throw badOrigin(url, 'it cannot be reached', cause)
    }
    commit ??= /^[0-9a-f]{40}$/.exec(response.headers.get('x-repo-commit') ?? '')?.[0]
    const location = response.headers.get('location')
    if (response.status >= 300 && response.status < 400 && location != null) {
      at = new URL(location, at).href
      continue
    }
    if (!response.ok) {
      throw badOrigin(url, meaning(response.status))
    }
    const length = Number(response.headers.get('content-length') ?? Number.NaN)
    const fixed = commit == null ? url : url.replace(/\/resolve\/[^/]+\//, `/resolve/${commit}/`)
    return {
      bytes: Number.isSafeInteger(length) && length > 0 ? length : undefined,
      version: `${response.headers.get('etag') ?? response.headers.get('last-modified') ?? ''} ${length}`,
      origin: fixed.startsWith('https://') ? fixed : undefined
    }
  }
  throw badOrigin(url, 'it redirects without end')
}

function meaning(status: number): string {
  switch (status) {
    case 401:
    case 403:
      return 'it is only for those who are signed in there'
    case 404:
      return 'there is no such file'
    default:
      return `it answers ${status}`
  }
}

/** Forgets what was fetched of another version. */
async function startOver(part: PartFile, dir: string, { bytes, version }: Head): Promise<void> {
  const note = join(dir, 'version')
  const before = await readFile(note, 'utf8').catch(() => undefined)
  if (before !== version || bytes == null || (await part.size()) > bytes) {
    await part.truncate()
    await writeFile(note, version)
  }
}
