/**
 * The parts of a store's URL: `scheme://user:password@host:port,host:port/path?name=value`. Stricter than `URL`, and wider: Kafka
 * has several hosts.
 *
 * What might be a secret is never part of a problem: of the URL only the names of parameters are repeated, and those only once all
 * before them was in order. A user and password end at the last '@', so that one that was not encoded is still taken for what it is.
 */
import { suggestion } from '../kernel/suggest.ts'

export interface UrlParts {
  readonly scheme: string
  readonly user: string | null
  readonly password: string | null
  /** As written: 'a:1,b:2'. */
  readonly authority: string
  /** With its '/', decoded. */
  readonly path: string
  readonly query: readonly (readonly [name: string, value: string])[]
}
interface Host {
  /** As it stands in a URL: of IPv6 with its brackets. */
  readonly host: string
  readonly port: number
}
export type Say = (problem: string) => void

/** Null, and told why, where it is no URL. */
export function partsOf(text: string, say: Say): UrlParts | null {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/s.exec(text) ?? []
  if (scheme === undefined || rest === undefined) return refused(say, 'It is no URL: it begins with no scheme.')
  const at = rest.lastIndexOf('@')
  const credentials = at < 0 ? '' : rest.slice(0, at)
  const place = rest.slice(at + 1)
  if (/[/?#@\s]/.test(credentials))
    return refused(
      say,
      "Before its last '@' it has a character that must be written as %40 (@), %2F (/), %3F (?) or %23 (#).",
    )
  if (/[#\s]/.test(place)) return refused(say, "It has a '#' or a space, which mean nothing here.")
  const [, authority = '', path = '', search = ''] = /^([^/?]*)([^?]*)\??(.*)$/s.exec(place) ?? []
  const [user = '', password] = split(credentials, ':')
  try {
    return {
      scheme,
      user: user === '' ? null : decodeURIComponent(user),
      password: password === undefined || password === '' ? null : decodeURIComponent(password),
      authority,
      path: decodeURIComponent(path),
      query: search === '' ? [] : search.split('&').map((pair) => pairOf(pair)),
    }
  } catch {
    return refused(say, "It has a '%' that is not followed by two hexadecimal digits of a character.")
  }
}

const pairOf = (pair: string): readonly [string, string] => {
  const [name = '', value = ''] = split(pair, '=')
  return [decodeURIComponent(name), decodeURIComponent(value)]
}

function split(text: string, by: string): readonly [string, string?] {
  const at = text.indexOf(by)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + by.length)]
}

function refused(say: Say, problem: string): null {
  say(problem)
  return null
}

/** Null, and told why, where one is none. */
export function hostsOf({ authority }: UrlParts, standardPort: number, say: Say): readonly Host[] | null {
  if (authority === '') return refused(say, 'It names no host.')
  const hosts: Host[] = []
  for (const one of authority.split(',')) {
    const [, host, port] = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(.*))?$/.exec(one) ?? []
    if (host === undefined)
      return refused(say, one === '' ? 'It names no host.' : 'Its host is not the name or address of one.')
    const number = port === undefined ? standardPort : wholeNumber(port)
    if (number === null || number < 1 || number > 65_535)
      return refused(say, 'Its port is not a number from 1 to 65535.')
    hosts.push({ host, port: number })
  }
  return hosts
}

export const wholeNumber = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null)

/** What stands after '?': each name once, and none that is not known. A problem is told with the name. */
interface Query {
  /** As it is written, or else what stands for it. */
  text(name: string, otherwise: string, form: RegExp, words: string): string
  optional(name: string, form: RegExp, words: string): string | null
  oneOf<T extends string>(name: string, choices: readonly T[]): T | null
  count(name: string, otherwise: number, most: number): number
  flag(name: string): boolean
}

export function queryOf({ query }: UrlParts, known: readonly string[], say: Say): Query {
  const values = new Map<string, string>()
  for (const [name, value] of query) {
    if (!known.includes(name)) say(`It has the unknown parameter '${name}'. ${suggestion(name, known)}`)
    else if (values.has(name)) say(`It has the parameter '${name}' twice.`)
    else values.set(name, value)
  }
  const optional = (name: string, form: RegExp, words: string): string | null => {
    const value = values.get(name)
    if (value === undefined) return null
    if (form.test(value)) return value
    say(`Its parameter '${name}' is not ${words}.`)
    return null
  }
  return {
    optional,
    text: (name, otherwise, form, words) => optional(name, form, words) ?? otherwise,
    oneOf: (name, choices) => {
      const value = values.get(name)
      const found = choices.find((choice) => choice === value)
      if (value !== undefined && found === undefined)
        say(`Its parameter '${name}' is none of its values. ${suggestion(value, choices)}`)
      return found ?? null
    },
    count: (name, otherwise, most) => {
      const value = values.get(name)
      const number = value === undefined ? otherwise : wholeNumber(value)
      if (number !== null && number >= 1 && number <= most) return number
      say(`Its parameter '${name}' is not a whole number from 1 to ${most.toLocaleString('en')}.`)
      return otherwise
    },
    flag: (name) => optional(name, /^(true|false)$/, "'true' or 'false'") === 'true',
  }
}
