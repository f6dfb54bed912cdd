import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
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
  const pages = (await listFiles(root)).filter((name) => name.endsWith('.html'))
  const fallback = ['200.html', 'index.html'].find((name) => pages.includes(name))
  if (fallback == null) {
    throw new ShimError('NO_APP', `There is no web app in ${root}; build it with "npm run build".`)
  }
  const policy = contentSecurityPolicy(await inlineScriptHashes(pages.map((name) => join(root, name))))
  await app.register(fastifyStatic, {
    root,
    cacheControl: false,
    dotfiles: 'ignore',
    // paths within the app that no file has are answered by the not-found handler
    wildcard: true,
    setHeaders: (reply, path) => {
      const immutable = path.slice(root.length).startsWith(`${sep}${IMMUTABLE}${sep}`)
      void reply.header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
      // SharedArrayBuffer, and so threads of WASM, only exist in pages, and workers, that are isolated by these two.
      void reply.header('cross-origin-opener-policy', 'same-origin')
      void reply.header('cross-origin-embedder-policy', 'require-corp')
      if (path.endsWith('.html')) {
        void reply.header('content-security-policy', policy)
      }
    }
  })
  return {
    isFor: ({ method, url, headers }) =>
      (method === 'GET' || method === 'HEAD') &&
      (headers['sec-fetch-mode'] ?? 'navigate') === 'navigate' &&
      headers.accept?.includes('text/html') === true &&
      !/^\/(v1|_app)(\/|$)/.test(url),
    send: (reply) => reply.sendFile(fallback)
  }
}

async function listFiles(root: string): Promise<string[]> {
  try {
    return await readdir(root, { recursive: true })
  } catch (cause) {
    throw new ShimError('NO_APP', `The web app's folder ${root} cannot be read; build it with "npm run build".`, {
      cause
    })
  }
}

/** SvelteKit starts the app in a script within the page; a hash allows just that one. */
async function inlineScriptHashes(files: string[]): Promise<string[]> {
  const hashes = new Set<string>()
  for (const file of files) {
    const html = await readFile(file, 'utf8')
    for (const [, attributes = '', script = ''] of html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/g)) {
      if (!/\bsrc\s*=/.test(attributes)) {
        hashes.add(`'sha256-${createHash('sha256').update(script).digest('base64')}'`)
      }
    }
  }
  return [...hashes]
}

function contentSecurityPolicy(scripts: string[]): string {
  return [
    "default-src 'self'",
    // llama.cpp in the tab is WASM, and starts its workers from blobs
    ["script-src 'self' 'wasm-unsafe-eval' blob:", ...scripts].join(' '),
    "worker-src 'self' blob:",
    // peers have any address; WebRTC is under no directive
    "connect-src 'self' ws: wss: blob: data:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'"
  ].join('; ')
}
