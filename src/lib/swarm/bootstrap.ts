import { groupRelays, parseRelay } from '@shard/protocol/swarm'
import { z } from 'zod'
import {
  BOOTSTRAP_MAX_ADDRESSES,
  BOOTSTRAP_MAX_BYTES,
  BOOTSTRAP_STORAGE_KEY,
  BOOTSTRAP_TIMEOUT,
  BOOTSTRAP_URL
} from './constants.ts'
import type { RelayAddresses } from '@shard/protocol/swarm'

/** Thrown where neither the server nor this browser's storage has a list of relays. */
export class BootstrapError extends Error {
  override readonly name = 'BootstrapError'
}

const schema = z.object({ relays: z.array(z.string().max(1024)) })

/** What {@link loadBootstrap} needs of the browser; tests give their own. */
export interface BootstrapIo {
  fetch: typeof fetch
  storage: Pick<Storage, 'getItem' | 'setItem'>
}

/**
 * The relays of this app: from its server, else the last list that was good.
 *
 * @throws BootstrapError; the signal's reason when aborted
 */
export async function loadBootstrap(
  io: BootstrapIo,
  options: { signal?: AbortSignal } = {}
): Promise<RelayAddresses[]> {
  try {
    const text = await fetchText(io.fetch, options.signal)
    const relays = parseBootstrap(text)
    store(io.storage, text)
    return relays
  } catch (error) {
    options.signal?.throwIfAborted()
    const last = recall(io.storage)
    if (last != null) return last
    throw error instanceof BootstrapError
      ? error
      : new BootstrapError('The list of relays could not be loaded. Check the connection and reload the page.', {
          cause: error
        })
  }
}

/**
 * Relays by PeerId, in the list's order. Addresses that are none, or that name no PeerId, are left out: one mistake in
 * the list must not take the others with it.
 *
 * @throws BootstrapError where nothing usable remains
 */
export function parseBootstrap(text: string): RelayAddresses[] {
  let list: z.infer<typeof schema>
  try {
    list = schema.parse(JSON.parse(text))
  } catch (cause) {
    const shape = '{"relays": ["/dns4/relay.example.org/tcp/443/tls/ws/p2p/12D3..."]}'
    throw new BootstrapError(`The list of relays (bootstrap.json) is not of the form ${shape}.`, { cause })
  }
  const relays = groupRelays(list.relays.slice(0, BOOTSTRAP_MAX_ADDRESSES).flatMap(parseIfRelay))
  if (relays.length === 0) {
    const remedy = 'Put at least one relay address that ends in /p2p/<its PeerId> there.'
    throw new BootstrapError(`The list of relays (bootstrap.json) names no relay. ${remedy}`)
  }
  return relays
}

function parseIfRelay(address: string): RelayAddresses[] {
  try {
    return [parseRelay(address)]
  } catch {
    return []
  }
}

async function fetchText(fetchFn: typeof fetch, signal?: AbortSignal): Promise<string> {
  const timeout = AbortSignal.timeout(BOOTSTRAP_TIMEOUT)
  const response = await fetchFn(BOOTSTRAP_URL, {
    cache: 'no-store',
    signal: signal == null ? timeout : AbortSignal.any([signal, timeout])
  })
  if (!response.ok) throw new Error(`${BOOTSTRAP_URL}: HTTP ${response.status}`)
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of chunks(response)) {
    bytes += chunk.length
    if (bytes > BOOTSTRAP_MAX_BYTES) {
      throw new BootstrapError(`The list of relays (bootstrap.json) is longer than ${BOOTSTRAP_MAX_BYTES} bytes.`)
    }
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** A stream as an async iterable; Safari has no iterator on ReadableStream. Leaving the loop cancels the stream. */
async function* chunks(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (reader == null) return
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function store(storage: BootstrapIo['storage'], text: string): void {
  try {
    storage.setItem(BOOTSTRAP_STORAGE_KEY, text)
  } catch {
    // Storage is full or forbidden: then there is no list for a start without network.
  }
}

function recall(storage: BootstrapIo['storage']): RelayAddresses[] | undefined {
  try {
    const text = storage.getItem(BOOTSTRAP_STORAGE_KEY)
    return text == null ? undefined : parseBootstrap(text)
  } catch {
    return undefined
  }
}
