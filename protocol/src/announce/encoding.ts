import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import { ShardError } from '../errors.ts'
import { ANNOUNCE_LIMITS } from '../limits.ts'
import { Announcement } from '../pb/announce.ts'
import type { ShardOffer } from './index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface DecodedAnnouncement extends ShardOffer {
  addresses: Multiaddr[]
  leaving: boolean
}

/** A Shard that serves more models than fit names the first ones; the DHT has them all. */
export function encodeAnnouncement(offer: ShardOffer, addresses: Multiaddr[], leaving = false): Uint8Array {
  for (let count = Math.min(offer.models.length, ANNOUNCE_LIMITS.maxModels); ; count--) {
    const bytes = encode({ ...offer, models: offer.models.slice(0, count) }, addresses, leaving)
    if (bytes.byteLength <= ANNOUNCE_LIMITS.maxBytes || count === 0) {
      return bytes
    }
  }
}

function encode(offer: ShardOffer, addresses: Multiaddr[], leaving: boolean): Uint8Array {
  return Announcement.encode({
    models: offer.models.map(({ manifest, name }) => ({
      manifest: manifest.bytes,
      name: name.slice(0, ANNOUNCE_LIMITS.maxNameLength)
    })),
    slots: offer.slots,
    active: offer.active,
    queued: offer.queued,
    scoutsWanted: offer.scoutsWanted,
    speed: offer.speed,
    addresses: addresses.slice(0, ANNOUNCE_LIMITS.maxAddresses).map((address) => address.bytes),
    leaving
  })
}

/** @throws ShardError MALFORMED or OVERSIZED; whatever the bytes are, nothing else */
export function decodeAnnouncement(bytes: Uint8Array): DecodedAnnouncement {
  if (bytes.byteLength > ANNOUNCE_LIMITS.maxBytes) {
    throw new ShardError('OVERSIZED', `An announcement has at most ${ANNOUNCE_LIMITS.maxBytes} bytes.`)
  }
  try {
    const { models, addresses, ...load } = Announcement.decode(bytes, {
      limits: { models: ANNOUNCE_LIMITS.maxModels, addresses: ANNOUNCE_LIMITS.maxAddresses }
    })
    return {
      ...load,
      speed: Number.isFinite(load.speed) ? Math.max(0, load.speed) : 0,
      models: models.map(({ manifest, name }) => ({
        manifest: CID.decode(manifest),
        name: name.slice(0, ANNOUNCE_LIMITS.maxNameLength)
      })),
      addresses: addresses.map((address) => multiaddr(address))
    }
  } catch (cause) {
    throw new ShardError('MALFORMED', 'Not an announcement.', { cause })
  }
}
