import { lpStream } from '@libp2p/utils'
import { decode as decodeVarint } from 'uint8-varint'
import { FAULT_CODES, faultCode, isShardError, ShardError } from '../errors.ts'
import type { Fault } from '../pb/fault.ts'
import type { AbortOptions, Stream } from '@libp2p/interface'
import type { LengthPrefixedStream } from '@libp2p/utils'
import type { DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

/** A protons message type whose payload may be a {@link Fault}. */
export interface Codec<T> {
  encode(message: Partial<T>): Uint8Array
  decode(bytes: Uint8Array | Uint8ArrayList, options?: DecodeOptions<T>): T
}

interface MayFault {
  fault?: Fault
}

export interface ChannelInit<In extends MayFault, Out extends MayFault> {
  reads: Codec<In>
  writes: Codec<Out>
  /** Bytes of one incoming message. */
  maxBytes: number
  /** Ms that the other side may be silent, and may refuse to read. */
  silence: number
  writeTimeout: number
  /** Most elements of the repeated fields of an incoming message. */
  limits?: DecodeOptions<In>['limits']
}

/** How long a peer gets to take a fault, and then to read it, before the stream is reset under it, in ms. */
const FAULT_GRACE = 1_000

/** Sentences of faults end up on screens; more than this is not a sentence. UTF-16 units. */
const MAX_FAULT_MESSAGE = 512

/**
 * Typed, length-prefixed messages in both directions over one libp2p stream, with the rules that every Shard protocol
 * has in common: a size limit for each message, a time limit for each wait, and a {@link ShardError} of the same code
 * on both sides when something is wrong. All methods reject with ShardErrors, or with the signal's own reason.
 */
export class Channel<In extends MayFault, Out extends MayFault> {
  readonly #lp: LengthPrefixedStream<Stream>
  readonly #stream: Stream
  readonly #init: ChannelInit<In, Out>
  readonly #closed = new AbortController()

  constructor(stream: Stream, init: ChannelInit<In, Out>) {
    this.#stream = stream
    this.#init = init
    this.#lp = lpStream(stream, { maxDataLength: init.maxBytes, lengthDecoder: decodeLength })
    stream.addEventListener('close', () => this.#closed.abort(), { once: true })
  }

  /** Aborted when the stream is closed for good, by whichever side. */
  get closed(): AbortSignal {
    return this.#closed.signal
  }

  /**
   * The next message, or undefined where the other side ended the stream. A fault from the other side is thrown.
   * A message that is too large, malformed or late is answered with a fault, and thrown here.
   */
  async read(options: AbortOptions & { timeout?: number } = {}): Promise<In | undefined> {
    const timeout = AbortSignal.timeout(options.timeout ?? this.#init.silence)
    const signal = options.signal == null ? timeout : AbortSignal.any([options.signal, timeout])
    let bytes: Uint8ArrayList
    try {
      bytes = await this.#lp.read({ signal })
    } catch (error) {
      options.signal?.throwIfAborted()
      if (timeout.aborted) {
        throw await this.fail(new ShardError('TIMEOUT', 'The other peer was silent for too long.'))
      }
      return await this.#unreadable(error)
    }
    const message = await this.#decode(bytes)
    if (message.fault != null) {
      void this.close()
      throw new ShardError(faultCode(message.fault.code), message.fault.message.slice(0, MAX_FAULT_MESSAGE), {
        remote: true
      })
    }
    return message
  }

  /** Sends one message; resolves when it is handed to the transport, which may be as late as `writeTimeout`. */
  async write(message: Partial<Out>, options: AbortOptions = {}): Promise<void> {
    const timeout = AbortSignal.timeout(this.#init.writeTimeout)
    const signal = options.signal == null ? timeout : AbortSignal.any([options.signal, timeout])
    try {
      await this.#lp.write(this.#init.writes.encode(message), { signal })
    } catch (error) {
      options.signal?.throwIfAborted()
      const failure = timeout.aborted
        ? new ShardError('TIMEOUT', 'The other peer does not read what is sent to it.')
        : disconnected(error)
      this.abort(failure)
      throw failure
    }
  }

  /** Sends without waiting; a peer that does not keep up loses the stream, nobody else anything. */
  post(message: Partial<Out>): void {
    this.write(message).catch(() => {
      // write() has ended the stream, and whoever reads from it learns that
    })
  }

  /** Tells the other side why the stream ends, ends it, and returns the error to throw. Never rejects. */
  async fail(error: ShardError): Promise<ShardError> {
    if (this.#stream.status === 'open') {
      const signal = AbortSignal.timeout(FAULT_GRACE)
      try {
        const fault = { code: FAULT_CODES[error.code], message: error.message.slice(0, MAX_FAULT_MESSAGE) }
        // a Partial<Out> in all but name: every Out of this class has a fault
        await this.write({ fault } as Partial<Out>, { signal })
        await this.#stream.close({ signal })
        setTimeout(() => this.abort(error), FAULT_GRACE)
      } catch {
        // it is gone already, or does not listen: a reset is all that is left to say
        this.abort(error)
      }
    }
    return error
  }

  /** Ends this side's half in order; everything written before arrives. Never rejects. */
  async close(): Promise<void> {
    try {
      await this.#stream.close({ signal: AbortSignal.timeout(this.#init.writeTimeout) })
    } catch (error) {
      this.abort(disconnected(error))
    }
  }

  /** Ends both halves at once. */
  abort(error: Error): void {
    this.#stream.abort(error)
  }

  async #decode(bytes: Uint8ArrayList): Promise<In> {
    try {
      return this.#init.reads.decode(bytes, { limits: this.#init.limits })
    } catch (error) {
      const tooMany = error instanceof Error && error.name === 'MaxLengthError'
      const code = tooMany ? 'OVERSIZED' : 'MALFORMED'
      const reason = tooMany ? 'A list in a message has too many elements.' : 'That is not a message of this protocol.'
      throw await this.fail(new ShardError(code, reason, { cause: error }))
    }
  }

  /** What became of the stream when no whole message could be read from it. */
  async #unreadable(error: unknown): Promise<undefined> {
    const name = error instanceof Error ? error.name : ''
    if (name === 'UnexpectedEOFError') {
      return undefined
    }
    if (isShardError(error, 'MALFORMED')) {
      throw await this.fail(error)
    }
    if (OVERSIZE_ERRORS.has(name)) {
      const limit = `A message is larger than the ${this.#init.maxBytes} bytes that this protocol allows.`
      throw await this.fail(new ShardError('OVERSIZED', limit, { cause: error }))
    }
    throw disconnected(error)
  }
}

/** How @libp2p/utils' lpStream says that a message, its length or what waits to be read is too long. */
const OVERSIZE_ERRORS = new Set(['InvalidDataLengthError', 'InvalidDataLengthLengthError', 'StreamBufferError'])

/** Bytes of the longest length that a varint of a safe integer takes. */
const MAX_LENGTH_BYTES = 8

/**
 * lpStream takes a RangeError for "not all bytes of the length are there yet", and would read a length without end byte by
 * byte for as long as a hostile peer sends one.
 */
function decodeLength(bytes: Uint8ArrayList | Uint8Array): number {
  if (bytes.byteLength > MAX_LENGTH_BYTES) {
    throw new ShardError('MALFORMED', 'A message has no valid length.')
  }
  return decodeVarint(bytes)
}

function disconnected(error: unknown): ShardError {
  return isShardError(error)
    ? error
    : new ShardError('DISCONNECTED', 'The connection to the other peer was lost.', { cause: error })
}
