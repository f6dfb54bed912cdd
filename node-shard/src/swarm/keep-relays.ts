import { peerIdFromString } from '@libp2p/peer-id'
import { RelayKeeper } from '@shard/protocol/swarm'
import type { Libp2p } from '@libp2p/interface'
import type { RelayAddresses, RelayState } from '@shard/protocol/swarm'

export interface KeptRelays {
  readonly state: RelayState
  /** Resolves when a relay is connected; rejects with a sentence after `timeout` ms, or with the signal's reason. */
  connected(options: { timeout: number; signal?: AbortSignal }): Promise<void>
  stop(): void
}

/** Connects a node to its relays and keeps it connected. */
export function keepRelays(libp2p: Libp2p, relays: RelayAddresses[]): KeptRelays {
  const changes = new EventTarget()
  const keeper = new RelayKeeper({
    load: async () => relays,
    dial: async ({ addresses }, options) => libp2p.dial(addresses, options),
    isConnected: (id) => libp2p.getConnections(peerIdFromString(id)).some(({ status }) => status === 'open'),
    onChange: () => changes.dispatchEvent(new Event('change'))
  })
  const check = (): void => keeper.check()
  libp2p.addEventListener('connection:open', check)
  libp2p.addEventListener('connection:close', check)
  keeper.start()
  return {
    get state() {
      return keeper.state
    },
    connected: async ({ timeout, signal }) => {
      const end = AbortSignal.timeout(timeout)
      while (keeper.state.connected.length === 0) {
        signal?.throwIfAborted()
        if (end.aborted) {
          const names = relays.flatMap(({ addresses }) => addresses.map(String)).join(', ')
          throw new Error(`No relay answers (${names}). Is it running, and is its address right?`)
        }
        await next(changes, signal == null ? end : AbortSignal.any([end, signal]))
      }
    },
    stop: () => {
      keeper.stop()
      libp2p.removeEventListener('connection:open', check)
      libp2p.removeEventListener('connection:close', check)
    }
  }
}

async function next(changes: EventTarget, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    changes.addEventListener('change', () => resolve(), { once: true })
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
