import { liveQuery } from 'dexie'
import { toasts } from './toasts.svelte.ts'

/**
 * The result of a Dexie query, kept fresh while the component lives. `query` may read runes: it makes the query to
 * run, and is called again when they change.
 */
export function live<T>(query: () => () => Promise<T>): { readonly value: T | undefined } {
  let value = $state.raw<T | undefined>()
  $effect(() => {
    const run = query()
    const subscription = liveQuery(run).subscribe({
      next: (result) => {
        value = result
      },
      error: (error: unknown) =>
        toasts.show(
          { key: 'read', text: `The chats on this device could not be read (${String(error)}). Reload the page.` },
          0
        )
    })
    return () => subscription.unsubscribe()
  })
  return {
    get value() {
      return value
    }
  }
}
