/** Every question about batches finds its rows by an index, whatever the number of runs; and leases of those who died are forgotten. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CompiledQuery } from 'kysely'
import { Kysely, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { expect, it, onTestFinished } from 'vitest'
import { sqlBatchStore } from '../../src/adapters/sql/batch/store.ts'
import type { BatchTables } from '../../src/adapters/sql/batch/tables.ts'
import { sqliteDialect, sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import type { BatchStore } from '../../src/ports/batch-store.ts'
import { long, newRun, outputOf, parts, runOut, scoring, taking } from '../../src/testing/batch-store-tools.ts'

interface Stage {
  readonly batches: BatchStore
  readonly database: Database.Database
  readonly asked: CompiledQuery[]
}

async function stage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-batches-'))
  const path = join(folder, 'metadata.sqlite')
  await (await sqliteMetadataStore(path)).close()
  const database = new Database(path)
  const asked: CompiledQuery[] = []
  const db = new Kysely<BatchTables>({
    dialect: new SqliteDialect({ database: database as never }),
    log: ({ query }) => {
      asked.push(query)
    },
  })
  onTestFinished(async () => {
    await db.destroy()
    rmSync(folder, { recursive: true })
  })
  const work = <T>(of: (db: Kysely<BatchTables>) => Promise<T>): Promise<T> => of(db)
  return { batches: sqlBatchStore({ read: work, write: work, dialect: sqliteDialect }), database, asked }
}

it('finds every row by an index', async () => {
  const { batches, database, asked } = await stage()
  const { run, lease } = await scoring(batches, parts(3))
  const of = { environment: 'here', limit: 20 }
  const one = await taking(batches, run.id)
  await batches.finish(run.id, one, outputOf('a'))
  await batches.fail(run.id, await taking(batches, run.id), { code: 'X', message: 'x' }, true)
  await batches.take(run.id, 'worker', long, 2)
  await batches.renew(lease, long)
  await batches.holder(lease.name)
  await batches.workers(run.id)
  await batches.partitions(run.id)
  await batches.advance(run.id, lease, 'scoring', 'failed', {})
  await batches.again(run.id)
  await batches.version('delays', 'here', 1)
  await batches.runs(of)
  await batches.runs({ ...of, batch: 'delays' })
  await batches.runs({ ...of, batch: 'delays', before: 7 })
  await batches.runs({ ...of, batch: 'delays', from: 1, until: 2 })
  await batches.runs({ ...of, batch: 'delays', states: ['published', 'refused'] })
  await batches.runs({ ...of, batch: 'delays', occasion: 'x' })
  await batches.runs({ ...of, states: ['scoring'] })
  await batches.live('here')
  await batches.tellUse(run.id, 'server', { lookups: 1, hits: 1, keys: '', at: 1 })
  await batches.use(run.id)
  await batches.release(lease)
  await batches.advance(run.id, lease, 'scoring', 'failed', {})
  await batches.retire(run.id)

  expect(asked.length).toBeGreaterThan(40)
  const scans = new Set<string>()
  for (const { sql, parameters } of asked)
    for (const { detail } of database.prepare(`explain query plan ${sql}`).all(...parameters) as { detail: string }[])
      if (/^SCAN/.test(detail) && !/batches_token|CONSTANT ROWS/.test(detail)) scans.add(`${detail}: ${sql}`)
  expect([...scans]).toEqual([])
})

it('forgets leases that ran out long ago, and their holders have lost them', async () => {
  const { batches, database } = await stage()
  const dead = await batches.lease('dead', 'somebody', long)
  const late = await batches.lease('late', 'somebody', 1)
  await runOut(1)
  database.exec(`update batches_lease set until = until - ${long} - 86400000 where name = 'dead'`)
  const next = await batches.lease('next', 'somebody', long)
  expect(database.prepare('select name from batches_lease order by name').all()).toEqual([
    { name: 'late' },
    { name: 'next' },
  ])
  expect([await batches.renew(dead!, long), await batches.renew(late!, long)]).toEqual([false, true])
  const again = await batches.lease('dead', 'somebody', long)
  expect(again!.token).toBeGreaterThan(next!.token)
  expect((await batches.begin(newRun())).version).toBe(1)
})
