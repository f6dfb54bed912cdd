import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create as createDigest } from 'multiformats/hashes/digest'
import { describe, expect, it } from 'vitest'
import { decodeAnswer, encodeWants } from './bitswap-message.ts'

function cidOf(block: Uint8Array): CID {
  return CID.createV1(raw.code, createDigest(0x12, createHash('sha256').update(block).digest()))
}

/** A length-delimited field of a protobuf. */
function field(number: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.of((number << 3) | 2), varint(content.byteLength), content])
}

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.of(value) : Buffer.concat([Buffer.of((value & 0x7f) | 0x80), varint(value >> 7)])
}

describe('a bitswap message', () => {
  it('asks and takes back, byte for byte as the specification has it', () => {
    const [one, two] = [cidOf(Buffer.from('one')), cidOf(Buffer.from('two'))]
    const wanted = field(1, field(1, one.bytes), Buffer.of(0x10, 1), Buffer.of(0x28, 1))
    const cancelled = field(1, field(1, two.bytes), Buffer.of(0x18, 1))
    expect(Buffer.from(encodeWants([one], [two]))).toEqual(field(1, wanted, cancelled))
  })

  it('brings blocks, and says what is missing', () => {
    const blocks = [randomBytes(5), randomBytes(200_000)]
    const [here, gone] = [cidOf(Buffer.from('here')), cidOf(Buffer.from('gone'))]
    const message = Buffer.concat([
      field(1, Buffer.of(0x10, 0)), // an empty wantlist
      ...blocks.map((block) => field(3, field(1, Buffer.of(1, 0x55, 0x12, 32)), field(2, block))),
      field(4, field(1, here.bytes), Buffer.of(0x10, 0)),
      field(4, field(1, gone.bytes), Buffer.of(0x10, 1)),
      Buffer.of(0x28, 7) // pendingBytes
    ])
    const answer = decodeAnswer(message)
    expect(answer.blocks.map((block) => Buffer.from(block))).toEqual(blocks)
    expect(answer.missing.map(String)).toEqual([gone.toString()])
  })

  it('of any other bytes is an error or a message, and nothing else', () => {
    const whole = Buffer.concat([field(3, field(2, randomBytes(50))), field(4, field(1, cidOf(Buffer.of(1)).bytes), Buffer.of(0x10, 1))])
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255)).map(([at, value]) => {
        const changed = Uint8Array.from(whole)
        changed[at] = value
        return changed
      })
    )
    const outcome = (input: Uint8Array): boolean => {
      try {
        return Array.isArray(decodeAnswer(input).blocks)
      } catch (error) {
        return error instanceof Error
      }
    }
    expect(() => {
      fc.assert(fc.property(bytes, outcome), { numRuns: 3_000 })
    }).not.toThrow()
  })
})
