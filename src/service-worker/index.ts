import { immutable, assets } from '$app/manifest'
import { version } from '$app/env'
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'
import { NetworkFirst } from 'workbox-strategies'

declare const self: ServiceWorkerGlobalScope

const scope = new URL(self.registration.scope).pathname
const inScope = (path: string): string => scope + path.replace(/^\//, '')

/** What must come fresh: the relays of this deployment, and whatever the Shard's HTTP API says. */
const LIVE = new Set(['bootstrap.json'])

// The shell. Kit's hashed files need no revision; the rest belongs to this build.
precacheAndRoute(
  [
    ...immutable.map(({ path }) => ({ url: inScope(path), revision: null })),
    ...assets
      .filter(({ path }) => !LIVE.has(path.replace(/^\//, '')))
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

// The last known relays are better than none when the server is away.
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname === inScope('bootstrap.json'),
  new NetworkFirst({ cacheName: 'shard-bootstrap', networkTimeoutSeconds: 4 })
)

// A new version waits until the person agrees: lib/ui/app-update.svelte.ts sends this.
self.addEventListener('message', (event: ExtendableMessageEvent) => {
  const data: unknown = event.data
  if (typeof data === 'object' && data != null && 'type' in data && data.type === 'SKIP_WAITING') void self.skipWaiting()
})

// On the first visit there is no older version to disturb: take the page, so that it opens offline from now on.
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
