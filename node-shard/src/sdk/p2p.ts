import { Consumer } from '@shard/protocol/consume'
import { parseRelay } from '@shard/protocol/swarm'
import { offeredModels } from '../shard/offered-models.ts'
import { resolveModel } from '../shim/models-route.ts'
import { parseWork, toMessages } from '../shim/work.ts'
import { startPeer } from '../swarm/index.ts'
import { GenerateError, type Transport } from './types.ts'
import type { OfferedModel } from '../shim/types.ts'

/** Ms to wait for a relay, and then for the model to be announced. */
const PATIENCE = 30_000

/** Enters the swarm as a peer of its own. */
export async function joinSwarm(model: string, relays: string[], signal?: AbortSignal): Promise<Transport> {
  if (relays.length === 0) {
    throw new GenerateError('There is no way into the swarm: give the addresses of relays in `relays`.', {
      status: 400,
      code: 'no_relay'
    })
  }
  const peer = await startPeer(relays.map(parseRelay))
  try {
    await peer.relays.connected({ timeout: PATIENCE, signal })
    const { announce, generate } = peer.libp2p.services
    const end = AbortSignal.timeout(PATIENCE)
    while (!isOffered(offeredModels(announce), model)) {
      signal?.throwIfAborted()
      if (end.aborted) {
        // says what there is to do
        resolveModel(offeredModels(announce), model)
        break
      }
      await announce.changed({ signal: signal == null ? end : AbortSignal.any([signal, end]), timeout: PATIENCE })
    }
    const consumer = new Consumer({
      generate,
      directory: announce,
      connections: (id) => peer.libp2p.getConnections(id)
    })
    return consumerTransport(
      consumer,
      () => offeredModels(announce),
      async () => peer.stop()
    )
  } catch (error) {
    await peer.stop()
    throw error
  }
}

/** Over a node that is there already. */
export function consumerTransport(
  consumer: Pick<Consumer, 'ask'>,
  models: () => OfferedModel[],
  close: () => Promise<void>
): Transport {
  return {
    send: async function* (work, signal) {
      const { model, question } = parseWork(work)
      const { cid } = resolveModel(models(), model)
      const leave = new AbortController()
      try {
        yield* toMessages(
          consumer.ask({ ...question, model: cid }, { signal: AbortSignal.any([signal, leave.signal]) })
        )
      } finally {
        leave.abort()
      }
    },
    close
  }
}

function isOffered(models: OfferedModel[], wanted: string): boolean {
  return models.some(({ name, cid }) => name === wanted || cid.toString() === wanted)
}
