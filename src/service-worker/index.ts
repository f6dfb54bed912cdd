import { immutable, assets } from '$app/manifest'
import { version } from '$app/env'
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'
import { CacheFirst } from 'workbox-strategies'

declare const self: ServiceWorkerGlobalScope

const scope = new URL(self.registration.scope).pathname
const inScope = (path: string): string => scope + path.replace(/^\//, '')

/** Must come fresh: the relays of this deployment. The app itself remembers the last good list. */
const LIVE = 'bootstrap.json'
const ENGINE = /\.(wasm|gguf)$/
const ENGINE_CACHE = 'shard-engines'
const engines = new Set(immutable.filter(({ path }) => ENGINE.test(path)).map(({ path }) => inScope(path)))

// The shell. Kit's hashed files need no revision; the rest belongs to this build.
precacheAndRoute(
  [
    ...immutable.filter(({ path }) => !ENGINE.test(path)).map(({ path }) => ({ url: inScope(path), revision: null })),
    ...assets
      .filter(({ path }) => !path.endsWith(LIVE) && !ENGINE.test(path))
      .map(({ path }) => ({ url: inScope(path), revision: version })),
    { url: inScope('index.html'), revision: version }
  ],
  { cleanURLs: false, directoryIndex: null, ignoreURLParametersMatching: [] }
)
cleanupOutdatedCaches()

// Every address of the app is the same page. The copy keeps the headers that the server sent with it, so a page that
// comes from here is as isolated (COOP, COEP) as one that comes from the server.
registerRoute(
  new NavigationRoute(createHandlerBoundToURL(inScope('index.html')), {
    denylist: [new RegExp(`^${scope}v1(/|$)`), /\/[^/?]+\.[^/?]+$/]
  })
)

// Engines for drafting are large and only Scouts need them: kept once they were fetched, not before.
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && engines.has(url.pathname),
  new CacheFirst({ cacheName: ENGINE_CACHE })
)

// A new version waits until the person agrees: lib/ui/app-update.svelte.ts sends this.
self.addEventListener('message', (event: ExtendableMessageEvent) => {
  const data: unknown = event.data
  if (typeof data === 'object' && data != null && 'type' in data && data.type === 'SKIP_WAITING')
    void self.skipWaiting()
})

// On the first visit there is no older version to disturb: take the page, so that it opens offline from now on.
self.addEventListener('activate', (event) => event.waitUntil(Promise.all([self.clients.claim(), dropOldEngines()])))

/** Their names carry a hash, so the engines of older versions are never asked for again. */
async function dropOldEngines(): Promise<void> {
  const cache = await caches.open(ENGINE_CACHE)
  const old = (await cache.keys()).filter(({ url }) => !engines.has(new URL(url).pathname))
  await Promise.all(old.map((request) => cache.delete(request)))
}
