import { createHash, timingSafeEqual } from 'node:crypto'
import { ApiError } from './api-error.ts'
import { LOOPBACK_HOSTS } from './constants.ts'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * Keeps pages of other origins out. Any page in the user's browser can send requests to 127.0.0.1; what it may not do
 * is read answers, or make the user's Shard work. So a request must name this machine in `Host` (a DNS name that was
 * rebound to 127.0.0.1 does not), and come from the app's own origin or from no page at all.
 */
export function addGuard(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply
      .header('cross-origin-resource-policy', 'same-origin')
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
    checkHost(request)
    checkOrigin(request)
  })
}

/** What the API asks for beyond {@link addGuard}. A hook of its routes, so that no spelling of a path gets around it. */
export function addApiGuard(api: FastifyInstance, apiKey?: string): void {
  api.addHook('onRequest', async (request) => {
    checkSite(request)
    checkKey(request, apiKey)
  })
}

function checkHost({ headers, socket }: FastifyRequest): void {
  const allowed = LOOPBACK_HOSTS.flatMap((host) => {
    const port = socket.localPort ?? 80
    // a client leaves the scheme's own port out
    return port === 80 ? [host, `${host}:80`] : [`${host}:${port}`]
  })
  if (headers.host == null || !allowed.includes(headers.host.toLowerCase())) {
    throw new ApiError(403, 'This server answers only to its own address: use http://127.0.0.1 with its port.', {
      code: 'forbidden_host'
    })
  }
}

function checkOrigin({ headers }: FastifyRequest): void {
  if (headers.origin != null && headers.origin.toLowerCase() !== `http://${headers.host?.toLowerCase()}`) {
    throw new ApiError(403, 'Pages of other origins may not use this server; open the app on this address instead.', {
      code: 'forbidden_origin'
    })
  }
}

/** Browsers leave `Origin` out of some requests that a page can cause; this header is in all of them. */
function checkSite({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site']
  if (site === 'cross-site' || site === 'same-site') {
    throw new ApiError(403, 'Pages of other origins may not use this server; open the app on this address instead.', {
      code: 'forbidden_origin'
    })
  }
}

function checkKey({ headers }: FastifyRequest, apiKey?: string): void {
  if (apiKey == null) {
    return
  }
  const [scheme, key] = headers.authorization?.split(' ') ?? []
  if (scheme?.toLowerCase() !== 'bearer' || !timingSafeEqual(digest(key ?? ''), digest(apiKey))) {
    throw new ApiError(401, 'This server asks for its API key: send it as "Authorization: Bearer KEY".', {
      code: 'invalid_api_key'
    })
  }
}

/** Of one length, so that the time of comparing tells nothing. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
