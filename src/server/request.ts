/** What is read of a request: members of a body, of a query, and of a path, each refused by its name where it is not what it should be. */
import type { FastifyRequest } from 'fastify'
import { SixfoldError } from '../kernel/errors.ts'
import { parseInstant } from '../kernel/instant.ts'
import { shorten } from '../kernel/shorten.ts'
import { suggestion } from '../kernel/suggest.ts'

export type Body = { readonly [member: string]: unknown }

export function objectOf(body: unknown): Body {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Body
  throw new SixfoldError(
    'SX_REQUEST_MALFORMED',
    body === undefined ? 'The request has no body.' : 'The body is no JSON object.',
  )
}

export function listOf(body: Body, name: string): readonly unknown[] {
  const list = body[name]
  if (Array.isArray(list)) return list
  throw new SixfoldError('SX_REQUEST_MALFORMED', `'${name}' ${list === undefined ? 'is missing' : 'is no list'}.`, {
    fix: `Send {"${name}": [ … ]}.`,
  })
}

export function instantOf(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined
  const instant = typeof value === 'string' ? parseInstant(value) : null
  if (instant === null)
    throw new SixfoldError('SX_REQUEST_INVALID', `'${name}' is ${shown(value)}, no instant.`, {
      fix: 'Send ISO 8601 with a zone, as in 2013-06-01T12:00:00Z.',
    })
  return instant
}

/** A member that is not known is a slip that would otherwise do something else than was meant. */
export function only(given: Body, names: readonly string[]): void {
  for (const name of Object.keys(given))
    if (!names.includes(name))
      throw new SixfoldError('SX_REQUEST_INVALID', `'${shorten(name)}' is nothing that is asked for here.`, {
        fix: suggestion(name, names),
      })
}

/** Null where it was left out. */
export function textOf(given: Body, name: string, longest: number): string | null {
  const value = given[name] ?? null
  if (value === null) return null
  if (typeof value !== 'string') throw invalid(name, value, 'a text')
  if (value.length > longest)
    throw new SixfoldError('SX_REQUEST_INVALID', `'${name}' is longer than ${longest} characters.`)
  return value
}

export function requiredTextOf(given: Body, name: string, longest: number): string {
  const text = textOf(given, name, longest)
  if (text === null || text === '')
    throw new SixfoldError('SX_REQUEST_INVALID', `'${name}' is ${text === null ? 'missing' : 'empty'}.`)
  return text
}

export function oneOf<T extends string>(value: unknown, name: string, known: readonly T[]): T {
  if (known.includes(value as T)) return value as T
  throw new SixfoldError(
    'SX_REQUEST_INVALID',
    value === undefined || value === null ? `'${name}' is missing.` : `'${name}' is ${shown(value)}.`,
    { fix: `Send one of ${known.join(', ')}.` },
  )
}

/** A whole number, as JSON or as the text of a query; undefined where it was left out. */
export function wholeOf(value: unknown, name: string, least: number, most: number): number | undefined {
  if (value === undefined) return undefined
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < least || number > most)
    throw new SixfoldError('SX_REQUEST_INVALID', `'${name}' is ${shown(value)}.`, {
      fix: `Send a whole number from ${least} to ${most}.`,
    })
  return number
}

/** The query, each name at most once, and none that is not known. */
export function queryOf(request: FastifyRequest, names: readonly string[]): { readonly [name: string]: string } {
  const query = request.query as Body
  only(query, names)
  for (const [name, value] of Object.entries(query))
    if (typeof value !== 'string')
      throw new SixfoldError('SX_REQUEST_INVALID', `'${shorten(name)}' is given more than once.`)
  return query as { readonly [name: string]: string }
}

const invalid = (name: string, value: unknown, wanted: string): SixfoldError =>
  new SixfoldError('SX_REQUEST_INVALID', `'${name}' is ${shown(value)}, and not ${wanted}.`)

/** As it came, short. What came as an object may have a `toString` that is none: it is never asked for its text. */
export const shown = (value: unknown): string => shorten(JSON.stringify(value) ?? 'undefined', 60)
