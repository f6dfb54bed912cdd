import { swarmStatus } from './status.svelte.ts'
import type { TabSwarm } from './tab-swarm.ts'

export { swarmStatus } from './status.svelte.ts'
export type { TabSwarm } from './tab-swarm.ts'

let starting: Promise<TabSwarm> | undefined

/**
 * This tab's node, started by the first call: its code is a third of a megabyte that a page without a question does
 * not need. It does not wait for a connection; `swarmStatus` tells of those.
 *
 * @throws Error where the node cannot start, e.g. its code could not be loaded; the next call tries again
 */
export function getSwarm(): Promise<TabSwarm> {
  starting ??= start()
  return starting
}

async function start(): Promise<TabSwarm> {
  swarmStatus.state = 'connecting'
  try {
    const { startTabSwarm } = await import('./tab-swarm.ts')
    const swarm = await startTabSwarm()
    return {
      ...swarm,
      stop: async () => {
        starting = undefined
        await swarm.stop()
      }
    }
  } catch (error) {
    starting = undefined
    swarmStatus.state = 'offline'
    swarmStatus.reason = `The peer-to-peer part could not be started (${String(error)}). Reload the page.`
    throw error
  }
}
