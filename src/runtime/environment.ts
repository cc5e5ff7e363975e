/**
 * Variables of the environment: each overrides one key of the configuration, and passwords come from here alone. Empty is unset. A
 * variable that begins with SIXFOLD_ and means nothing is a mistake that would otherwise be found late; it is named with the one
 * that was meant.
 */
import type { Limits } from '../kernel/limits.ts'
import { limits as standardLimits } from '../kernel/limits.ts'
import { suggestion } from '../kernel/suggest.ts'
import type { StorePort } from './store-settings.ts'
import { passwordVariables, storePorts } from './store-settings.ts'
import type { Say } from './url-parts.ts'
import { wholeNumber } from './url-parts.ts'

export interface Environment {
  readonly data: string | null
  readonly host: string | null
  readonly port: number | null
  readonly access: 'auto' | 'keys' | null
  readonly adminKey: string | null
  readonly key: string | null
  readonly environment: string | null
  readonly sync: 'always' | 'second' | null
  readonly duckdb: { readonly threads?: number; readonly memory?: string }
  readonly limits: Partial<Limits>
  readonly urls: { readonly [P in StorePort]?: string }
  /** By address, as `remotes` has it. */
  readonly remoteTokens: { readonly [remote: string]: string }
  /** With which a receiver of lineage knows who tells it. */
  readonly openLineageKey: string | null
  readonly passwords: { readonly [P in keyof typeof passwordVariables]?: string }
}

export const urlVariable = (port: StorePort): string => `SIXFOLD_${port.toUpperCase()}_URL`

const limitVariable = (limit: string): string => `SIXFOLD_LIMIT_${limit.replace(/[A-Z]/g, '_$&').toUpperCase()}`

/** Where versions are put in production unless something else is configured. */
export const standardEnvironment = 'default'
export const environmentForm = /^[a-z0-9][a-z0-9_-]{0,62}$/
export const environmentWords = "name of small letters, digits, '-' and '_', at most 63"

/** As DuckDB writes an amount of memory. */
export const memoryForm = /^\d+(\.\d+)? ?([KMGT]i?B|%)$/i

/** What each variable sets, for the reference; one for each limit stands there as a pattern. */
export const variables: { readonly [name: string]: string } = {
  SIXFOLD_DATA: 'The data folder, in place of `data`. A relative path starts from the folder of the configuration',
  SIXFOLD_HOST: 'The address to listen on, in place of `server.host`',
  SIXFOLD_PORT: 'The port, in place of `server.port`',
  SIXFOLD_ACCESS: 'In place of `server.access`',
  SIXFOLD_ADMIN_KEY:
    'A key of at least 32 characters that may everything and lies in no store: to make the first keys with, and for secrets that a cluster keeps',
  SIXFOLD_KEY: 'The key with which commands, and the scripts of the examples, ask a server that needs one',
  SIXFOLD_ENVIRONMENT: 'In place of `environment`',
  SIXFOLD_REMOTE_TOKENS:
    'Tokens for servers of `remotes`, sent as `Authorization: Bearer`: `http://triton:8000=TOKEN`, several with spaces between them',
  SIXFOLD_OPENLINEAGE_KEY: 'Sent to the receiver of `openlineage`, as `Authorization: Bearer`',
  SIXFOLD_SYNC: 'In place of `sync`',
  SIXFOLD_DUCKDB_THREADS: 'In place of `duckdb.threads`',
  SIXFOLD_DUCKDB_MEMORY: 'In place of `duckdb.memory`',
  ...Object.fromEntries(
    storePorts.map((port) => [
      urlVariable(port),
      port in passwordVariables
        ? `In place of \`stores.${port}\`; unlike there it may hold a password`
        : `In place of \`stores.${port}\``,
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(passwordVariables).map(([port, name]) => [name, `The password for \`stores.${port}\``]),
  ),
}

/** Of the repository's own tests and of the console's development server. */
const elsewhere = ['SIXFOLD_CHROMIUM', 'SIXFOLD_REQUIRE_ALL', 'SIXFOLD_SERVICES', 'SIXFOLD_URL']

/** What `train` gives to its command, which may call this program. */
const ofTraining = (name: string): boolean =>
  /^SIXFOLD_(TRAINING_DATA|HELDOUT_DATA|MODEL|RUN_ID|OUTPUT|SEED(_[A-Z0-9_]+)?)$/.test(name)

/** What Kubernetes tells every container about a Service whose name is `sixfold`, or begins so. */
const ofKubernetes = (name: string, value: string): boolean =>
  /^SIXFOLD_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?)$/.test(name) ||
  (/^SIXFOLD_[A-Z0-9_]+_PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value))

export function readEnvironment(env: { readonly [name: string]: string | undefined }, problem: Say): Environment {
  const given = new Map(
    Object.entries(env).flatMap(([name, value]) => (name.startsWith('SIXFOLD_') && value ? [[name, value]] : [])),
  )
  const known = [...Object.keys(variables), ...Object.keys(standardLimits).map(limitVariable)]
  for (const [name, value] of given)
    if (!known.includes(name) && !elsewhere.includes(name) && !ofTraining(name) && !ofKubernetes(name, value))
      problem(`The variable ${name} is unknown. ${suggestion(name, known)}`)
  const text = (name: string): string | null => given.get(name) ?? null
  const number = (name: string, least: number, most: number): number | null => {
    const value = text(name)
    const read = value === null ? null : wholeNumber(value)
    if (value === null || (read !== null && read >= least && read <= most)) return read
    problem(
      most === Number.MAX_SAFE_INTEGER
        ? `${name} is not a whole number above 0.`
        : `${name} is not a number from ${least} to ${most}.`,
    )
    return null
  }
  const form = (name: string, pattern: RegExp, words: string): string | null => {
    const value = text(name)
    if (value === null || pattern.test(value)) return value
    problem(`${name} is not ${words}.`)
    return null
  }
  const named = <T>(entries: readonly (readonly [string, T | null])[]): { readonly [name: string]: T } =>
    Object.fromEntries(entries.flatMap(([name, value]) => (value === null ? [] : [[name, value]])))

  /** Without what was written: it holds a secret. */
  const token = (pair: string): readonly [string, string | null] => {
    const [, remote = '', given = ''] = /^(https?:\/\/[^=/]+)\/?=([\x21-\x7e]+)$/.exec(pair) ?? []
    if (given === '') problem("SIXFOLD_REMOTE_TOKENS holds what is not of the form 'http://host:8000=TOKEN'.")
    return [remote, given === '' ? null : given]
  }

  const linked = text('SIXFOLD_PORT')?.startsWith('tcp://') === true
  if (linked)
    problem(
      "SIXFOLD_PORT is no port: Kubernetes sets it for the Service 'sixfold'. Switch that off with `enableServiceLinks: false` in the pod's spec, or set SIXFOLD_PORT there.",
    )
  return {
    data: text('SIXFOLD_DATA'),
    host: text('SIXFOLD_HOST'),
    port: linked ? null : number('SIXFOLD_PORT', 0, 65_535),
    access: form('SIXFOLD_ACCESS', /^(auto|keys)$/, "'auto' or 'keys'") as 'auto' | 'keys' | null,
    adminKey: form(
      'SIXFOLD_ADMIN_KEY',
      /^[\x21-\x7e]{32,512}$/,
      'a key: 32 to 512 characters, letters, digits and signs',
    ),
    key: form('SIXFOLD_KEY', /^[\x21-\x7e]{1,512}$/, 'a key'),
    environment: form('SIXFOLD_ENVIRONMENT', environmentForm, `a ${environmentWords}`),
    sync: form('SIXFOLD_SYNC', /^(always|second)$/, "'always' or 'second'") as 'always' | 'second' | null,
    duckdb: {
      ...named([['threads', number('SIXFOLD_DUCKDB_THREADS', 1, Number.MAX_SAFE_INTEGER)]]),
      ...named([['memory', form('SIXFOLD_DUCKDB_MEMORY', memoryForm, "an amount of memory, such as '4GB'")]]),
    },
    limits: named(
      Object.keys(standardLimits).map((limit) => [limit, number(limitVariable(limit), 1, Number.MAX_SAFE_INTEGER)]),
    ),
    urls: named(storePorts.map((port) => [port, text(urlVariable(port))])),
    remoteTokens: named(
      (text('SIXFOLD_REMOTE_TOKENS') ?? '')
        .split(/\s+/)
        .filter((pair) => pair !== '')
        .map(token),
    ),
    openLineageKey: form('SIXFOLD_OPENLINEAGE_KEY', /^[\x21-\x7e]{1,4096}$/, 'a key'),
    passwords: named(Object.entries(passwordVariables).map(([port, name]) => [port, text(name)])),
  }
}
