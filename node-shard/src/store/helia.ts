import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight, type HeliaWithLibp2p } from '@helia/libp2p'
import { createHeliaLight } from 'helia'
import { BITSWAP_MESSAGE_TIMEOUT, BLOCK_SENDERS, MAX_WANTED_BLOCKS } from './constants.ts'
import { LimitedBlockstore } from './limited-blockstore.ts'
import type { Libp2p, ServiceMap } from '@libp2p/interface'
import type { Blockstore } from 'interface-blockstore'
import type { Datastore } from 'interface-datastore'
import type { Libp2pOptions } from 'libp2p'

const BITSWAP = {
  messageSendTimeout: BITSWAP_MESSAGE_TIMEOUT,
  messageReceiveTimeout: BITSWAP_MESSAGE_TIMEOUT,
  // @helia/bitswap 4 documents maxWantlistSize and reads maxWantListSize
  maxWantlistSize: MAX_WANTED_BLOCKS,
  maxWantListSize: MAX_WANTED_BLOCKS,
  sendBlocksConcurrency: BLOCK_SENDERS
}

/** One libp2p node, and Helia on it. */
export interface HeliaNode<Services extends ServiceMap> {
  helia: HeliaWithLibp2p<Services>
  libp2p: Libp2p<Services>
  /** Stops Helia and libp2p; the store stays open. */
  stop: () => Promise<void>
}

/**
 * Starts a libp2p node with the given options and serves the store's blocks over bitswap on it. Nothing is added to the
 * options but the store's datastore and Helia's name: no bootstrap peers, delegated routers or gateways, so that only
 * the swarm's own peers are dialled. Helia looks for providers through the node's own DHT.
 *
 * @param limits - `uploadLimit`: bytes/s of blocks that all peers together are given
 * @throws what `createLibp2p` throws, e.g. where no address can be listened on
 */
export async function startHelia<Services extends ServiceMap>(
  options: Libp2pOptions<Services>,
  store: { blockstore: Blockstore; datastore: Datastore },
  { uploadLimit }: { uploadLimit?: number } = {}
): Promise<HeliaNode<Services>> {
  const blockstore = uploadLimit == null ? store.blockstore : new LimitedBlockstore(store.blockstore, uploadLimit)
  const light = createHeliaLight({ blockstore, datastore: store.datastore })
  const helia = withBitswap<Services>(withLibp2pLight(light, { ...options }), BITSWAP)
  try {
    await helia.start()
  } catch (error) {
    // ends what had started before, say, a port was found taken
    await helia.stop()
    throw error
  }
  return {
    helia,
    libp2p: helia.libp2p,
    stop: async () => {
      await helia.stop()
    }
  }
}
