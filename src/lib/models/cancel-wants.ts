import { lpStream } from '@libp2p/utils'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

const BITSWAP = '/ipfs/bitswap/1.2.0'

/** Ms for the message: who does not take it by then is gone. */
const CANCEL_TIMEOUT = 2_000

/** Messages that are on their way. */
const underWay = new Set<Promise<void>>()

/** Resolves when what was cancelled until now is: a new request must not overtake the end of an old one. */
export async function wantsCancelled(): Promise<void> {
  await Promise.all(underWay)
}

/**
 * Takes wants back at a bitswap peer. `@helia/bitswap` forgets its aborted wants without a word to the other side,
 * which then takes a second request for the same block as the first one and, for some time, ignores it.
 *
 * A peer that cannot be told has forgotten, or will.
 */
export function cancelWants(libp2p: Libp2p, peer: PeerId, cids: Iterable<CID>): void {
  const sending = sendCancels(libp2p, peer, cids).finally(() => underWay.delete(sending))
  underWay.add(sending)
}

/** Never rejects. */
async function sendCancels(libp2p: Libp2p, peer: PeerId, cids: Iterable<CID>): Promise<void> {
  const entries = [...cids].map((cid) => field(1, [...field(1, cid.bytes), ...varint(3 << 3), 1]))
  if (entries.length === 0 || libp2p.getConnections(peer).length === 0) return
  const signal = AbortSignal.timeout(CANCEL_TIMEOUT)
  try {
    const stream = await libp2p.dialProtocol(peer, BITSWAP, { signal })
    await lpStream(stream).write(Uint8Array.from(field(1, entries.flat())), { signal })
    await stream.close({ signal })
  } catch {
    // said above
  }
}

/**
 * A length-delimited protobuf field. The message is `{ wantlist (1): { entries (1): [{ block (1), cancel (3) }] } }` of
 * https://specs.ipfs.tech/bitswap-protocol/, too small to bring a schema compiler into the app.
 */
function field(number: number, bytes: Iterable<number>): number[] {
  const content = [...bytes]
  return [...varint((number << 3) | 2), ...varint(content.length), ...content]
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}
