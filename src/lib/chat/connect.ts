import { ShardError } from '@shard/protocol/errors'
import type { ChatPeer } from './chat.svelte.ts'

/** Starts the tab's peer, if it is not yet running, and says how to ask. */
export async function connectChat (): Promise<ChatPeer> {
  throw new ShardError('NO_SHARD', 'The tab is not part of a swarm.')
}
