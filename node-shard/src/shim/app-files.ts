import { readdir } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import fastifyStatic from '@fastify/static'
import { ShimError } from './shim-error.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** SvelteKit's folder of files whose names change with their content. */
const IMMUTABLE = join('_app', 'immutable')

/** The page that a single-page app is, for addresses that are no files. */
export interface AppPage {
  /** True for the navigation of a person to an address within the app. */
  isFor: (request: FastifyRequest) => boolean
  send: (reply: FastifyReply) => FastifyReply
}

/**
 * Serves the built web app.
 *
 * @throws ShimError NO_APP if the folder holds no page
 */
export async function addApp(app: FastifyInstance, folder: string): Promise<AppPage> {
  const root = resolve(folder)
  const page = await findPage(root)
  await app.register(fastifyStatic, {
    root,
    cacheControl: false,
    dotfiles: 'ignore',
    setHeaders: (reply, path) => {
      const immutable = path.slice(root.length).startsWith(`${sep}${IMMUTABLE}${sep}`)
      void reply
        .header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
        // SharedArrayBuffer, and so threads of WASM, only exist in pages and workers that these two isolate.
        .header('cross-origin-opener-policy', 'same-origin')
        .header('cross-origin-embedder-policy', 'require-corp')
      if (path.endsWith('.html')) {
        // The one rule that the policy within the app's page cannot state: no other page may put it into a frame.
        void reply.header('content-security-policy', "frame-ancestors 'none'")
      }
    }
  })
  return {
    isFor: ({ method, url, headers }) =>
      (method === 'GET' || method === 'HEAD') &&
      (headers['sec-fetch-mode'] ?? 'navigate') === 'navigate' &&
      headers.accept?.includes('text/html') === true &&
      !/^\/(v1|_app)(\/|$)/.test(url),
    send: (reply) => reply.sendFile(page)
  }
}

async function findPage(root: string): Promise<string> {
  const files = await readdir(root).catch((): string[] => [])
  const page = ['200.html', 'index.html'].find((name) => files.includes(name))
  if (page == null) {
    throw new ShimError('NO_APP', `There is no web app in ${root}; build it with "npm run build".`)
  }
  return page
}
