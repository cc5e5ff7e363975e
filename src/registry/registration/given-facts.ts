/** Facts that somebody writes down as JSON, beside those that the file and the definition tell. Read member by member: it comes from outside. */
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import { suggestion } from '../../kernel/suggest.ts'
import type { Facts } from '../../ports/registry-store.ts'

type Reader<T> = (value: unknown, at: string) => T

const wrong = (at: string, wanted: string): SixfoldError =>
  new SixfoldError('SX_REQUEST_INVALID', `The facts are not as documented: '${at}' is to be ${wanted}.`, {
    fix: 'Correct that member; docs/explanation/registry.md shows all of them.',
  })

const text: Reader<string> = (value, at) => {
  if (typeof value !== 'string' || value.length > 100_000) throw wrong(at, 'text')
  return value
}
const number: Reader<number> = (value, at) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(at, 'a finite number')
  return value
}
const flag: Reader<boolean> = (value, at) => {
  if (typeof value !== 'boolean') throw wrong(at, 'true or false')
  return value
}
/** A number is as good as its text where values of parameters stand. */
const value: Reader<string> = (given, at) => {
  if (['string', 'number', 'boolean'].includes(typeof given)) return text(String(given), at)
  throw wrong(at, 'text, a number, true or false')
}
const orNull =
  <T>(read: Reader<T>): Reader<T | null> =>
  (given, at) =>
    given === null || given === undefined ? null : read(given, at)
const list =
  <T>(read: Reader<T>): Reader<readonly T[]> =>
  (given, at) => {
    if (given === undefined) return []
    if (!Array.isArray(given)) throw wrong(at, 'a list')
    return given.map((one, i) => read(one, `${at}[${i}]`))
  }
const map =
  <T>(read: Reader<T>): Reader<{ readonly [name: string]: T }> =>
  (given, at) => {
    if (given === undefined) return {}
    const of = object(given, at)
    return Object.fromEntries(Object.entries(of).map(([name, one]) => [name, read(one, `${at}.${shorten(name)}`)]))
  }
const object: Reader<{ readonly [name: string]: unknown }> = (given, at) => {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrong(at, 'an object')
  return given as { readonly [name: string]: unknown }
}
const members =
  <T extends object>(readers: { readonly [K in keyof T]: Reader<T[K]> }): Reader<T> =>
  (given, at) => {
    const of = object(given, at)
    const unknown = Object.keys(of).find((name) => !Object.hasOwn(readers, name))
    if (unknown !== undefined)
      throw new SixfoldError(
        'SX_REQUEST_INVALID',
        `The facts have a member '${at === '' ? '' : `${at}.`}${shorten(unknown)}' that means nothing. ${suggestion(unknown, Object.keys(readers))}`,
      )
    return Object.fromEntries(
      (Object.keys(readers) as (keyof T & string)[]).map((name) => [
        name,
        readers[name]((of as { readonly [name: string]: unknown })[name], at === '' ? name : `${at}.${name}`),
      ]),
    ) as T
  }

type Given = Pick<Facts, 'data' | 'configuration' | 'evaluation' | 'dependencies'>

/** What the file and the definition tell is not to be said by anybody: the other facts are. */
const given = members<Given>({
  data: orNull(
    members<NonNullable<Facts['data']>>({
      pointer: text,
      hash: orNull(text),
      rows: orNull(number),
      from: orNull(number),
      to: orNull(number),
      query: orNull(text),
      artifact: orNull(text),
    }),
  ),
  configuration: orNull(
    members<NonNullable<Facts['configuration']>>({
      parameters: map(value),
      seeds: map(value),
      hardware: orNull(text),
      command: orNull(list(text)),
      commit: orNull(text),
      dirty: orNull(flag),
    }),
  ),
  evaluation: list(
    members<Facts['evaluation'][number]>({
      metric: text,
      value: number,
      low: orNull(number),
      high: orNull(number),
      slice: orNull(text),
      data: orNull(text),
    }),
  ),
  dependencies: orNull(
    members<NonNullable<Facts['dependencies']>>({
      opset: orNull(number),
      ir: orNull(number),
      domains: map(number),
      runtime: orNull(text),
      packages: list(text),
      language: orNull(text),
    }),
  ),
})

/** Throws SX_REQUEST_INVALID, naming the member. */
export function readFacts(json: unknown): Partial<Facts> {
  if (json === null || json === undefined) return {}
  const { data, configuration, evaluation, dependencies } = given(json, '')
  return {
    ...(data === null ? {} : { data }),
    ...(configuration === null ? {} : { configuration }),
    ...(evaluation.length === 0 ? {} : { evaluation }),
    ...(dependencies === null ? {} : { dependencies }),
  }
}
