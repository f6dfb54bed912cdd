/**
 * @packageDocumentation
 *
 * The local server: the swarm behind OpenAI's API, for programs on this machine, and the web app for its browser.
 *
 * @example
 *
 * ```TypeScript
 * import { createShim } from './shim/index.ts'
 *
 * const shim = createShim({ consumer, models, relays: () => relays, appDir: 'build', log })
 * console.info(await shim.listen(9091)) // http://127.0.0.1:9091
 * ```
 */

import { ApiError } from './api-error.ts'
import { CLOSE_PATIENCE, LOOPBACK_ADDRESSES } from './constants.ts'
import { createServer } from './server.ts'
import { ShimError } from './shim-error.ts'
import type { Shim, ShimInit } from './types.ts'
import type { FastifyInstance } from 'fastify'

export type { OfferedModel, Shim, ShimInit } from './types.ts'

export function createShim(init: ShimInit): Shim {
  const stopping = new AbortController()
  let server: FastifyInstance | undefined
  let url: string | undefined
  return {
    get url() {
      return url
    },
    listen: async (port, host = '127.0.0.1') => {
      if (!LOOPBACK_ADDRESSES.includes(host)) {
        throw new ShimError(
          'NOT_LOOPBACK',
          `${host} can be reached from other machines; use 127.0.0.1, ::1 or localhost.`
        )
      }
      server = await createServer(init, stopping.signal)
      try {
        url = await server.listen({ port, host })
        return url
      } catch (cause) {
        await server.close()
        throw listenError(port, cause)
      }
    },
    close: async () => {
      url = undefined
      stopping.abort(new ApiError(503, 'This Shard is shutting down; ask again later.', { code: 'shutting_down' }))
      await closeServer(server)
    }
  }
}

/** Lets the errors of running answers out, and waits for no client that does not read. */
async function closeServer(server: FastifyInstance | undefined): Promise<void> {
  const impatience = setTimeout(() => server?.server.closeAllConnections(), CLOSE_PATIENCE)
  try {
    await server?.close()
  } finally {
    clearTimeout(impatience)
  }
}

function listenError(port: number, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EADDRINUSE') {
    return new ShimError('PORT_TAKEN', `Port ${port} is taken by another program; stop it, or choose another port.`, {
      cause
    })
  }
  if (code === 'EACCES') {
    return new ShimError('NO_PERMISSION', `This user may not open port ${port}; choose one from 1024 on.`, { cause })
  }
  return cause
}
