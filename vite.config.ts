import { sveltekit } from '@sveltejs/kit/vite'
import adapter from '@sveltejs/adapter-static'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig } from 'vite'

// Threads in WebAssembly need a cross-origin isolated page; `shard serve` and the tests' server send the same two.
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

export default defineConfig({
  plugins: [
    tailwindcss(),
    sveltekit({
      // One page for every address: a server answers unknown navigations with index.html.
      adapter: adapter({ fallback: 'index.html' }),
      // The app registers its worker itself (lib/ui/app-update.svelte.ts), so that an update waits for the person.
      serviceWorker: { register: false },
      // Tabs learn of a new version from the service worker, so Kit need not poll.
      version: { pollInterval: 0 },
      csp: {
        mode: 'hash',
        directives: {
          'default-src': ['self'],
          // WebAssembly engines; blob: for the workers that they make of their own code.
          'script-src': ['self', 'wasm-unsafe-eval', 'blob:'],
          'worker-src': ['self', 'blob:'],
          'style-src': ['self', 'unsafe-inline'],
          // An image in an answer must not tell a third party that the answer was read.
          'img-src': ['self', 'data:', 'blob:'],
          // Relays are WebSocket addresses that only bootstrap.json knows.
          'connect-src': ['self', 'ws:', 'wss:', 'blob:', 'data:'],
          'object-src': ['none'],
          'base-uri': ['self'],
          'form-action': ['self']
        }
      }
    })
  ],
  build: { target: 'esnext' },
  server: { headers },
  preview: { headers }
})
