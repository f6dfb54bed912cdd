import { ShardError } from '../errors.ts'
import { SEED_LIMIT } from './constants.ts'

const MULTIPLIER_0 = 0xd2511f53
const MULTIPLIER_1 = 0xcd9e8d57
const WEYL_0 = 0x9e3779b9
const WEYL_1 = 0xbb67ae85
const ROUNDS = 10

/**
 * Philox4x32-10: four random 32-bit words as a pure function of a counter (four words) and a key (two words).
 * Words are unsigned.
 *
 * @see Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11, and its library Random123
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number]
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key

  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0)
    const high1 = multiplyHigh(MULTIPLIER_1, c2)
    const low0 = Math.imul(MULTIPLIER_0, c0)
    const low1 = Math.imul(MULTIPLIER_1, c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1 >>> 0
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0 >>> 0
    k0 = (k0 + WEYL_0) >>> 0
    k1 = (k1 + WEYL_1) >>> 0
  }

  return [c0, c1, c2, c3]
}

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit words. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16
  const aLow = a & 0xffff
  const bHigh = b >>> 16
  const bLow = b & 0xffff
  // Each sum is below 2^33, so doubles hold it exactly; `& 0xffff` works modulo 2^32, which keeps the low bits.
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const cross = aLow * bHigh + (middle & 0xffff)
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)
}

/**
 * The random number of a position: in [0, 1), a multiple of 2^-53, and a pure function of its arguments. It is what
 * makes a generation the same with and without Scouts, after a move to another Shard, and in an audit.
 *
 * Normative: (w0, w1, w2, w3) = Philox4x32-10 with the counter (position, 0, 0, 0) and the key
 * (seed mod 2^32, floor(seed / 2^32)); the number is (floor(w0 / 2^5) * 2^26 + floor(w1 / 2^6)) / 2^53.
 *
 * @param seed - an integer in [0, 2^53)
 * @param position - index of the token in the generation, 0 for the first one after the prompt; below 2^32
 * @throws ShardError INTERNAL for arguments outside these ranges
 */
export function uniform(seed: number, position: number): number {
  if (position >>> 0 !== position) {
    throw new ShardError('INTERNAL', `The position must be an integer in [0, 2^32), not ${position}.`)
  }

  if (!Number.isInteger(seed) || seed < 0 || seed >= SEED_LIMIT) {
    throw new ShardError('INTERNAL', `The seed must be an integer in [0, 2^53), not ${seed}.`)
  }

  const [w0, w1] = philox4x32([position, 0, 0, 0], [seed >>> 0, Math.floor(seed / 0x100000000)])
  return ((w0 >>> 5) * 0x4000000 + (w1 >>> 6)) / SEED_LIMIT
}
