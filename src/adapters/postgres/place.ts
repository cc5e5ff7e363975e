/**
 * Where a PostgreSQL is, as configured and as it may be shown.
 *
 * The URL takes `sslmode=verify-full`, with `sslrootcert=/path/of/ca.pem` where the authority is not one that Node knows,
 * `sslmode=no-verify`, and `sslmode=disable`, which is the default; `require` and `verify-ca` mean `verify-full`. A socket of this
 * machine is `postgres:///database?host=/var/run/postgresql&user=name`.
 */
import pg from 'pg'
import { SixfoldError } from '../../kernel/errors.ts'

export interface PostgresOptions {
  /** Without a password. */
  readonly url: string
  readonly password: string | null
  /** Where the tables lie; created where it is not there. */
  readonly schema: string
  /** How long a call is tried before it rejects. */
  readonly patienceMs: number
}

export interface Place {
  /** The URL without what follows the database, and without a password. */
  readonly where: string
  readonly user: string
  readonly database: string
  readonly schema: string
}

export function placeOf({ url, schema }: PostgresOptions): Place {
  const parsed = parse(url)
  const user = parsed.searchParams.get('user') ?? decodeURIComponent(parsed.username)
  const database = decodeURIComponent(parsed.pathname.slice(1)) || user
  const host = parsed.host || (parsed.searchParams.get('host') ?? '')
  return { where: `postgres://${user === '' ? '' : `${user}@`}${host}/${database}`, user, database, schema }
}

/** What the driver connects with. It has the password in it and is not to be shown. */
export function urlOf({ url, password }: PostgresOptions): string {
  const parsed = parse(url)
  if (password !== null) parsed.searchParams.set('password', password)
  try {
    // Reads the files that the URL names, which every connection would.
    new pg.Client({ connectionString: parsed.href })
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error))
  }
  return parsed.href
}

function parse(url: string): URL {
  try {
    return new URL(url)
  } catch {
    throw invalid('it is no URL')
  }
}

const invalid = (reason: string): SixfoldError =>
  new SixfoldError('SX_CONFIG_INVALID', `The URL of PostgreSQL cannot be used: ${reason}.`, {
    fix: 'Write it as postgres://user@host:5432/database?sslmode=verify-full, without the password.',
  })
