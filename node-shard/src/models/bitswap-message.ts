import { reader, writer } from 'protons-runtime'
import { CID } from 'multiformats/cid'

/** The parts of a bitswap 1.2.0 message that a peer that only asks has to read. */
export interface BitswapAnswer {
  /** The bytes of blocks, in order; their hashes say which ones they are. */
  blocks: Uint8Array[]
  /** What the peer says it does not have. */
  missing: CID[]
}

const VARINT = 0
const BYTES = 2
const DO_NOT_HAVE = 1

/**
 * A message that asks for blocks and takes earlier wishes back, as https://specs.ipfs.tech/bitswap-protocol/ has it:
 * `{ wantlist (1): { entries (1): [{ block (1), priority (2), cancel (3), sendDontHave (5) }] } }`.
 */
export function encodeWants(wanted: Iterable<CID>, cancelled: Iterable<CID>): Uint8Array {
  const entries = [
    ...[...wanted].map((cid) => entry(cid, (w) => w.uint32(tag(2, VARINT)).int32(1).uint32(tag(5, VARINT)).bool(true))),
    ...[...cancelled].map((cid) => entry(cid, (w) => w.uint32(tag(3, VARINT)).bool(true)))
  ]
  const list = writer()
  for (const bytes of entries) {
    list.uint32(tag(1, BYTES)).bytes(bytes)
  }
  return writer().uint32(tag(1, BYTES)).bytes(list.finish()).finish()
}

/** @throws Error where the bytes are no such message */
export function decodeAnswer(bytes: Uint8Array): BitswapAnswer {
  const answer: BitswapAnswer = { blocks: [], missing: [] }
  for (const { field, value } of fields(bytes)) {
    // 2 is the block of bitswap 1.0, 3 the one with its CID's prefix
    if (field === 2 && value != null) {
      answer.blocks.push(value)
    } else if (field === 3 && value != null) {
      for (const part of fields(value)) {
        if (part.field === 2 && part.value != null) {
          answer.blocks.push(part.value)
        }
      }
    } else if (field === 4 && value != null) {
      const missing = readPresence(value)
      if (missing != null) {
        answer.missing.push(missing)
      }
    }
  }
  return answer
}

function readPresence(bytes: Uint8Array): CID | undefined {
  let cid: CID | undefined
  let type = 0
  for (const { field, value, number } of fields(bytes)) {
    if (field === 1 && value != null) {
      cid = CID.decode(value)
    } else if (field === 2) {
      type = number
    }
  }
  return type === DO_NOT_HAVE ? cid : undefined
}

function* fields(bytes: Uint8Array): Generator<{ field: number; value?: Uint8Array; number: number }> {
  const input = reader(bytes)
  while (input.pos < input.len) {
    const head = input.uint32()
    const field = head >>> 3
    const type = head & 7
    if (type === BYTES) {
      yield { field, value: input.bytes(), number: 0 }
    } else if (type === VARINT) {
      yield { field, number: input.uint32() }
    } else {
      input.skipType(type)
    }
  }
}

function entry(cid: CID, rest: (output: ReturnType<typeof writer>) => unknown): Uint8Array {
  const output = writer()
  output.uint32(tag(1, BYTES)).bytes(cid.bytes)
  rest(output)
  return output.finish()
}

function tag(field: number, type: number): number {
  return (field << 3) | type
}
