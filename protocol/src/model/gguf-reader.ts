import { ShardError } from '../errors.ts'
import { GGUF_LIMITS } from './constants.ts'
import { NeedsMore } from './gguf-metadata.ts'
import { GGUF_TYPE, VALUE_BYTES } from './gguf-types.ts'

/** A value of a file's metadata, as far as the check needs it. */
export type GgufValue =
  | { type: number; text: string }
  | { type: number; number: number }
  /** `numbers` only of lists of numbers that are short enough to be a setting of each layer. */
  | { type: number; items: number; length: number; numbers?: number[] }

export interface GgufTensor {
  name: string
  dims: number[]
  type: number
  /** Bytes from the beginning of the data. */
  offset: number
}

export interface GgufHeader {
  metadata: Map<string, GgufValue>
  tensors: GgufTensor[]
  /** Bytes of metadata and tensor descriptions. */
  bytes: number
}

const MAGIC = 0x46554747 // "GGUF", little-endian
/** Lists of settings have an item for each layer. */
const MAX_SETTINGS = 1_024
const MAX_TEXT = 256

/** Reads the whole header of a GGUF file from its first bytes, and trusts no number in it. */
export class GgufReader {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  private readonly latin1 = new TextDecoder('latin1')
  private offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /**
   * @throws NeedsMore if the bytes end before the header does
   * @throws ShardError MALFORMED or OVERSIZED
   */
  read(): GgufHeader {
    if (this.uint32() !== MAGIC) {
      throw malformed('does not begin with "GGUF"')
    }

    const version = this.uint32()

    if (version !== 2 && version !== 3) {
      throw malformed(`has version ${version}; only 2 and 3 are known`)
    }

    const tensorCount = this.count('number of tensors', GGUF_LIMITS.maxTensors)
    const keyCount = this.count('number of metadata keys', GGUF_LIMITS.maxKeys)
    const metadata = new Map<string, GgufValue>()

    for (let i = 0; i < keyCount; i++) {
      const key = this.string('metadata key', GGUF_LIMITS.maxKeyBytes)

      if (key === '' || metadata.has(key)) {
        throw malformed('has a metadata key that is empty or there twice')
      }

      metadata.set(key, this.value(key, this.uint32()))
    }

    const tensors: GgufTensor[] = []
    const names = new Set<string>()

    for (let i = 0; i < tensorCount; i++) {
      const tensor = this.tensor()

      if (names.has(tensor.name)) {
        throw malformed('has two tensors of one name')
      }

      names.add(tensor.name)
      tensors.push(tensor)
    }

    return { metadata, tensors, bytes: this.offset }
  }

  private value(key: string, type: number): GgufValue {
    if (type === GGUF_TYPE.STRING) {
      const length = this.uint64()
      const start = this.take(length)
      return { type, text: this.decoder.decode(this.bytes.subarray(start, start + Math.min(length, MAX_TEXT))) }
    }

    if (type !== GGUF_TYPE.ARRAY) {
      return { type, number: this.number(type) }
    }

    const items = this.uint32()
    const length = this.count('length of a list', GGUF_LIMITS.maxMerges)

    if (items === GGUF_TYPE.STRING) {
      this.strings(length, key === 'tokenizer.ggml.tokens')

      return { type, items, length }
    }

    const size = VALUE_BYTES.get(items)

    // llama.cpp knows no lists of lists
    if (size == null) {
      throw malformed(`has a list of values of the unknown type ${items}`)
    }

    if (length > MAX_SETTINGS) {
      this.take(length * size)
      return { type, items, length }
    }

    return { type, items, length, numbers: Array.from({ length }, () => this.number(items)) }
  }

  /** Steps over texts. llama.cpp ends the process where two tokens are the same. */
  private strings(count: number, distinct: boolean): void {
    const seen = new Set<string>()

    for (let i = 0; i < count; i++) {
      const length = this.uint64()
      const start = this.take(length)

      if (distinct && length > 0) {
        // of bytes, which need not be UTF-8: this encoding has a character for each
        const text = this.latin1.decode(this.bytes.subarray(start, start + length))

        if (seen.has(text)) {
          throw malformed('has two tokens that are the same')
        }

        seen.add(text)
      }
    }
  }

  private number(type: number): number {
    const size = VALUE_BYTES.get(type)

    if (size == null) {
      throw malformed(`has a metadata value of the unknown type ${type}`)
    }

    const at = this.take(size)

    switch (type) {
      case GGUF_TYPE.INT8:
        return this.view.getInt8(at)
      case GGUF_TYPE.UINT16:
        return this.view.getUint16(at, true)
      case GGUF_TYPE.INT16:
        return this.view.getInt16(at, true)
      case GGUF_TYPE.UINT32:
        return this.view.getUint32(at, true)
      case GGUF_TYPE.INT32:
        return this.view.getInt32(at, true)
      case GGUF_TYPE.FLOAT32:
        return this.view.getFloat32(at, true)
      case GGUF_TYPE.FLOAT64:
        return this.view.getFloat64(at, true)
      case GGUF_TYPE.UINT64:
        return Number(this.view.getBigUint64(at, true))
      case GGUF_TYPE.INT64:
        return Number(this.view.getBigInt64(at, true))
      default:
        return this.view.getUint8(at)
    }
  }

  private tensor(): GgufTensor {
    const name = this.string('tensor name', GGUF_LIMITS.maxTensorNameBytes)
    const dimensions = this.uint32()

    if (name === '' || dimensions < 1 || dimensions > GGUF_LIMITS.maxDimensions) {
      throw malformed(`has a tensor without a name, or one of ${dimensions} dimensions`)
    }

    const dims = Array.from({ length: dimensions }, () => this.uint64())
    return { name, dims, type: this.uint32(), offset: this.uint64() }
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
      throw new ShardError('OVERSIZED', `The GGUF file's header is longer than ${GGUF_LIMITS.maxHeaderBytes} bytes.`)
    }

    if (start + length > this.bytes.byteLength) {
      throw new NeedsMore()
    }

    this.offset = start + length
    return start
  }
}

export function malformed(what: string): ShardError {
  return new ShardError('MALFORMED', `The GGUF file ${what}. Download it again, or use another one.`)
}
