/**
 * The one door through which values enter: events that are pushed, and the keys and request fields of a question. What a value
 * may be is decided here, once: NaN and infinities are refused, -0 is 0, strings are NFC, instants are UTC milliseconds rounded
 * down, integers are exact. History passes the same door in SQL (`adapters/duckdb/door.ts`).
 */
import type { FieldShape } from '../definition/field.ts'
import type { Value } from '../expression/node.ts'
import { isInstant, parseInstant } from '../kernel/instant.ts'
import { parseInt64, toInt64 } from '../kernel/int64.ts'
import { bounds } from '../kernel/limits.ts'

/** Why a value was refused, in words that follow "field 'x' ". */
export class Refusal {
  readonly why: string
  constructor(why: string) {
    this.why = why
  }
}

/** What came from JSON or from a caller in the same process, as a value; a Refusal if it cannot be one. */
export type Reader = (input: unknown) => Value | Refusal

/** `zoneMinutes`: what an instant without a zone is in; null refuses it. */
export function readerOf({ type, nullable, range, oneOf }: FieldShape, zoneMinutes: number | null): Reader {
  const read = readers[type]
  const members = oneOf === null ? null : new Set(oneOf)
  const missing = nullable ? null : new Refusal('is missing')
  return (input) => {
    if (input === null || input === undefined) return missing
    const value = read(input, zoneMinutes)
    if (value instanceof Refusal) return value
    if (range !== null && ((value as number) < range[0] || (value as number) > range[1]))
      return new Refusal(`is ${String(value)}, outside its range of ${range[0]} to ${range[1]}`)
    if (members !== null && !members.has(value as string))
      return new Refusal(`is ${show(value)}, none of ${[...members].map(show).join(', ')}`)
    return value
  }
}

type Read = (input: {}, zoneMinutes: number | null) => Value | Refusal

const readers: { readonly [T in FieldShape['type']]: Read } = {
  boolean: (input) => (typeof input === 'boolean' ? input : wrong(input, 'true or false')),
  float64: (input) => {
    if (typeof input === 'number')
      return Number.isFinite(input) ? input + 0 : new Refusal(`is ${input}; a missing number is null`)
    return typeof input === 'bigint' ? Number(input) : wrong(input, 'a number')
  },
  int64: (input) => {
    if (typeof input === 'number') {
      if (Number.isSafeInteger(input)) return input + 0
      return Number.isInteger(input)
        ? new Refusal(`is ${input}, beyond 2^53, where JSON numbers lose digits; send it as text`)
        : new Refusal(`is ${input}, not a whole number`)
    }
    const value = typeof input === 'bigint' ? toInt64(input) : typeof input === 'string' ? parseInt64(input) : undefined
    if (value === null) return new Refusal(`is ${show(input)}, not an integer of 64 bits`)
    return value ?? wrong(input, 'a whole number')
  },
  string: (input) => {
    if (typeof input !== 'string') return wrong(input, 'a string')
    // Most strings are short and ASCII, and need no more than this look.
    if (input.length <= 64 && ascii.test(input)) return input
    if (Buffer.byteLength(input) > bounds.stringBytes)
      return new Refusal(`has ${Buffer.byteLength(input)} bytes, more than ${bounds.stringBytes}`)
    if (!isWellFormed(input)) return new Refusal('is not well-formed Unicode')
    return input.normalize('NFC')
  },
  timestamp: (input, zoneMinutes) => {
    if (input instanceof Date)
      return isInstant(input.getTime()) ? input.getTime() : new Refusal('is not a date of the years 1 to 9999')
    if (typeof input === 'number')
      return new Refusal(
        `is the bare number ${input}: seconds or milliseconds? Send ISO 8601, as in 2013-06-01T12:00:00Z`,
      )
    if (typeof input !== 'string') return wrong(input, 'an instant in ISO 8601')
    const instant = parseInstant(input, zoneMinutes)
    if (instant !== null) return instant
    return parseInstant(input, 0) === null
      ? new Refusal(`is ${show(input)}, not an instant in ISO 8601, as in 2013-06-01T12:00:00Z`)
      : new Refusal(`is ${show(input)}, an instant without a zone; add Z or an offset`)
  },
}

const ascii = /^[\x20-\x7e]*$/
const isWellFormed = (text: string): boolean => (text as string & { isWellFormed(): boolean }).isWellFormed()

const wrong = (input: unknown, wanted: string): Refusal =>
  new Refusal(
    `is ${Array.isArray(input) ? 'a list' : input === null ? 'null' : typeof input === 'object' ? 'an object' : `the ${typeof input} ${show(input)}`}, not ${wanted}`,
  )

/** A value as it stands in an error: short, and quoted where it is text. */
function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
