import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { ShardError } from '../errors.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** One relay, under all addresses that are known of it. */
export interface RelayAddresses {
  /** Its PeerId, as text. */
  id: string
  addresses: Multiaddr[]
}

/** @throws ShardError INVALID_REQUEST if it is no multiaddr that ends in a PeerId */
export function parseRelay(address: string): RelayAddresses {
  try {
    const parsed = multiaddr(address)
    const id = parsed.getComponents().findLast(({ name }) => name === 'p2p')?.value
    if (id != null) {
      return { id: peerIdFromString(id).toString(), addresses: [parsed] }
    }
  } catch {
    // said below
  }
  throw new ShardError('INVALID_REQUEST', `"${address}" is not the address of a relay; one ends in /p2p/<its PeerId>.`)
}

/** One entry for each relay, in the order of its first address. */
export function groupRelays(relays: readonly RelayAddresses[]): RelayAddresses[] {
  const byId = new Map<string, Multiaddr[]>()
  for (const { id, addresses } of relays) {
    byId.set(id, [...(byId.get(id) ?? []), ...addresses])
  }
  return [...byId].map(([id, addresses]) => ({ id, addresses }))
}
