/**
 * What a request of MLflow's API gives: members of a JSON object, or of a query. Their form is that of protocol buffers as JSON: null is
 * as good as nothing, numbers may be texts, and what is not known is passed over.
 */
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'

export type Given = { readonly [member: string]: unknown }

const wrong = (name: string, value: unknown, wanted: string): SixfoldError =>
  new SixfoldError(
    'SX_REQUEST_INVALID',
    `Invalid value ${shorten(JSON.stringify(value) ?? 'undefined', 100)} for parameter '${name}' supplied: it is to be ${wanted}.`,
    { fix: 'Send a value of that kind.' },
  )

export const missing = (name: string): SixfoldError =>
  new SixfoldError('SX_REQUEST_INVALID', `Missing value for required parameter '${name}'.`, { fix: 'Send it.' })

const memberOf = (given: Given, name: string): unknown => (Object.hasOwn(given, name) ? (given[name] ?? null) : null)

/** Null where it was not given. */
export function optionalText(given: Given, name: string): string | null {
  const value = memberOf(given, name)
  if (value === null || typeof value === 'string') return value
  throw wrong(name, value, 'text')
}
export const textOr = (given: Given, name: string, otherwise: string): string => optionalText(given, name) ?? otherwise

/** An empty text is as good as none. */
export function text(given: Given, name: string): string {
  const value = optionalText(given, name)
  if (value === null || value === '') throw missing(name)
  return value
}

export function optionalWhole(given: Given, name: string): number | null {
  const value = memberOf(given, name)
  if (value === null) return null
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number
  throw wrong(name, value, 'a whole number')
}
export const wholeOr = (given: Given, name: string, otherwise: number): number =>
  optionalWhole(given, name) ?? otherwise

/** NaN and infinite numbers have no form in JSON, and come as text. */
export function number(given: Given, name: string): number {
  const value = memberOf(given, name)
  if (value === null || value === '') throw missing(name)
  if (typeof value === 'number') return value
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  if (typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return Number(value)
  throw wrong(name, value, 'a number')
}

export function flagOr(given: Given, name: string, otherwise: boolean): boolean {
  const value = memberOf(given, name)
  if (value === null) return otherwise
  if (typeof value === 'boolean') return value
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true'
  throw wrong(name, value, 'true or false')
}

/** In a query a list of one is that one. */
export function list(given: Given, name: string): readonly unknown[] {
  const value = memberOf(given, name)
  if (value === null) return []
  if (Array.isArray(value)) return value
  throw wrong(name, value, 'a list')
}
export function texts(given: Given, name: string): readonly string[] {
  const value = memberOf(given, name)
  const all = typeof value === 'string' ? [value] : list(given, name)
  for (const one of all) if (typeof one !== 'string') throw wrong(name, one, 'text')
  return all as readonly string[]
}
export function objects(given: Given, name: string): readonly Given[] {
  const all = list(given, name)
  for (const one of all)
    if (typeof one !== 'object' || one === null || Array.isArray(one)) throw wrong(name, one, 'an object')
  return all as readonly Given[]
}
export function object(given: Given, name: string): Given | null {
  const value = memberOf(given, name)
  if (value === null) return null
  if (typeof value === 'object' && !Array.isArray(value)) return value as Given
  throw wrong(name, value, 'an object')
}

/** Of tags and parameters at once: ten times what its clients send. */
const mostPairs = 1_000

/** A list of `{key, value}`; of two with one key the last counts. */
export function pairs(given: Given, name: string): { readonly [key: string]: string } {
  const all = objects(given, name)
  if (all.length > mostPairs) throw wrong(name, `${all.length} pairs`, `a list of at most ${mostPairs}`)
  return Object.fromEntries(all.map((one) => [text(one, 'key'), textOr(one, 'value', '')]))
}

export function oneOf<T extends string>(
  given: Given,
  name: string,
  known: readonly T[],
  numbers: readonly T[] = known,
): T | null {
  const value = memberOf(given, name)
  if (value === null) return null
  // Protocol buffers also write the number that stands for it, counted from one.
  const named =
    typeof value === 'number' || (typeof value === 'string' && /^\d$/.test(value)) ? numbers[Number(value) - 1] : value
  if (known.includes(named as T)) return named as T
  throw wrong(name, value, `one of ${known.join(', ')}`)
}

/** The number of a version: in this API a text. */
export function versionIn(given: Given, name = 'version'): number {
  const value = typeof given[name] === 'number' ? String(given[name]) : text(given, name)
  if (/^\d{1,15}$/.test(value)) return Number(value)
  throw wrong(name, value, 'the number of a version')
}
