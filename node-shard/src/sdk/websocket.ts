import { KEY_PROTOCOL, WS_PROTOCOL } from '../shim/constants.ts'
import { GenerateError, type Transport } from './types.ts'
import type { WorkMessage, WorkRequest } from '../shim/work.ts'

/** One connection an answer; closing it cancels the answer. */
export function websocketTransport(url: string, apiKey?: string): Transport {
  return {
    send: async function* (work, signal) {
      signal.throwIfAborted()
      const socket = new WebSocket(url, apiKey == null ? [WS_PROTOCOL] : [WS_PROTOCOL, KEY_PROTOCOL + encode(apiKey)])
      try {
        yield* read(socket, url, work, signal)
      } finally {
        socket.close()
      }
    },
    close: async () => {}
  }
}

async function* read(
  socket: WebSocket,
  url: string,
  work: WorkRequest,
  signal: AbortSignal
): AsyncGenerator<WorkMessage, void, undefined> {
  const messages: WorkMessage[] = []
  const changes = new EventTarget()
  const change = (): void => void changes.dispatchEvent(new Event('change'))
  let closed = false
  socket.addEventListener('open', () => socket.send(JSON.stringify(work)))
  socket.addEventListener('message', ({ data }) => {
    messages.push(JSON.parse(String(data)) as WorkMessage)
    change()
  })
  socket.addEventListener('close', () => {
    closed = true
    change()
  })
  signal.addEventListener('abort', change)
  try {
    while (true) {
      signal.throwIfAborted()
      const message = messages.shift()
      if (message != null) {
        yield message
        if ('event' in message) {
          return
        }
      } else if (closed) {
        throw new GenerateError(
          `There is no answer from ${url}. Is \`shard serve\` or \`shard connect\` running there, and is the API key right?`,
          { status: 502, code: 'disconnected' }
        )
      } else {
        await new Promise((resolve) => changes.addEventListener('change', resolve, { once: true }))
      }
    }
  } finally {
    signal.removeEventListener('abort', change)
  }
}

/** base64url of UTF-8, in browsers too. */
function encode(text: string): string {
  const bytes = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('')
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
