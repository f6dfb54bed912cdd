import { dev } from '$app/env'
import { resolve } from '$app/paths'
import { toasts } from './toasts.svelte.ts'

/**
 * Registers the service worker. A new version is installed beside the running one and waits: replacing code under an
 * answer would break it, so the person says when.
 */
export async function registerServiceWorker(): Promise<void> {
  if (dev || !('serviceWorker' in navigator)) return
  const controlled = navigator.serviceWorker.controller != null
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    // The first worker of a first visit takes over without a reload: nothing older is running.
    if (updating) location.reload()
  })
  const root = resolve('/(chat)').replace(/\/?$/, '/')
  const registration = await navigator.serviceWorker.register(`${root}service-worker.js`, {
    scope: root,
    updateViaCache: 'none'
  })
  if (registration.waiting != null && controlled) offer(registration)
  registration.addEventListener('updatefound', () => {
    const worker = registration.installing
    worker?.addEventListener('statechange', () => {
      if (worker.state === 'installed' && navigator.serviceWorker.controller != null) offer(registration)
    })
  })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') registration.update().catch(() => undefined)
  })
}

let updating = false

function offer(registration: ServiceWorkerRegistration): void {
  toasts.show(
    {
      key: 'update',
      text: 'A new version of Shard is ready.',
      action: {
        label: 'Update',
        run: () => {
          updating = true
          registration.waiting?.postMessage({ type: 'SKIP_WAITING' })
        }
      }
    },
    0
  )
}
