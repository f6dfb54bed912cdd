import { getSwarm, type TabSwarm } from '#lib/swarm/index.ts'
import { defaultModel } from './default-model.ts'
import type { AnswerPath } from '@shard/protocol/consume'
import type { KnownShard } from '@shard/protocol/announce'

/** A Shard as the page shows it. */
export interface ShardRow {
  peer: string
  models: { cid: string; name: string }[]
  /** Unknown where the Shard has not announced itself yet. */
  load?: { slots: number; active: number; queued: number; scoutsWanted: number }
  /** Tokens/s without drafts, as the Shard says; 0 where unknown. */
  speed: number
  /** How this tab is connected to it, if it is. */
  path?: AnswerPath
}

/** Longest time between two looks, in ms: a Shard that is forgotten goes without a word. */
const LOOK_EVERY = 4_000

/** The Shards that this tab knows of, kept fresh while something watches. */
class Shards {
  rows = $state.raw<ShardRow[]>([])
  /** True once the tab's peer runs. */
  started = $state(false)
  #watchers = 0
  #stop: AbortController | undefined

  /** Starts the tab's peer if need be; the result ends the watching. */
  watch(): () => void {
    this.#watchers++
    if (this.#watchers === 1) {
      this.#stop = new AbortController()
      // What went wrong is in swarmStatus, which every page shows.
      this.#follow(this.#stop.signal).catch(() => undefined)
    }
    return () => {
      this.#watchers--
      if (this.#watchers === 0) this.#stop?.abort()
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const swarm = await getSwarm()
    this.started = true
    // The DHT may know Shards whose next announcement is seconds away.
    void defaultModel()
      .then(({ cid }) => swarm.directory.discover(cid, { signal }))
      .catch(() => undefined)
    while (!signal.aborted) {
      this.rows = swarm.directory
        .shards()
        .map((shard) => toRow(shard, swarm))
        .sort((a, b) => (a.peer < b.peer ? -1 : 1))
      await swarm.directory.changed({ signal, timeout: LOOK_EVERY })
    }
  }
}

export const shards = new Shards()

function toRow(shard: KnownShard, { libp2p }: TabSwarm): ShardRow {
  const { peer, models, slots, active, queued, scoutsWanted, speed, heard } = shard
  const open = libp2p.getConnections(peer).filter(({ status }) => status === 'open')
  const path = open.some(({ limits }) => limits == null) ? 'direct' : 'relayed'
  return {
    peer: peer.toString(),
    models: models.map(({ manifest, name }) => ({ cid: manifest.toString(), name })),
    load: heard == null ? undefined : { slots, active, queued, scoutsWanted },
    speed,
    path: open.length > 0 ? path : undefined
  }
}
