/** The batch store in a SQL database: which method asks what. Each that writes is one transaction, each that reads one statement. */
import { randomUUID } from 'node:crypto'
import type { Expression } from 'kysely'
import type { BatchStore } from '../../../ports/batch-store.ts'
import type { SqlDialect } from '../migrate.ts'
import * as leases from './leases.ts'
import * as partitions from './partitions.ts'
import type { Db } from './rows.ts'
import { json, partitionFrom, runFrom, runRow } from './rows.ts'
import * as runs from './runs.ts'
import { checkText } from './text.ts'
import { tellUse } from './use.ts'

export interface BatchAccess {
  read<T>(work: (db: Db) => Promise<T>): Promise<T>
  write<T>(work: (db: Db) => Promise<T>): Promise<T>
  readonly dialect: SqlDialect
}

export function sqlBatchStore({ read, write, dialect }: BatchAccess): BatchStore {
  const now = dialect.now as Expression<number>
  return {
    begin: async (run) => {
      checkText(run)
      return write((db) => runs.begin(db, run, now))
    },
    run: (id) =>
      read(async (db) => {
        const row = await runRow(db, id)
        return row === undefined ? null : runFrom(row)
      }),
    version: (batch, environment, version) =>
      read(async (db) => {
        const row = await db
          .selectFrom('batches_run')
          .selectAll()
          .where('environment', '=', environment)
          .where('batch', '=', batch)
          .where('version', '=', version)
          .executeTakeFirst()
        return row === undefined ? null : runFrom(row)
      }),
    runs: (query) => read((db) => runs.runs(db, query)),
    partitions: (run) =>
      read(async (db) => {
        const rows = await db
          .selectFrom('batches_partition')
          .selectAll()
          .where('run', '=', run)
          .orderBy('number')
          .execute()
        return rows.map(partitionFrom)
      }),

    lease: async (name, holder, ms) => {
      checkText({ name, holder })
      const call = randomUUID()
      return write(async (db) => {
        const held = await leases.heldNamed(db, name, now)
        if (held?.call === call) return { name, token: held.token }
        return held !== null && held.left > 0 ? null : leases.give(db, name, { holder, call, ms }, now)
      })
    },
    renew: (lease, ms) => write((db) => leases.renew(db, lease, ms, now)),
    release: (lease) => write((db) => leases.release(db, lease)),
    holder: (name) =>
      read(async (db) => {
        const held = await leases.heldNamed(db, name, now)
        return held === null || held.left <= 0 ? null : { holder: held.holder, leftMs: held.left }
      }),

    workers: (run) => read((db) => leases.workers(db, run, now)),

    advance: (run, lease, from, to, change) => {
      const call = randomUUID()
      return write((db) => runs.advance(db, run, { lease, from, to, change, call }, now))
    },
    planned: (run, lease, plan, parts) => {
      const call = randomUUID()
      return write((db) => runs.planned(db, run, { lease, plan, partitions: parts, call }, now))
    },

    take: async (run, holder, ms, only = null) => {
      checkText({ holder })
      const call = randomUUID()
      return write((db) => partitions.take(db, run, { holder, ms, only, call }, now))
    },
    finish: (run, partition, output) => write((db) => partitions.finish(db, run, partition, output, now)),
    fail: (run, partition, error, final) =>
      write((db) => partitions.fail(db, run, partition, json(error)!, final, now)),
    again: (run, asked = false) => write((db) => partitions.again(db, run, asked, now)),

    live: (environment) =>
      read(async (db) =>
        db.selectFrom('batches_live').selectAll().where('environment', '=', environment).orderBy('batch').execute(),
      ),
    holds: (environment) =>
      read((db) =>
        db
          .selectFrom('batches_hold')
          .select(['batch', 'actor', 'reason', 'at'])
          .where('environment', '=', environment)
          .orderBy('batch')
          .execute(),
      ),
    retire: (run) => write((db) => runs.retire(db, run)),

    tellUse: async (run, server, use) => {
      checkText({ server, keys: use.keys })
      await write((db) => tellUse(db, run, server, use))
    },
    use: (run) =>
      read((db) =>
        db
          .selectFrom('batches_use')
          .select(['lookups', 'hits', 'keys', 'at'])
          .where('run', '=', run)
          .orderBy('server')
          .execute(),
      ),
  }
}
