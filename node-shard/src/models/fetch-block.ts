import { setTimeout as sleep } from 'node:timers/promises'
import { ModelFetchError } from './errors.ts'
import type { GiverSession } from './bitswap-client.ts'
import type { FetchTiming } from './constants.ts'
import type { Givers } from './givers.ts'
import type { CID } from 'multiformats/cid'

/**
 * One block, from whoever brings it first.
 *
 * @throws ModelFetchError NO_PROVIDER or STALLED after `timing.search` ms without anybody who has it; the signal's reason
 */
export async function fetchBlock(givers: Givers, cid: CID, timing: FetchTiming, signal: AbortSignal): Promise<Uint8Array> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const result = Promise.withResolvers<Uint8Array>()
  let asked = 0
  const ask = async (session: GiverSession): Promise<void> => {
    asked++
    try {
      result.resolve(await session.want(cid, either))
    } catch {
      // another one may have it
    } finally {
      asked--
    }
  }
  const unsubscribe = givers.subscribe((session) => void ask(session))
  try {
    return await Promise.race([result.promise, patience(givers, timing, either, () => asked > 0)])
  } finally {
    unsubscribe()
    over.abort(new Error('it is there'))
  }
}

/** Ends, with an error, when there was nobody to ask for `timing.search` ms. */
export async function patience(
  givers: Givers,
  timing: FetchTiming,
  signal: AbortSignal,
  busy: () => boolean = () => false
): Promise<never> {
  let idle = 0
  while (!signal.aborted) {
    await sleep(timing.look, undefined, { signal }).catch(() => undefined)
    idle = busy() ? 0 : idle + timing.look
    if (idle >= timing.search) {
      throw nobody(givers)
    }
  }
  throw signal.reason
}

function nobody(givers: Givers): ModelFetchError {
  return givers.met
    ? new ModelFetchError(
        'STALLED',
        'The peers that were asked send no more of the model. What came is kept: run the same command again later.'
      )
    : new ModelFetchError(
        'NO_PROVIDER',
        'No peer that has the model was found. Start one with "shard serve", or check the address of the --relay.'
      )
}
