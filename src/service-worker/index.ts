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
  ({ url, sameOrigin }) => sameOrigin && ENGINE.test(url.pathname) && url.pathname.includes('/immutable/'),
  new CacheFirst({ cacheName: 'shard-engines' })
)

// A new version waits until the person agrees: lib/ui/app-update.svelte.ts sends this.
self.addEventListener('message', (event: ExtendableMessageEvent) => {
  const data: unknown = event.data
  if (typeof data === 'object' && data != null && 'type' in data && data.type === 'SKIP_WAITING') void self.skipWaiting()
})

// On the first visit there is no older version to disturb: take the page, so that it opens offline from now on.
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
