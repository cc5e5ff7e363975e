/** What PostgreSQL says of itself to `sixfold doctor` and `sixfold status`. */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { limits } from '../../kernel/limits.ts'
import { formatBytes } from '../../kernel/size.ts'
import type { StoreProblem, StoreReport } from '../../ports/inspection.ts'
import { aheadOf, clockFact, problemOf, roundTripOf } from '../report.ts'
import type { Postgres } from './connection.ts'

/** PostgreSQL 12 is the oldest whose statements these are; tests run on 15. */
const oldest = 120_000
const inspectMs = 2_000

interface Said {
  version: string
  number: number
  standby: boolean
  bytes: number
  used: number
  most: number
  create: boolean
  fsync: string
  commit: string
  encrypted: boolean
}

/** `table` keeps the version of the store's schema. */
export async function inspectPostgres<Tables>(
  postgres: Postgres<Tables>,
  table: string,
  more: StoreReport['facts'] = [],
): Promise<StoreReport> {
  const report = { technology: 'PostgreSQL', where: `${postgres.where} ${postgres.schema}` }
  try {
    return { ...report, ...(await postgres.run((db) => ask(db, postgres, table, more), inspectMs)) }
  } catch (error) {
    const problem = problemOf(error, 'See the log of the database server.')
    return { ...report, version: null, roundTripMs: null, facts: more, problems: [problem] }
  }
}

async function ask<Tables>(
  db: Kysely<Tables>,
  { schema, user, where }: Postgres<Tables>,
  table: string,
  more: StoreReport['facts'],
): Promise<Omit<StoreReport, 'technology' | 'where'>> {
  const roundTripMs = await roundTripOf(() => sql`select 1`.execute(db))
  const result = await sql<Said>`select
    current_setting('server_version') as version, current_setting('server_version_num')::int as number,
    pg_is_in_recovery() as standby, pg_database_size(current_database()) as bytes,
    (select count(*) from pg_stat_activity where backend_type = 'client backend') as used,
    current_setting('max_connections')::int as most,
    coalesce((select has_schema_privilege(nspname, 'create') from pg_namespace where nspname = ${schema}), false) as "create",
    current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
    coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted`.execute(db)
  const said = result.rows[0]!
  const kept = await sql<{ version: number }>`select version from ${sql.id(schema, table)}`.execute(db)
  const clock = clockFact(
    await aheadOf(async () => {
      const now = sql<{ now: number }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`
      return (await now.execute(db)).rows[0]!.now
    }),
    limits.skewMs,
  )
  return {
    version: said.version,
    roundTripMs,
    facts: [
      { name: 'schema', value: String(kept.rows[0]?.version ?? 0) },
      ...more,
      { name: 'database size', value: formatBytes(said.bytes) },
      { name: 'connections', value: `${said.used} of ${said.most}` },
      { name: 'role', value: said.standby ? 'standby' : 'primary' },
      { name: 'encrypted', value: said.encrypted ? 'yes' : 'no' },
      clock.fact,
    ],
    problems: [...problemsOf(said, `${where} ${schema}`, `"${schema}" to "${user}"`), ...clock.problems],
  }
}

function problemsOf(said: Said, where: string, grantee: string): readonly StoreProblem[] {
  const problems: StoreProblem[] = []
  const add = (wrong: boolean, severity: StoreProblem['severity'], what: string, fix: string): void => {
    if (wrong) problems.push({ severity, what, fix })
  }
  add(said.number < oldest, 'error', `${where} is PostgreSQL ${said.version}.`, 'Use PostgreSQL 12 or newer.')
  add(said.standby, 'error', `${where} is a standby, which cannot be written to.`, 'Name the primary.')
  add(
    !said.create,
    'warning',
    `The user may not create tables in the schema of ${where}: a newer Sixfold could not migrate it.`,
    `As the owner: grant create on schema ${grantee};`,
  )
  add(
    said.fsync !== 'on' || said.commit === 'off',
    'warning',
    `What ${where} acknowledges may be lost with its power: fsync is ${said.fsync}, synchronous_commit ${said.commit}.`,
    'Set both to on.',
  )
  add(
    said.used > said.most * 0.8,
    'warning',
    `${said.used} of ${said.most} connections of ${where} are used.`,
    'Raise max_connections, or put a pooler in front.',
  )
  return problems
}
