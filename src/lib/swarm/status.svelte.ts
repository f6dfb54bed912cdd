/** How this tab stands with the swarm, for people. */
class SwarmStatus {
  /**
   * `idle`: not started, because nothing needed the swarm yet. `connecting`: looking for a relay. `connected`: at least
   * one relay. `offline`: none, and it was tried; `reason` says why and what to do.
   */
  state = $state<'idle' | 'connecting' | 'connected' | 'offline'>('idle')
  reason = $state<string>()
  /** Relays that are connected. */
  relays = $state(0)
  /** Shards that this tab knows of. */
  shards = $state(0)
}

/** The one status of this tab's one node. */
export const swarmStatus = new SwarmStatus()
