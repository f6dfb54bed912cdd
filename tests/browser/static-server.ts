import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

const TYPES: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json'
}

export interface StaticServer {
  /** With a trailing slash. */
  url: string
  close: () => Promise<void>
}

/**
 * Serves a built app as `shard serve` does: files as they are, index.html for every other navigation, and the two
 * headers that isolate the page.
 *
 * @param overrides - answers by path, e.g. of `/bootstrap.json`
 */
export async function serveStatic(folder: string, overrides: Record<string, unknown> = {}): Promise<StaticServer> {
  const server: Server = createServer((request, response) => {
    void (async () => {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
      response.setHeader(
        'Cache-Control',
        path.includes('/immutable/') ? 'public, max-age=31536000, immutable' : 'no-cache'
      )
      const override = overrides[path]
      if (override !== undefined) {
        response.setHeader('Content-Type', 'application/json').end(JSON.stringify(override))
        return
      }
      let file = join(folder, normalize(path))
      const found = await stat(file).catch(() => undefined)
      if (found?.isFile() !== true) {
        if (extname(path) !== '' || request.headers.accept?.includes('text/html') !== true) {
          response.writeHead(404).end()
          return
        }
        file = join(folder, 'index.html')
      }
      response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream')
      createReadStream(file)
        .on('error', () => response.destroy())
        .pipe(response)
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    }
  }
}
