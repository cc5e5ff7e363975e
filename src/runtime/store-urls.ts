/**
 * Where the stores are: a URL for each port, read strictly into settings. Nothing of a URL is guessed at or passed by: what is not
 * known, said twice or out of range is a problem that names the key or variable, and shows a good value.
 *
 * A password is in none of the texts made here. In a file, which is copied and kept in version control, it is refused; from the
 * environment it is taken.
 */
import { SixfoldError } from '../kernel/errors.ts'
import { suggestion } from '../kernel/suggest.ts'
import type {
  KafkaSetting,
  PostgresSetting,
  RedisSetting,
  S3Access,
  S3Place,
  StorePort,
  StoreSettings,
} from './store-settings.ts'
import { passwordVariables, storePorts } from './store-settings.ts'
import type { Say, UrlParts } from './url-parts.ts'
import { hostsOf, partsOf, queryOf, wholeNumber } from './url-parts.ts'

interface GivenUrl {
  /** As messages name it: 'stores.online', 'SIXFOLD_ONLINE_URL'. */
  readonly name: string
  readonly url: string
  readonly inFile: boolean
  /** From the variable that `passwordVariable` names. */
  readonly password: string | null
}

type Reader<S> = (parts: UrlParts & { readonly password: string | null }, say: Say) => S | null
interface PortForm<S> {
  readonly schemes: { readonly [scheme: string]: Reader<S> }
  readonly example: string
}

/** A store as it is chosen: by URL, or by settings that were read from one. */
export type StoreChoices = { readonly [P in StorePort]?: string | StoreSettings[P] | undefined }

/** Of choices made in a program, whose URLs may hold a password. Throws SX_CONFIG_INVALID with all that is wrong. */
export function settingsOf(choices: StoreChoices): StoreSettings {
  const problems: string[] = []
  const settings = eachPort((port) => {
    const chosen = choices[port]
    return typeof chosen === 'string'
      ? readStoreUrl(port, { name: `stores.${port}`, url: chosen, inFile: false, password: null }, (text) => {
          problems.push(text)
        })
      : (chosen ?? null)
  })
  if (problems.length > 0) throw new SixfoldError('SX_CONFIG_INVALID', problems.join(' '))
  return settings
}

export const eachPort = (of: (port: StorePort) => StoreSettings[StorePort]): StoreSettings =>
  Object.fromEntries(storePorts.map((port) => [port, of(port)])) as unknown as StoreSettings

/** Null, and told why, where the URL is not usable. */
export function readStoreUrl<P extends StorePort>(port: P, given: GivenUrl, problem: Say): StoreSettings[P] {
  const { schemes, example } = forms[port] as PortForm<NonNullable<StoreSettings[P]>>
  const found: string[] = []
  const say: Say = (text) => void found.push(text)
  const setting = read(port, given, schemes, say)
  if (found.length === 0) return setting
  problem(`'${given.name}': ${found.join(' ')} Such a URL is '${example}'.`)
  return null
}

function read<S>(port: StorePort, given: GivenUrl, schemes: PortForm<S>['schemes'], say: Say): S | null {
  const parts = partsOf(given.url, say)
  if (parts === null) return null
  const reader = Object.hasOwn(schemes, parts.scheme) ? schemes[parts.scheme] : undefined
  if (reader === undefined) {
    say(`Its scheme '${parts.scheme}' is none of this store. ${suggestion(parts.scheme, Object.keys(schemes))}`)
    return null
  }
  return reader({ ...parts, password: passwordOf(port, parts, given, say) }, say)
}

function passwordOf(port: StorePort, parts: UrlParts, { inFile, password }: GivenUrl, say: Say): string | null {
  if (parts.password === null) return password
  const variable = port in passwordVariables ? passwordVariables[port as keyof typeof passwordVariables] : null
  // Of S3 the reader says the same of a user and of a password.
  if (variable === null) return parts.password
  if (inFile) say(`It holds a password, which has no place in a file. Set ${variable} in the environment.`)
  else if (password !== null) say(`It holds a password, and ${variable} is set as well: one is too many.`)
  return parts.password
}

// --- a reader for each scheme

const name = [/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "a name of letters, digits, '.', '_' and '-', at most 64"] as const

const redis: Reader<RedisSetting> = (parts, say) => {
  const [host, another] = hostsOf(parts, 6379, say) ?? []
  if (host === undefined) return null
  if (another !== undefined) say('It names several hosts; one is wanted.')
  const database = /^\/?$/.test(parts.path) ? 0 : wholeNumber(parts.path.slice(1))
  if (database === null) say('After the host stands no number of a database.')
  const query = queryOf(parts, ['prefix'], say)
  const prefix = query.text('prefix', 'sixfold', ...name)
  return {
    technology: 'redis',
    url: `${parts.scheme}://${host.host}:${host.port}/${database}`,
    username: parts.user,
    password: parts.password,
    prefix,
  }
}

const mechanisms = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const

const kafka: Reader<KafkaSetting> = (parts, say) => {
  const hosts = hostsOf(parts, 9092, say)
  if (hosts === null) return null
  if (!/^\/?$/.test(parts.path))
    say('After the hosts it has a path, which means nothing here; the topics are named by prefix.')
  const query = queryOf(parts, ['prefix', 'partitions', 'replication', 'tls', 'sasl'], say)
  const mechanism = query.oneOf('sasl', Object.keys(mechanisms) as (keyof typeof mechanisms)[])
  const { user: username, password } = parts
  if (mechanism === null && (username !== null || password !== null))
    say("It has a user or a password and no 'sasl', which says how they are told to the broker.")
  if (mechanism !== null && username === null) say("It has 'sasl' and no user before '@'.")
  if (mechanism !== null && password === null)
    say(`It has 'sasl', and no password is given. Set ${passwordVariables.log} in the environment.`)
  return {
    technology: 'kafka',
    brokers: hosts.map(({ host, port }) => `${host}:${port}`),
    prefix: query.text('prefix', 'sixfold', ...name),
    partitions: query.count('partitions', 8, 1_000),
    replication: query.count('replication', 3, 100),
    tls: query.flag('tls'),
    sasl:
      mechanism === null || username === null || password === null
        ? null
        : { mechanism: mechanisms[mechanism], username, password },
  }
}

const postgres: Reader<PostgresSetting> = (parts, say) => {
  const [host, another] = hostsOf(parts, 5432, say) ?? []
  if (host === undefined) return null
  if (another !== undefined) say('It names several hosts; one is wanted.')
  const database = parts.path.slice(1)
  if (database === '' || database.includes('/')) say('After the host it names no database.')
  if (parts.user === null) say("It names no user before '@'.")
  const query = queryOf(parts, ['schema', 'sslmode', 'sslrootcert'], say)
  const schema = query.text('schema', 'sixfold', /^[a-z_][a-z0-9_]{0,62}$/, "a name of small letters, digits and '_'")
  const sslmode = query.oneOf('sslmode', ['disable', 'require', 'verify-ca', 'verify-full', 'no-verify'])
  const sslrootcert = query.optional('sslrootcert', /^[^\s]+$/, 'the path of a file')
  const encryption = new URLSearchParams({
    ...(sslmode && { sslmode }),
    ...(sslrootcert && { sslrootcert }),
  }).toString()
  return {
    technology: 'postgres',
    url: `postgres://${encodeURIComponent(parts.user ?? '')}@${host.host}:${host.port}/${encodeURIComponent(database)}${encryption === '' ? '' : `?${encryption}`}`,
    password: parts.password,
    schema,
  }
}

function accessOf(parts: UrlParts, say: Say): S3Access {
  if (parts.user !== null || parts.password !== null)
    say('It holds credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.')
  const query = queryOf(parts, ['region', 'endpoint', 'pathStyle'], say)
  const endpoint = query.optional(
    'endpoint',
    /^https?:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?\/?$/,
    'the address of a server, http:// or https://',
  )
  return {
    technology: 's3',
    region: query.optional('region', /^[a-z0-9-]{1,64}$/, 'the name of a region'),
    endpoint: endpoint?.replace(/\/$/, '') ?? null,
    pathStyle: query.flag('pathStyle'),
  }
}

const s3Place: Reader<S3Place> = (parts, say) => {
  if (parts.authority === '') say('It names no bucket.')
  else if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(parts.authority)) {
    say("Its bucket is not a name of 3 to 63 small letters, digits, '.' and '-'.")
    return null
  }
  const prefix = parts.path.replace(/^\/|\/$/g, '')
  if (prefix !== '' && !/^[A-Za-z0-9!_.*'()=-]+(\/[A-Za-z0-9!_.*'()=-]+)*$/.test(prefix))
    say('After the bucket it has a path with characters that S3 does not keep as they are.')
  return { ...accessOf(parts, say), bucket: parts.authority, prefix }
}

const s3Access: Reader<S3Access> = (parts, say) => {
  if (parts.authority !== '' || !/^\/?$/.test(parts.path)) {
    say('It names a bucket; the buckets are those of the paths in the definitions.')
    return null
  }
  return accessOf(parts, say)
}

const forms: { readonly [P in StorePort]: PortForm<NonNullable<StoreSettings[P]>> } = {
  online: { schemes: { redis, rediss: redis }, example: 'redis://cache.example:6379/0?prefix=sixfold' },
  log: { schemes: { kafka, postgres }, example: 'kafka://b1.example:9092,b2.example:9092?partitions=8&replication=3' },
  metadata: {
    schemes: { postgres },
    example: 'postgres://sixfold@db.example:5432/sixfold?schema=sixfold&sslmode=require',
  },
  artifacts: { schemes: { s3: s3Place }, example: 's3://models/sixfold?region=eu-central-1' },
  offline: { schemes: { s3: s3Access }, example: 's3://?region=eu-central-1' },
  serving: {
    schemes: { postgres },
    example: 'postgres://sixfold@reports.example:5432/reports?schema=sixfold&sslmode=require',
  },
}
