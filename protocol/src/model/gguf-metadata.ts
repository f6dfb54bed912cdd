import { ShardError } from '../errors.ts'
import { GGUF_LIMITS } from './constants.ts'

const MAGIC = 0x46554747 // "GGUF", little-endian
const STRING = 8
const ARRAY = 9
/** Bytes of each fixed-size value type of GGUF, by its number; 8 and 9 are strings and arrays. */
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8]
const UINT32 = 4
const INT32 = 5

/** The metadata goes on beyond the bytes that were read. */
export class NeedsMore extends Error {}

/** Walks the metadata once, keeps the tokenizer's values and steps over all others without building them. */
export class GgufMetadata {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  private offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /**
   * The values of the wanted keys: strings, 32-bit integers (as unsigned ones), and lists of either. Others are left out.
   *
   * @throws NeedsMore if the bytes end before the metadata does
   * @throws ShardError MALFORMED or OVERSIZED
   */
  read(wanted: ReadonlySet<string>): Map<string, unknown> {
    if (this.uint32() !== MAGIC) {
      throw new ShardError('MALFORMED', 'The file does not begin with "GGUF"; it is not a GGUF file.')
    }

    const version = this.uint32()

    if (version !== 2 && version !== 3) {
      throw new ShardError('MALFORMED', `The GGUF file has version ${version}; convert it to version 3, little-endian.`)
    }

    this.take(8) // the number of tensors
    const keys = this.count('number of metadata keys', GGUF_LIMITS.maxKeys)
    const found = new Map<string, unknown>()

    for (let i = 0; i < keys; i++) {
      const key = this.string('metadata key', GGUF_LIMITS.maxKeyBytes)
      const type = this.uint32()

      if (wanted.has(key)) {
        found.set(key, this.value(key, type))
      } else {
        this.skip(type, 0)
      }
    }

    return found
  }

  /** The value, or undefined where it is of another kind than `read` gives. */
  private value(key: string, type: number): unknown {
    if (type === STRING) {
      return this.string(key, GGUF_LIMITS.maxTokenBytes)
    }

    if (type === UINT32 || type === INT32) {
      return this.uint32()
    }

    const start = this.offset

    if (type === ARRAY) {
      const items = this.uint32()

      if (items === STRING) {
        const limit = key === 'tokenizer.ggml.merges' ? GGUF_LIMITS.maxMerges : GGUF_LIMITS.maxTokens
        return this.list(this.count(`length of ${key}`, limit), () => this.string(key, GGUF_LIMITS.maxTokenBytes))
      }

      if (items === UINT32 || items === INT32) {
        return this.list(this.count(`length of ${key}`, GGUF_LIMITS.maxTokens), () => this.uint32())
      }
    }

    this.offset = start
    this.skip(type, 0)
    return undefined
  }

  /** Grows with what is really there, so a length that lies allocates nothing. */
  private list<T>(length: number, read: () => T): T[] {
    const items: T[] = []

    while (items.length < length) {
      items.push(read())
    }

    return items
  }

  private skip(type: number, depth: number): void {
    if (type === STRING) {
      this.take(this.uint64())
      return
    }

    if (type !== ARRAY) {
      this.take(this.sizeOf(type))
      return
    }

    if (depth >= GGUF_LIMITS.maxArrayDepth) {
      throw new ShardError('OVERSIZED', `The GGUF file nests arrays deeper than ${GGUF_LIMITS.maxArrayDepth}.`)
    }

    const items = this.uint32()
    const length = this.uint64()

    if (items !== STRING && items !== ARRAY) {
      this.take(length * this.sizeOf(items))
      return
    }

    // Each step takes at least 8 bytes, so a length that lies ends at the end of the bytes.
    for (let i = 0; i < length; i++) {
      this.skip(items, depth + 1)
    }
  }

  private sizeOf(type: number): number {
    const size = SIZES[type]

    if (size == null) {
      throw new ShardError('MALFORMED', `The GGUF file's metadata has a value of the unknown type ${type}.`)
    }

    return size
  }

  private string(what: string, limit: number): string {
    const length = this.count(`length of a ${what}`, limit)
    const start = this.take(length)
    return this.decoder.decode(this.bytes.subarray(start, start + length))
  }

  private count(what: string, limit: number): number {
    const value = this.uint64()

    if (value > limit) {
      throw new ShardError('OVERSIZED', `The GGUF file's ${what} is ${value}; at most ${limit} is allowed.`)
    }

    return value
  }

  private uint32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  /** Inexact from 2^53 on, where every use of it is far past its limit. */
  private uint64(): number {
    const start = this.take(8)
    return this.view.getUint32(start, true) + this.view.getUint32(start + 4, true) * 0x100000000
  }

  /** Steps over `length` bytes and returns where they begin. */
  private take(length: number): number {
    const start = this.offset

    if (start + length > GGUF_LIMITS.maxHeaderBytes) {
      throw new ShardError('OVERSIZED', `The GGUF file's metadata is longer than ${GGUF_LIMITS.maxHeaderBytes} bytes.`)
    }

    if (start + length > this.bytes.byteLength) {
      throw new NeedsMore()
    }

    this.offset = start + length
    return start
  }
}
