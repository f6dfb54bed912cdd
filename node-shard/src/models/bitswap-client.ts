import { createHash } from 'node:crypto'
import { decode, encode } from 'it-length-prefixed'
import { MAX_BITSWAP_MESSAGE } from './constants.ts'
import { decodeAnswer, encodeWants } from './bitswap-message.ts'
import { GiverError } from './errors.ts'
import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

export const BITSWAP = '/ipfs/bitswap/1.2.0'

interface Want {
  cid: CID
  resolve: (block: Uint8Array) => void
  reject: (error: GiverError) => void
}

/**
 * Asks peers for blocks over bitswap, for a node that fetches. `@helia/bitswap`, with which Shards give, waits forever for
 * a peer whose block has another hash, tells nobody of wants that it aborted, and does not say who sent what: a fetch
 * that must drop such a peer within seconds needs all three.
 */
export class BitswapClient {
  readonly #libp2p: Libp2p
  readonly #sessions = new Map<string, GiverSession>()
  /** What was asked of each peer and taken back: it may come all the same, even after the session that asked. */
  readonly #late = new Map<string, Set<string>>()

  private constructor(libp2p: Libp2p) {
    this.#libp2p = libp2p
  }

  /** @throws what libp2p throws where the node answers bitswap already: a fetch has a node of its own */
  static async start(libp2p: Libp2p): Promise<BitswapClient> {
    const client = new BitswapClient(libp2p)
    await libp2p.handle(BITSWAP, client.#receive, { maxInboundStreams: 256, maxOutboundStreams: 64 })
    libp2p.addEventListener('peer:disconnect', client.#gone)
    return client
  }

  /** One for each peer; it stays until it fails or is closed. @param stall - ms, see {@link GiverSession} */
  session(peer: PeerId, stall: number): GiverSession {
    const id = peer.toString()
    const late = this.#late.get(id) ?? new Set()
    this.#late.set(id, late)
    const session = new GiverSession(this.#libp2p, peer, stall, late)
    this.#sessions.get(id)?.fail(new GiverError('GONE', 'another session took its place'))
    this.#sessions.set(id, session)
    session.ended.then(() => {
      if (this.#sessions.get(id) === session) {
        this.#sessions.delete(id)
      }
    }, ignore)
    return session
  }

  async stop(): Promise<void> {
    this.#libp2p.removeEventListener('peer:disconnect', this.#gone)
    await this.#libp2p.unhandle(BITSWAP)
    for (const session of this.#sessions.values()) {
      session.fail(new GiverError('GONE', 'the fetch is over'))
    }
  }

  readonly #gone = ({ detail }: CustomEvent<PeerId>): void => {
    this.#sessions.get(detail.toString())?.fail(new GiverError('GONE', 'the connection ended'))
  }

  readonly #receive = (stream: Stream, { remotePeer }: Connection): void => {
    const session = this.#sessions.get(remotePeer.toString())
    if (session == null) {
      stream.abort(new Error('nothing was asked of this peer'))
      return
    }
    session.receive(stream).catch((cause: unknown) => {
      stream.abort(cause instanceof Error ? cause : new Error(String(cause)))
      // a stream that breaks is no proof of anything; what was on it stalls, or the connection ends
    })
  }
}

/** What is asked of one peer. Fails as a whole: when the peer stalls, sends what nobody asked for, or is gone. */
export class GiverSession {
  readonly peer: PeerId
  /** Ms without a byte, while something is asked for. */
  readonly stall: number
  /** Resolved with the reason when this session gives no more. */
  readonly ended: Promise<GiverError>
  readonly #libp2p: Libp2p
  readonly #wants = new Map<string, Want>()
  readonly #late: Set<string>
  readonly #queue = { wanted: new Map<string, CID>(), cancelled: new Map<string, CID>() }
  readonly #end = Promise.withResolvers<GiverError>()
  #failure: GiverError | undefined
  #sending = false
  #stream: Stream | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Blocks that came and were asked for. */
  given = 0

  constructor(libp2p: Libp2p, peer: PeerId, stall: number, late: Set<string>) {
    this.#late = late
    this.#libp2p = libp2p
    this.peer = peer
    this.stall = stall
    this.ended = this.#end.promise
  }

  get failure(): GiverError | undefined {
    return this.#failure
  }

  /**
   * The block, checked against its CID (sha2-256).
   *
   * @throws GiverError; the signal's reason when aborted, and then the wish is taken back
   */
  async want(cid: CID, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted()
    if (this.#failure != null) {
      throw this.#failure
    }
    const key = keyOf(cid.multihash.digest)
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    const abort = (): void => {
      this.#forget(key, cid)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', abort, { once: true })
    if (this.#wants.size === 0) {
      this.#wind()
    }
    this.#wants.set(key, { cid, resolve, reject })
    this.#late.delete(key)
    this.#queue.cancelled.delete(key)
    this.#queue.wanted.set(key, cid)
    this.#send()
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', abort)
      if (this.#wants.size === 0) {
        clearTimeout(this.#timer)
      }
    }
  }

  fail(error: GiverError): void {
    if (this.#failure != null) {
      return
    }
    this.#failure = error
    clearTimeout(this.#timer)
    for (const [key, { cid, reject }] of [...this.#wants]) {
      this.#late.add(key)
      this.#queue.cancelled.set(key, cid)
      reject(error)
    }
    this.#wants.clear()
    this.#queue.wanted.clear()
    if (error.fault === 'STALLED') {
      // it may only be slow: it need not send what others are asked for now
      this.#send()
    }
    this.#end.resolve(error)
  }

  async receive(stream: Stream): Promise<void> {
    stream.close().catch(ignore)
    for await (const message of decode(this.#watched(stream), { maxDataLength: MAX_BITSWAP_MESSAGE })) {
      try {
        this.#read(message.subarray())
      } catch (cause) {
        this.fail(new GiverError('CORRUPT', 'it sent what is no bitswap message', { cause }))
      }
      if (this.#failure != null) {
        throw this.#failure
      }
    }
  }

  #read(bytes: Uint8Array): void {
    const { blocks, missing } = decodeAnswer(bytes)
    for (const block of blocks) {
      const key = keyOf(createHash('sha256').update(block).digest())
      const want = this.#wants.get(key)
      if (want != null) {
        this.#wants.delete(key)
        this.given++
        want.resolve(block)
      } else if (!this.#late.delete(key)) {
        this.fail(new GiverError('CORRUPT', 'it sent a block that is none of those it was asked for'))
        return
      }
    }
    for (const { multihash } of missing) {
      const key = keyOf(multihash.digest)
      const want = this.#wants.get(key)
      if (want != null) {
        this.#forget(key, want.cid)
        want.reject(new GiverError('MISSING', 'it does not have the block'))
      }
    }
  }

  #forget(key: string, cid: CID): void {
    this.#wants.delete(key)
    this.#late.add(key)
    if (!this.#queue.wanted.delete(key)) {
      this.#queue.cancelled.set(key, cid)
      this.#send()
    }
  }

  async *#watched(stream: Stream) {
    for await (const chunk of stream) {
      this.#wind()
      yield chunk
    }
  }

  #wind(): void {
    clearTimeout(this.#timer)
    if (this.#failure == null) {
      this.#timer = setTimeout(() => {
        if (this.#wants.size > 0) {
          this.fail(new GiverError('STALLED', `it sent nothing for ${this.stall} ms`))
        }
      }, this.stall)
    }
  }

  #send(): void {
    if (this.#sending) {
      return
    }
    this.#sending = true
    this.#flush()
      .catch((cause: unknown) => {
        this.fail(new GiverError('GONE', 'it takes no more requests', { cause }))
      })
      .finally(() => {
        this.#sending = false
        // what was wished for since the last look
        if (this.#failure == null && this.#queue.wanted.size + this.#queue.cancelled.size > 0) {
          this.#send()
        }
      })
  }

  async #flush(): Promise<void> {
    // wishes of one moment travel in one message
    await Promise.resolve()
    const { wanted, cancelled } = this.#queue
    const signal = AbortSignal.timeout(this.stall)
    while (wanted.size + cancelled.size > 0) {
      const message = encodeWants(wanted.values(), cancelled.values())
      wanted.clear()
      cancelled.clear()
      const stream = await this.#open(signal)
      if (!stream.send(encode.single(message))) {
        await stream.onDrain({ signal })
      }
      if (this.#failure != null) {
        await stream.close({ signal })
        return
      }
    }
  }

  /** One stream for all wishes; Shards end one that was silent for minutes. */
  async #open(signal: AbortSignal): Promise<Stream> {
    if (this.#stream?.status !== 'open' || this.#stream.writeStatus !== 'writable') {
      this.#stream = await this.#libp2p.dialProtocol(this.peer, BITSWAP, { signal })
    }
    return this.#stream
  }
}

function keyOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('base64')
}

function ignore(): void {
  // said where it is called
}
