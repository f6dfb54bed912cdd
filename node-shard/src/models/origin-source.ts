import { createHash } from 'node:crypto'
import { equals } from 'multiformats/bytes'
import { ORIGIN_LEAVES, ORIGIN_TRIES } from './constants.ts'
import { ModelFetchError } from './errors.ts'
import type { Leaf } from './file-tree.ts'
import type { LeafSink } from './peer-source.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/**
 * Gets leaves from a web server with range requests, until there are none left.
 *
 * @throws ModelFetchError BAD_ORIGIN where it does not answer, stalls, or its bytes are others; what `store` throws
 */
export async function fetchFromOrigin(
  url: string,
  { queue, store, signal }: LeafSink,
  { fetch, stall }: { fetch: Fetch; stall: number }
): Promise<void> {
  const owner = { url }
  let failures = 0
  while (!queue.empty) {
    signal.throwIfAborted()
    const run = queue.takeRun(owner, ORIGIN_LEAVES)
    const first = run[0]
    const last = run.at(-1)
    if (first == null || last == null) {
      await Promise.race([queue.changed, queue.finished])
      continue
    }
    const left = new Set(run)
    try {
      const range = { from: first.offset, to: last.offset + last.length }
      const body = readRange(url, range, { fetch, stall, signal })
      for await (const { leaf, bytes } of cut(body, run)) {
        if (!equals(createHash('sha256').update(bytes).digest(), leaf.cid.multihash.digest)) {
          throw badOrigin(url, 'it gives another file')
        }
        await store(leaf, bytes)
        left.delete(leaf)
        failures = 0
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof ModelFetchError || ++failures === ORIGIN_TRIES) {
        throw error instanceof ModelFetchError ? error : badOrigin(url, 'it stopped answering', error)
      }
    } finally {
      for (const leaf of left) {
        queue.release(leaf, owner)
      }
    }
  }
}

/**
 * The bytes `[from, to)` of a file on a web server; to its end where `to` is missing. Redirects are followed.
 *
 * @throws ModelFetchError BAD_ORIGIN for an answer that is none; what `fetch` throws
 */
export async function* readRange(
  url: string,
  range: { from: number; to?: number },
  { fetch, stall, signal }: { fetch: Fetch; stall: number; signal: AbortSignal }
): AsyncGenerator<Uint8Array> {
  const idle = new AbortController()
  let timer = setTimeout(() => idle.abort(new Error('silent')), stall)
  const wind = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => idle.abort(new Error(`it sent nothing for ${stall} ms`)), stall)
  }
  try {
    const response = await fetch(url, {
      headers: { Range: `bytes=${range.from}-${range.to == null ? '' : range.to - 1}`, 'Accept-Encoding': 'identity' },
      signal: AbortSignal.any([signal, idle.signal])
    })
    // 200: a server that knows no ranges sends the file from its beginning
    let skip = response.status === 200 ? range.from : 0
    if (!response.ok || response.body == null) {
      throw badOrigin(url, `it answers ${response.status}`)
    }
    let left = range.to == null ? Infinity : range.to - range.from
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      wind()
      const bytes = chunk.subarray(Math.min(skip, chunk.byteLength))
      skip -= chunk.byteLength - bytes.byteLength
      if (bytes.byteLength > 0 && left > 0) {
        yield bytes.subarray(0, left)
        left -= bytes.byteLength
      }
      if (left <= 0) {
        return
      }
    }
  } finally {
    clearTimeout(timer)
    idle.abort(new Error('read'))
  }
}

export function badOrigin(url: string, reason: string, cause?: unknown): ModelFetchError {
  return new ModelFetchError('BAD_ORIGIN', `${url} does not give the model: ${reason}. Check the address, or try later.`, {
    cause
  })
}

async function* cut(body: AsyncIterable<Uint8Array>, run: Leaf[]): AsyncGenerator<{ leaf: Leaf; bytes: Uint8Array }> {
  const leaves = run[Symbol.iterator]()
  let leaf = leaves.next().value
  let bytes = new Uint8Array(leaf?.length ?? 0)
  let filled = 0
  for await (const chunk of body) {
    for (let rest = chunk; leaf != null && rest.byteLength > 0;) {
      const part = rest.subarray(0, leaf.length - filled)
      bytes.set(part, filled)
      filled += part.byteLength
      rest = rest.subarray(part.byteLength)
      if (filled === leaf.length) {
        yield { leaf, bytes }
        leaf = leaves.next().value
        bytes = new Uint8Array(leaf?.length ?? 0)
        filled = 0
      }
    }
  }
  if (leaf != null) {
    throw new Error('the answer is cut off')
  }
}
