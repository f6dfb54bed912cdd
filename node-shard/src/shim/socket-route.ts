import websocket from '@fastify/websocket'
import { ApiError } from './api-error.ts'
import { MAX_BODY_BYTES, REQUEST_TIMEOUT, WS_PROTOCOL } from './constants.ts'
import { startWork } from './work-events.ts'
import { errorMessage, toMessages, type WorkMessage } from './work.ts'
import type { WebSocket } from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import type { ApiContext } from './context.ts'

/** WebSocket close codes of RFC 6455. */
const NORMAL = 1000
const POLICY = 1008

/** To be registered before any route is added. */
export async function addSockets(app: FastifyInstance): Promise<void> {
  await app.register(websocket, {
    options: {
      maxPayload: MAX_BODY_BYTES,
      // never one that a client made a key's vessel of
      handleProtocols: (offered: Set<string>) => (offered.has(WS_PROTOCOL) ? WS_PROTOCOL : false)
    }
  })
}

/**
 * `/ws/generate`: the client sends one request, the server what comes of it, message by message; then it closes. Closing
 * earlier cancels the answer.
 */
export function addSocketRoute(app: FastifyInstance, context: ApiContext): void {
  app.get('/ws/generate', { websocket: true }, (socket) => {
    const gone = new AbortController()
    socket.once('close', () => gone.abort(new Error('The client is gone.')))
    // a frame that is none, or too long: ws closes the connection
    socket.on('error', (error) => context.init.log.debug({ err: error }, 'a WebSocket failed'))
    const late = setTimeout(
      () => socket.close(POLICY, 'no request came'),
      context.init.requestTimeout ?? REQUEST_TIMEOUT
    )
    gone.signal.addEventListener('abort', () => clearTimeout(late))
    let asked = false
    socket.on('message', (data, isBinary) => {
      clearTimeout(late)
      if (asked) {
        socket.close(POLICY, 'one request a connection')
        return
      }
      asked = true
      const text = isBinary ? undefined : toText(data)
      answer(socket, context, text, gone.signal).catch((error: unknown) => {
        if (!gone.signal.aborted) {
          context.init.log.warn({ err: error }, 'an answer was broken off')
        }
        socket.terminate()
      })
    })
  })
}

async function answer(
  socket: WebSocket,
  context: ApiContext,
  text: string | undefined,
  gone: AbortSignal
): Promise<void> {
  try {
    for await (const message of toMessages(await startWork(context, parse(text), gone))) {
      await send(socket, message)
    }
  } catch (error) {
    gone.throwIfAborted()
    await send(socket, errorMessage(error))
  }
  socket.close(NORMAL)
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch (cause) {
    throw new ApiError(400, 'The first message must be the request, as JSON.', { cause })
  }
}

function toText(data: Buffer | ArrayBuffer | Buffer[]): string {
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer)).toString()
}

/** Resolves when it is written, so that a client that does not read makes its answer wait. */
async function send(socket: WebSocket, message: WorkMessage): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.send(JSON.stringify(message), (error) => (error == null ? resolve() : reject(error)))
  })
}
