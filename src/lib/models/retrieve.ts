import { CID } from 'multiformats/cid'
import { BLOCKS_AT_ONCE, FETCH_TIMING, MAX_IDLE_TRIES, STALL_AT_MOST } from './constants.ts'
import { cancelWants, wantsCancelled } from './cancel-wants.ts'
import { isQuotaError, ModelFetchError, noSpace } from './errors.ts'
import { Providers } from './providers.ts'
import type { FetchTiming } from './constants.ts'
import type { FetchSwarm } from './providers.ts'
import type { SessionBlockstore } from 'helia'

/** One try with one provider. */
export interface Try {
  /** Gets blocks from this browser's storage, else from the provider, and stores them. */
  blockstore: SessionBlockstore
  /** Blocks to ask for at a time. */
  blocksAtOnce: number
  /** Aborted when the provider stalls, or the caller gives up. */
  signal: AbortSignal
  /** To be called whenever the work goes on. */
  touch: () => void
  /** For the `onProgress` of what reads blocks: tells what is asked of the provider, and what came. */
  onProgress: (event: BlockEvent) => void
}

/** Of Helia's progress events, those that this is about have a CID. */
export interface BlockEvent {
  type: string
  detail?: unknown
}

export interface RetrieveOptions {
  signal?: AbortSignal
  /** Told how many peers can be asked, when that is known anew. */
  onProviders?: (count: number) => void
  timing?: FetchTiming
}

/**
 * Gets what `cid` names over bitswap, whatever the providers do: one provider at a time, so that no block is sent
 * twice; a watchdog, because bitswap waits forever for a peer that sends nothing or sends blocks whose hash is wrong;
 * and then the next provider. Blocks that came are stored, so a later try goes on where an earlier one stopped.
 *
 * @throws ModelFetchError NO_PROVIDER, STALLED or NO_SPACE; the signal's reason when aborted; what `work` throws if it
 * is no fault of the provider (a ModelFetchError)
 */
export async function retrieve<T>(
  swarm: FetchSwarm,
  cid: CID,
  work: (attempt: Try) => Promise<T>,
  options: RetrieveOptions = {}
): Promise<T> {
  const outer = options.signal ?? new AbortController().signal
  const timing = options.timing ?? FETCH_TIMING
  const providers = new Providers(swarm, cid, timing)
  let { stall } = timing
  let blocksAtOnce = BLOCKS_AT_ONCE
  let failure: unknown

  for (let idle = 0; idle < MAX_IDLE_TRIES; idle++) {
    outer.throwIfAborted()
    await wantsCancelled()
    let peer
    try {
      peer = await providers.next({ signal: outer })
    } catch (error) {
      outer.throwIfAborted()
      failure = error
      continue
    }
    options.onProviders?.(providers.count)

    const watchdog = new Watchdog(stall, outer)
    const wanted = new Map<string, CID>()
    const onProgress = ({ type, detail }: BlockEvent): void => {
      const block = CID.asCID(detail)
      if (block == null) return
      if (type === 'blocks:get:providers:get') wanted.set(block.toString(), block)
      if (type === 'blocks:get:blockstore:put') {
        wanted.delete(block.toString())
        watchdog.touch(true)
      }
    }
    const blockstore = swarm.helia.blockstore.createSession(cid, { providers: [peer.toCID()], maxProviders: 1 })
    try {
      return await work({ blockstore, blocksAtOnce, signal: watchdog.signal, touch: () => watchdog.touch(), onProgress })
    } catch (error) {
      outer.throwIfAborted()
      if (error instanceof ModelFetchError) throw error
      if (isQuotaError(error)) throw noSpace(error)
      failure = error
      providers.failed(peer)
      if (watchdog.arrived) idle = -1
      // A slow line looks like a stall too: ask for less and wait longer.
      stall = Math.min(STALL_AT_MOST, stall * 2)
      blocksAtOnce = Math.max(1, blocksAtOnce >> 1)
    } finally {
      watchdog.stop()
      blockstore.close()
      cancelWants(swarm.libp2p, peer, wanted.values())
    }
  }
  if (failure instanceof ModelFetchError) throw failure
  const remedy = 'Try again later, or check that the Shard that has it is reachable.'
  throw new ModelFetchError('STALLED', `The download stopped and could not be resumed. ${remedy}`, { cause: failure })
}

/** Aborts when nothing has happened for a while. */
class Watchdog {
  readonly #ms: number
  readonly #stalled = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly signal: AbortSignal
  /** True once the provider sent something. */
  arrived = false

  constructor(ms: number, outer: AbortSignal) {
    this.#ms = ms
    this.signal = AbortSignal.any([outer, this.#stalled.signal])
    this.#wind()
  }

  touch(arrived = false): void {
    this.arrived ||= arrived
    this.#wind()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #wind(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#stalled.abort(new Error(`nothing arrived for ${this.#ms} ms`)), this.#ms)
  }
}
