import { fastify, LogController, type FastifyInstance } from 'fastify'
import { ApiError, sendError, toApiError } from './api-error.ts'
import { addApp } from './app-files.ts'
import { addChatRoute } from './chat-route.ts'
import { MAX_BODY_BYTES, MAX_CONNECTIONS, REQUEST_TIMEOUT } from './constants.ts'
import { ApiContext } from './context.ts'
import { addEmbeddingsRoute } from './embeddings-route.ts'
import { addApiGuard, addGuard } from './guard.ts'
import { addJobRoutes } from './jobs-route.ts'
import { ApiMetrics, codeOf } from './metrics.ts'
import { addModelRoutes } from './models-route.ts'
import { openApi } from './openapi.ts'
import { addResponsesRoute } from './responses-route.ts'
import { addSocketRoute, addSockets } from './socket-route.ts'
import { addTextRoute } from './text-route.ts'
import type { ShimInit } from './types.ts'

/**
 * The server with all its routes, not listening yet.
 *
 * @param stopping - ends running answers
 * @throws ShimError NO_APP
 */
export async function createServer(init: ShimInit, stopping: AbortSignal): Promise<FastifyInstance> {
  const requestTimeout = init.requestTimeout ?? REQUEST_TIMEOUT
  const app = fastify({
    loggerInstance: init.log,
    // what people ask is not for the log
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout,
    // a slow client is noticed soon after its time is up, not up to 30 s later
    http: { headersTimeout: requestTimeout, connectionsCheckingInterval: Math.ceil(requestTimeout / 10) },
    forceCloseConnections: 'idle'
  })
  app.server.maxConnections = MAX_CONNECTIONS
  const metrics = new ApiMetrics(async () => countConnections(app))
  // A page of another origin may send text/plain without asking first; JSON it may not.
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler(async (error, _request, reply) => {
    const told = toApiError(error)
    // a client that went away is no failure
    if (!reply.raw.destroyed) {
      metrics.error(codeOf(told))
      note(init, error, told)
    }
    return sendError(reply, told)
  })
  // What was under way when the server was closed keeps its connection no longer than it must.
  app.addHook('onResponse', async (request, reply) => {
    metrics.request(request.routeOptions.url ?? 'none', reply.statusCode)
    if (stopping.aborted) {
      setImmediate(() => app.server.closeIdleConnections())
    }
  })
  await addSockets(app)
  addGuard(app)
  app.get('/health', async () => ({ status: 'ok', models: (await init.models()).length }))
  app.get('/bootstrap.json', async (_request, reply) => {
    void reply.header('cache-control', 'no-store')
    return { relays: init.relays() }
  })
  app.get('/openapi.json', async () => openApi(init.apiKey != null))
  await app.register(async (api) => {
    const context = new ApiContext(init, metrics, stopping)
    addApiGuard(api, init.apiKey)
    addModelRoutes(api, init.models)
    addChatRoute(api, context)
    addTextRoute(api, context)
    addResponsesRoute(api, context)
    addEmbeddingsRoute(api)
    addSocketRoute(api, context)
    addJobRoutes(api, context)
    api.get('/metrics', async (_request, reply) => {
      void reply.type(metrics.registry.contentType)
      return metrics.registry.metrics()
    })
  })
  const page = init.appDir == null ? undefined : await addApp(app, init.appDir)
  app.setNotFoundHandler(async (request, reply) => {
    if (page?.isFor(request) === true) {
      return page.send(reply)
    }
    return sendError(reply, new ApiError(404, `There is nothing at ${request.method} ${request.url.slice(0, 256)}.`))
  })
  return app
}

/** What went wrong here is for the log whole; of what was refused, only what and why: never a key or a prompt. */
function note({ log }: ShimInit, error: unknown, { status, code, message }: ApiError): void {
  if (status >= 500) {
    log.warn({ err: error }, 'a request failed')
  } else if (status === 401 || status === 403) {
    log.warn({ status, code }, message)
  }
}

async function countConnections({ server }: FastifyInstance): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error == null ? resolve(count) : reject(error)))
  })
}
