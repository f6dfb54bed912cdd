import { ShardError } from '../errors.ts'
import type { AbortOptions, PeerId, Stream } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

/**
 * Opens a stream of a Shard protocol, dialling the peer if need be. Relayed connections are allowed: chat and drafts are
 * small, and end-to-end encrypted.
 *
 * @throws ShardError DISCONNECTED where the peer cannot be reached or does not speak the protocol, or the signal's reason
 */
export async function openStream(
  connections: Pick<ConnectionManager, 'openStream'>,
  peer: PeerId,
  protocol: string,
  options: AbortOptions = {}
): Promise<Stream> {
  try {
    return await connections.openStream(peer, protocol, { ...options, runOnLimitedConnection: true })
  } catch (cause) {
    options.signal?.throwIfAborted()
    throw new ShardError('DISCONNECTED', `The peer ${peer.toString()} cannot be reached for ${protocol}.`, { cause })
  }
}
