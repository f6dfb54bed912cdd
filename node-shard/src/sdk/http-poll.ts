import { GenerateError, type Transport } from './types.ts'
import type { ErrorBody } from '../shim/api-error.ts'
import type { WorkMessage } from '../shim/work.ts'

interface Popped {
  messages: WorkMessage[]
  done: boolean
}

/** Plain requests, for where WebSockets do not get through. */
export function pollTransport(routerUrl: string, apiKey?: string): Transport {
  const call = async (path: string, options: RequestInit): Promise<Response> => {
    const headers = new Headers(options.headers)
    if (apiKey != null) {
      headers.set('authorization', `Bearer ${apiKey}`)
    }
    return request(`${routerUrl}${path}`, { ...options, headers })
  }
  return {
    send: async function* (work, signal) {
      const started = await call('/broadcast-work', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(work),
        signal
      })
      const { request_id: id } = (await started.json()) as { request_id: string }
      const path = `/pop-result?request_id=${id}`
      let done = false
      try {
        while (!done) {
          const popped = (await (await call(path, { signal })).json()) as Popped
          done = popped.done
          yield* popped.messages
        }
      } finally {
        if (!done) {
          await call(path, { method: 'DELETE' }).catch(() => undefined)
        }
      }
    },
    close: async () => {}
  }
}

async function request(url: string, options: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, options)
  } catch (cause) {
    options.signal?.throwIfAborted()
    throw new GenerateError(`There is no answer from ${url}. Is \`shard serve\` or \`shard connect\` running there?`, {
      status: 502,
      code: 'disconnected',
      cause
    })
  }
  if (!response.ok) {
    const { status } = response
    const body = (await response.json().catch(() => undefined)) as ErrorBody | undefined
    throw new GenerateError(body?.error.message ?? `${url} answered with status ${status}.`, {
      status,
      code: body?.error.code
    })
  }
  return response
}
