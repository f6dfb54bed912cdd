import { fastify, LogController, type FastifyInstance } from 'fastify'
import { ApiError, sendError, toApiError } from './api-error.ts'
import { addApp } from './app-files.ts'
import { addChatRoute } from './chat-route.ts'
import { MAX_BODY_BYTES, REQUEST_TIMEOUT } from './constants.ts'
import { addApiGuard, addGuard } from './guard.ts'
import { addModelRoutes } from './models-route.ts'
import type { ShimInit } from './types.ts'

/**
 * The server with all its routes, not listening yet.
 *
 * @param stopping - ends running answers
 * @throws ShimError NO_APP
 */
export async function createServer(init: ShimInit, stopping: AbortSignal): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: init.log,
    // what people ask is not for the log
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT,
    forceCloseConnections: 'idle'
  })
  // A page of another origin may send text/plain without asking first; JSON it may not.
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler(async (error, _request, reply) => {
    const told = toApiError(error)
    // a client that went away is no failure
    if (told.status >= 500 && !reply.raw.destroyed) {
      init.log.warn({ err: error }, 'a request failed')
    }
    return sendError(reply, told)
  })
  // What was under way when the server was closed keeps its connection no longer than it must.
  app.addHook('onResponse', async () => {
    if (stopping.aborted) {
      setImmediate(() => app.server.closeIdleConnections())
    }
  })
  addGuard(app)
  app.get('/health', async () => ({ status: 'ok', models: (await init.models()).length }))
  app.get('/bootstrap.json', async (_request, reply) => {
    void reply.header('cache-control', 'no-store')
    return { relays: init.relays() }
  })
  await app.register(async (api) => {
    addApiGuard(api, init.apiKey)
    addModelRoutes(api, init.models)
    addChatRoute(api, init, stopping)
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
