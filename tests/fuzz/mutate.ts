import type { Field, TinyGguf } from './tiny-gguf.ts'

/** Numbers that break parsers, as 64 bits. */
const INTERESTING = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  9n,
  12n,
  13n,
  31n,
  32n,
  33n,
  63n,
  64n,
  65n,
  127n,
  128n,
  255n,
  256n,
  511n,
  512n,
  4096n,
  65_535n,
  65_536n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_fffen,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1000_0000_0000n,
  0x7fff_ffff_ffff_ffe0n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffe0n,
  0xffff_ffff_ffff_ffffn
]

/** mulberry32: the same seed gives the same files. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** A copy of the file with one to four things wrong in it. */
export function mutate({ bytes, fields, dataOffset }: TinyGguf, random: (below: number) => number): Uint8Array {
  let file: Uint8Array = bytes.slice()
  for (let left = 1 + random(4); left > 0; left--) {
    const field = fields[random(fields.length)]
    const at = random(random(4) === 0 ? file.byteLength : Math.min(dataOffset, file.byteLength))
    switch (random(10)) {
      case 0:
      case 1:
      case 2:
        setField(file, pick(fields, random), INTERESTING[random(INTERESTING.length)] ?? 0n)
        break
      case 3:
        nudge(file, pick(fields, random), random)
        break
      case 4:
        if (field != null) {
          setField(file, pick(fields, random), readField(file, field))
        }
        break
      case 5:
        file[at] = (file[at] ?? 0) ^ (1 << random(8))
        break
      case 6:
        file[at] = random(256)
        break
      case 7:
        file = random(8) === 0 ? file.slice(0, at) : file
        break
      case 8:
        file = splice(file, at, random(3) === 0 ? random(64) : 0, random(2) === 0 ? random(64) : 0)
        break
      default:
        file.copyWithin(random(file.byteLength), at, at + random(64))
    }
  }
  return file
}

/** The few numbers that are no list's items come up as often as the many that are. */
function pick(fields: Field[], random: (below: number) => number): Field {
  const kinds = ['count', 'length', 'type', 'value', 'dimension', 'offset'] as const
  const kind = kinds[random(kinds.length)]
  const some = fields.filter((field) => field.kind === kind)
  const near = random(2) === 0 ? some.slice(0, 24) : some
  return near[random(near.length)] ?? { at: 0, bytes: 4, kind: 'value' }
}

function setField(file: Uint8Array, { at, bytes }: Field, value: bigint): void {
  const part = new Uint8Array(8)
  new DataView(part.buffer).setBigUint64(0, value, true)
  if (at + bytes <= file.byteLength) {
    file.set(part.subarray(0, bytes), at)
  }
}

function readField(file: Uint8Array, { at, bytes }: Field): bigint {
  const part = new Uint8Array(8)
  part.set(file.subarray(at, Math.min(file.byteLength, at + bytes)))
  return new DataView(part.buffer).getBigUint64(0, true)
}

function nudge(file: Uint8Array, field: Field, random: (below: number) => number): void {
  setField(file, field, BigInt.asUintN(64, readField(file, field) + BigInt(random(9) - 4)))
}

function splice(file: Uint8Array, at: number, remove: number, insert: number): Uint8Array {
  return new Uint8Array(Buffer.concat([file.subarray(0, at), new Uint8Array(insert), file.subarray(at + remove)]))
}
