import { peerIdFromString } from '@libp2p/peer-id'
import { Consumer } from '@shard/protocol/consume'
import { RelayKeeper } from '@shard/protocol/swarm'
import { loadBootstrap } from './bootstrap.ts'
import { createTabNode } from './node.ts'
import { swarmStatus } from './status.svelte.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Directory } from '@shard/protocol/announce'
import type { RelayState } from '@shard/protocol/swarm'
import type { TabNode, TabServices } from './node.ts'

/** This tab in the swarm. */
export interface TabSwarm {
  libp2p: Libp2p<TabServices>
  helia: TabNode
  consumer: Consumer
  /** The Shards that this tab knows of. */
  directory: Directory
  /** Closes all connections. `getSwarm` starts a new node afterwards. */
  stop(): Promise<void>
}

/** Longest time between two looks at the list of Shards, in ms: it shrinks in silence when a Shard is forgotten. */
const COUNT_EVERY = 5_000

/** Starts the node and begins to look for relays; does not wait for one. */
export async function startTabSwarm(): Promise<TabSwarm> {
  const helia = await createTabNode()
  const { libp2p } = helia
  const { announce: directory, generate } = libp2p.services
  const stopped = new AbortController()

  const keeper = new RelayKeeper({
    load: (options) => loadBootstrap({ fetch: (...args) => fetch(...args), storage: browserStorage }, options),
    dial: ({ addresses }, options) => libp2p.dial(addresses, options),
    isConnected: (id) => libp2p.getConnections(peerIdFromString(id)).some(({ status }) => status === 'open'),
    onChange: showRelays
  })

  const check = (): void => keeper.check()
  const hurry = (): void => keeper.hurry()
  const onVisibility = (): void => {
    if (document.visibilityState === 'visible') keeper.hurry()
  }
  const { signal } = stopped
  libp2p.addEventListener('connection:open', check)
  libp2p.addEventListener('connection:close', check)
  window.addEventListener('online', hurry, { signal })
  window.addEventListener('offline', check, { signal })
  document.addEventListener('visibilitychange', onVisibility, { signal })
  keeper.start()
  void countShards(directory, signal)

  return {
    libp2p,
    helia,
    directory,
    consumer: new Consumer({ generate, directory, connections: (peer: PeerId) => libp2p.getConnections(peer) }),
    stop: async () => {
      stopped.abort()
      keeper.stop()
      libp2p.removeEventListener('connection:open', check)
      libp2p.removeEventListener('connection:close', check)
      await helia.stop()
      Object.assign(swarmStatus, { state: 'idle', reason: undefined, relays: 0, shards: 0 })
    }
  }
}

/** Reached only when needed, since merely naming `localStorage` throws where the person forbids it. */
const browserStorage = {
  getItem: (key: string) => localStorage.getItem(key),
  setItem: (key: string, value: string) => localStorage.setItem(key, value)
}

function showRelays({ connected, problem }: RelayState): void {
  swarmStatus.relays = connected.length
  if (connected.length > 0) {
    swarmStatus.state = 'connected'
    swarmStatus.reason = undefined
  } else if (!navigator.onLine) {
    swarmStatus.state = 'offline'
    swarmStatus.reason = 'This device is offline. It connects by itself when the network is back.'
  } else {
    swarmStatus.state = problem == null ? 'connecting' : 'offline'
    swarmStatus.reason = problem
  }
}

async function countShards(directory: Directory, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    swarmStatus.shards = directory.shards().length
    await directory.changed({ signal, timeout: COUNT_EVERY })
  }
}
