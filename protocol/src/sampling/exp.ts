const LOG2_E = 1.4426950408889634
/** ln 2 in two parts; the first has 21 low zero bits, so that multiplying it by an exponent is exact. */
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10
/** Below it e^x is less than half of the smallest double. */
const UNDERFLOW = -745.2
const TERMS = 13

/** 1 / n! for n = 0..13. */
const COEFFICIENTS = new Float64Array(TERMS + 1)
/** 2^-n for n = 0..1075, by halving, which is exact. */
const POWERS_OF_HALF = new Float64Array(1076)

COEFFICIENTS[0] = 1
for (let n = 1, factorial = 1; n <= TERMS; n++) {
  factorial *= n
  COEFFICIENTS[n] = 1 / factorial
}

POWERS_OF_HALF[0] = 1
for (let n = 1; n < POWERS_OF_HALF.length; n++) {
  POWERS_OF_HALF[n] = (POWERS_OF_HALF[n - 1] ?? 0) / 2
}

/**
 * e^x for x <= 0, within 2 units in the last place where the result is a normal double. JavaScript leaves the last bits
 * of `Math.exp` to the engine, and one bit can choose another token; this one is made of additions, multiplications and
 * roundings only, which IEEE 754 fixes, so every peer gets the same bits.
 *
 * Normative: k = floor(x * log2(e) + 0.5); r = (x - k * LN2_HIGH) - k * LN2_LOW; Horner's rule on sum of r^n / n!
 * from n = 13 down to 0; times 2^k. e^x is 0 below -745.2.
 */
export function expNegative(x: number): number {
  if (x < UNDERFLOW) {
    return 0
  }

  const k = Math.floor(x * LOG2_E + 0.5)
  const r = x - k * LN2_HIGH - k * LN2_LOW
  let sum = COEFFICIENTS[TERMS] ?? 0

  for (let n = TERMS - 1; n >= 0; n--) {
    sum = sum * r + (COEFFICIENTS[n] ?? 0)
  }

  return sum * (POWERS_OF_HALF[-k] ?? 0)
}
