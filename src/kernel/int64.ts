/**
 * 64-bit integers in JavaScript: a number where it is safe (below 2^53), a bigint beyond, so that the common case costs what a
 * number costs and no digit is ever lost. Every function here keeps that form: equal integers are equal values under `===`.
 * What does not fit in 64 bits is null.
 */
export type Int64 = number | bigint

export const int64Min: bigint = -(2n ** 63n)
export const int64Max: bigint = 2n ** 63n - 1n

/** The proper form of an integer of any size, or null beyond 64 bits. */
export function toInt64(value: bigint): Int64 | null {
  if (value >= -9007199254740991n && value <= 9007199254740991n) return Number(value)
  return value >= int64Min && value <= int64Max ? value : null
}

/** Decimal digits with an optional sign, at most 19 of them. */
export function parseInt64(text: string): Int64 | null {
  return /^[+-]?[0-9]{1,19}$/.test(text) ? toInt64(BigInt(text.startsWith('+') ? text.slice(1) : text)) : null
}

export function add(a: Int64, b: Int64): Int64 | null {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (sum >= -9007199254740991 && sum <= 9007199254740991) return sum
  }
  return toInt64(BigInt(a) + BigInt(b))
}

export function subtract(a: Int64, b: Int64): Int64 | null {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b
    if (difference >= -9007199254740991 && difference <= 9007199254740991) return difference
  }
  return toInt64(BigInt(a) - BigInt(b))
}

export function multiply(a: Int64, b: Int64): Int64 | null {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b
    // Below 2^53 a rounded product is the exact one. Adding 0 turns -0 into 0.
    if (product >= -9007199254740991 && product <= 9007199254740991) return product + 0
  }
  return toInt64(BigInt(a) * BigInt(b))
}

/** Quotient rounded down; by zero, null. */
export function floorDivide(a: Int64, b: Int64): Int64 | null {
  if (b === 0) return null
  if (typeof a === 'number' && typeof b === 'number') {
    const whole = a - (floorModulo(a, b) as number)
    if (whole >= -9007199254740991 && whole <= 9007199254740991) return whole / b + 0
  }
  const [dividend, divisor] = [BigInt(a), BigInt(b)]
  const quotient = dividend / divisor
  const rest = dividend % divisor
  return toInt64(rest !== 0n && rest < 0n !== divisor < 0n ? quotient - 1n : quotient)
}

/** Remainder with the sign of the divisor; by zero, null. */
export function floorModulo(a: Int64, b: Int64): Int64 | null {
  if (b === 0) return null
  if (typeof a === 'number' && typeof b === 'number') {
    const rest = a % b
    return (rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest) + 0
  }
  const [dividend, divisor] = [BigInt(a), BigInt(b)]
  const rest = dividend % divisor
  return toInt64(rest !== 0n && rest < 0n !== divisor < 0n ? rest + divisor : rest)
}

/** The greatest integer not above a float, or null beyond 64 bits. */
export function floorOf(value: number): Int64 | null {
  const floor = Math.floor(value)
  if (floor >= -9007199254740991 && floor <= 9007199254740991) return floor + 0
  return floor >= -(2 ** 63) && floor < 2 ** 63 ? toInt64(BigInt(floor)) : null
}

/**
 * The quotient of two integers, the first of any size, in one rounding (half to even).
 * Two roundings, of the sum and then of the quotient, would differ from other engines in the last bit.
 */
export function ratio(sum: bigint, count: number): number {
  if (sum >= -9007199254740991n && sum <= 9007199254740991n) return Number(sum) / count
  const magnitude = sum < 0n ? -sum : sum
  const divisor = BigInt(count)
  // 62 bits of quotient leave at least 8 below the 53 that a float keeps; the lowest also stands for all that follow.
  let shift = 62 - (bits(magnitude) - bits(divisor))
  if (shift < 0) shift = 0
  const scaled = magnitude << BigInt(shift)
  const quotient = scaled / divisor
  const sticky = scaled % divisor === 0n ? quotient : quotient | 1n
  const value = Number(sticky) * 2 ** -shift
  return sum < 0n ? -value : value
}

const bits = (value: bigint): number => value.toString(2).length
