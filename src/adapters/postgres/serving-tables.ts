/**
 * Batches as tables of PostgreSQL. A version's table lies in Sixfold's own schema, under a name of its own; what readers see is a view in the
 * schema that they named, and what it shows is decided, fenced and written down in one transaction.
 */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import pg from 'pg'
import { SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { persist } from '../../kernel/persist.ts'
import type { ServedVersion, ServingColumn, ServingTables, Shown, TableName } from '../../ports/serving-tables.ts'
import { inTransaction } from '../sql/transaction.ts'
import type { Postgres, PostgresOptions } from './connection.ts'
import { lockOf, openPostgres } from './connection.ts'
import { prepare } from './dialect.ts'
import { passes, storeError } from './errors.ts'
import { inspectPostgres } from './inspect.ts'
import type { ServingBooks } from './serving-bookkeeping.ts'
import { servingMigrations, tableOf } from './serving-bookkeeping.ts'
import { fillTable } from './serving-fill.ts'
import { placeFor, quoted, refused, showIn } from './serving-view.ts'

const connections = 2
/** Who waits for a lock keeps all that come later from reading: rather often than long. */
const lockMs = 500
const dropLockMs = 100
const reachMs = 500

/** Connects when it is first asked. */
export function postgresServingTables(options: PostgresOptions): ServingTables {
  const postgres = openPostgres<ServingBooks>(options, connections)
  const { run, schema, answerMs } = postgres
  let prepared: Promise<void> | null = null
  const ready = (): Promise<void> => {
    prepared ??= prepare(postgres, servingMigrations).catch((error: unknown) => {
      prepared = null
      throw error
    })
    return prepared
  }
  /** All that is said of one name comes one after another. */
  const transact = <T>(name: string, waitMs: number, work: (db: Kysely<ServingBooks>) => Promise<T>): Promise<T> =>
    run((db) => {
      const begin = `begin; set local statement_timeout = ${answerMs}; set local lock_timeout = ${Math.min(waitMs, answerMs / 2)};
        set local idle_in_transaction_session_timeout = ${answerMs * 2};
        select pg_advisory_xact_lock(${lockOf(`${schema} serving ${name}`)})`
      return inTransaction(db, (one) => sql.raw(begin).execute(one), work)
    })

  const sweep = async (): Promise<void> => {
    const unwanted = await run((db) =>
      db.selectFrom('serving_version').select('run').where('unwanted', '=', true).execute(),
    )
    for (const { run: one } of unwanted)
      await transact(one, dropLockMs, (db) => dropOne(db, schema, one)).catch((error: unknown) => {
        if (!(error instanceof InUse)) throw error
      })
  }

  return {
    check: async ({ environment, batch, table }) => {
      await ready()
      await run(async (db) => {
        await placeFor(db, postgres, table)
        await ownerOf(db, { environment, batch, table })
      })
    },
    fill: async (version, filling) => {
      await ready()
      const until = performance.now() + options.patienceMs
      const attempt = () => fillTable(options, version, filling)
      await persist(attempt, { until, passes, signal: filling.signal }).catch((error: unknown) => {
        throw filled(storeError(error, postgres), version)
      })
    },
    show: async (version, token, over = null) => {
      await ready()
      const { schema: of, name } = version.table
      return transact(JSON.stringify([of, name]), lockMs, (db) => show(db, postgres, version, token, over)).catch(
        (error: unknown) => {
          throw causeOf(error)?.code === lockNotHad ? held(version.table, postgres.where, error) : error
        },
      )
    },
    hide: async (of, token) => {
      await ready()
      const { schema: at, name } = of.table
      await transact(JSON.stringify([at, name]), lockMs, async (db) => {
        const found = await placeFor(db, postgres, of.table)
        const owner = await ownerOf(db, of)
        if (found === null || owner === undefined || owner.token > token) return
        await sql`drop view ${sql.id(at, name)}`.execute(db)
        await db.updateTable('serving_view').set({ token }).where('schema', '=', at).where('name', '=', name).execute()
      })
    },
    shown: async (table) => {
      await ready()
      return run(async (db) => {
        const found = await placeFor(db, postgres, table)
        return found?.tables.length === 1 ? found.tables[0]!.slice(tableOf('').length) : null
      })
    },
    drop: async (one) => {
      await ready()
      await run((db) => db.updateTable('serving_version').set({ unwanted: true }).where('run', '=', one).execute())
      await sweep()
    },
    inspect: async () => {
      // Without the patience of who wants something of it.
      const there = await run((db) => sql`select 1`.execute(db), reachMs).catch(() => null)
      if (there !== null) await ready().catch(() => {})
      const kept = await run((db) => db.selectFrom('serving_version').select('run').execute(), 0).catch(() => [])
      return inspectPostgres(postgres, servingMigrations.table, [{ name: 'versions', value: String(kept.length) }])
    },
    close: postgres.close,
  }
}

async function show(
  db: Kysely<ServingBooks>,
  postgres: Postgres<ServingBooks>,
  version: ServedVersion,
  token: number,
  over: string | null,
): Promise<Shown> {
  const { table, run, environment, batch } = version
  const found = await placeFor(db, postgres, table)
  const owner = await ownerOf(db, version)
  if (owner !== undefined && owner.token > token && owner.run !== over) return { run: owner.run }
  const kept = await db
    .selectFrom('serving_version')
    .select(['columns', 'version', 'at'])
    .where('run', '=', run)
    .where(sql<boolean>`to_regclass(${quoted({ schema: postgres.schema, name: tableOf(run) })}) is not null`)
    .forUpdate()
    .executeTakeFirst()
  if (kept === undefined) return 'unfilled'
  const columns = JSON.parse(kept.columns) as readonly ServingColumn[]
  if (found?.tables.join() !== tableOf(run)) await showIn(db, postgres, found, { ...table, run, ...kept, columns })
  await db
    .insertInto('serving_view')
    .values({ ...table, environment, batch, run, version: kept.version, token })
    .onConflict((one) => one.columns(['schema', 'name']).doUpdateSet({ run, version: kept.version, token }))
    .execute()
  failpoint('publish: before the table is shown')
  return 'shown'
}

/** Throws SX_SERVING_TABLE where another batch shows itself under the name. */
async function ownerOf(
  db: Kysely<ServingBooks>,
  { environment, batch, table }: Pick<ServedVersion, 'environment' | 'batch' | 'table'>,
) {
  const owner = await db
    .selectFrom('serving_view')
    .selectAll()
    .where('schema', '=', table.schema)
    .where('name', '=', table.name)
    .executeTakeFirst()
  if (owner !== undefined && (owner.environment !== environment || owner.batch !== batch))
    throw refused(`${quoted(table)} shows the batch '${owner.batch}' of the environment '${owner.environment}'.`, {
      fix: 'Give each its own: another name in publish.table, or another database in stores.serving.',
    })
  return owner
}

/** Somebody reads it, now or through a view: it is dropped with one of the next calls. */
class InUse extends Error {}

async function dropOne(db: Kysely<ServingBooks>, schema: string, run: string): Promise<void> {
  const found = await db
    .selectFrom('serving_version')
    .select('unwanted')
    .where('run', '=', run)
    .forUpdate()
    .executeTakeFirst()
  if (found?.unwanted !== true) return
  // Not even asked for: whoever waits to drop it would keep its readers waiting.
  const shown = await db.selectFrom('serving_view').select('run').where('run', '=', run).executeTakeFirst()
  if (shown !== undefined) throw new InUse()
  await sql`drop table if exists ${sql.id(schema, tableOf(run))}`.execute(db).catch((error: unknown) => {
    throw [lockNotHad, dependedOn].includes(causeOf(error)?.code ?? '') ? new InUse() : error
  })
  await db.deleteFrom('serving_version').where('run', '=', run).execute()
}

const lockNotHad = '55P03'
/** By a view of somebody's own. */
const dependedOn = '2BP01'

const causeOf = (error: unknown): pg.DatabaseError | null => {
  const cause = error instanceof SixfoldError ? error.cause : error
  return cause instanceof pg.DatabaseError ? cause : null
}
const held = (table: TableName, where: string, cause: unknown): SixfoldError =>
  new SixfoldError(
    'SX_STORE_UNAVAILABLE',
    `Transactions that read ${quoted(table)} at ${where} are open for long: the view cannot be set.`,
    { cause, fix: 'End them: select pid, xact_start, query from pg_stat_activity order by xact_start; then resume.' },
  )

/** What a version's rows can have that a table cannot. */
function filled(error: unknown, { batch, version }: ServedVersion): unknown {
  const code = causeOf(error)?.code
  if (code === '22021')
    return refused(`A text of version ${version} of '${batch}' has a NUL character, which PostgreSQL cannot keep.`, {
      fix: 'Leave it out of keys and labels, or do without publish.table.',
    })
  if (code === '54000')
    return refused(`A key of version ${version} of '${batch}' is longer than an index of PostgreSQL takes.`, {
      fix: 'Name rows by less than 2,700 bytes, or do without publish.table.',
    })
  return error
}
