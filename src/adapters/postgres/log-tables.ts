/**
 * The tables of the event log, and its statements. A row of log_batch holds the entries that were written together; a topic's row in
 * log_topic says where the next batch begins. Whoever appends holds the topic's row until its batch is committed, so that batches
 * become visible in the order of their positions and none is left out.
 */
import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Migrations } from '../sql/migrate.ts'

export interface LogTables {
  log_identity: { id: string }
  log_topic: { topic: string; next: number; bytes: number }
  log_batch: { topic: string; first: number; count: number; writer: string; seq: number; at: Date; bytes: Buffer }
  log_follower: { group: string; member: string; topics: string; joined: Date; until: Date }
}

export const logMigrations: Migrations<LogTables> = {
  table: 'log_schema',
  steps: [
    async (db, { integer }) => {
      const text = 'text' as const
      await db.schema
        .createTable('log_identity')
        .addColumn('id', text, (column) => column.notNull())
        .execute()
      await db
        .insertInto('log_identity')
        .values({ id: `postgres:${randomUUID()}` })
        .execute()
      await db.schema
        .createTable('log_topic')
        .addColumn('topic', text, (column) => column.primaryKey())
        .addColumn('next', integer, (column) => column.notNull())
        .addColumn('bytes', integer, (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('log_batch')
        .addColumn('topic', text, (column) => column.notNull())
        .addColumn('first', integer, (column) => column.notNull())
        .addColumn('count', 'integer', (column) => column.notNull())
        .addColumn('writer', text, (column) => column.notNull())
        .addColumn('seq', integer, (column) => column.notNull())
        .addColumn('at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
        .addColumn('bytes', 'bytea', (column) => column.notNull())
        .addPrimaryKeyConstraint('log_batch_key', ['topic', 'first'])
        // A batch that is sent again after its answer was lost is found here.
        .addUniqueConstraint('log_batch_writer', ['topic', 'writer', 'seq'])
        .execute()
      await db.schema
        .createTable('log_follower')
        .addColumn('group', text, (column) => column.notNull())
        .addColumn('member', text, (column) => column.notNull())
        .addColumn('topics', text, (column) => column.notNull())
        .addColumn('joined', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
        .addColumn('until', 'timestamptz', (column) => column.notNull())
        .addPrimaryKeyConstraint('log_follower_key', ['group', 'member'])
        .execute()
    },
  ],
}

export interface Batch {
  readonly topic: string
  readonly writer: string
  /** The number of its first entry among those that the writer has appended to the topic. */
  readonly seq: number
  readonly count: number
  readonly bytes: Buffer
}

/** Gives the position of the first entry. Fails with a duplicate, and changes nothing, where the batch is there. */
export async function insertBatch(db: Kysely<LogTables>, schema: string, batch: Batch): Promise<number> {
  const { topic, writer, seq, count, bytes } = batch
  const result = await sql<{ first: number }>`
    with taken as (
      insert into ${sql.id(schema, 'log_topic')} as known (topic, next, bytes)
      values (${topic}, ${count}::int, ${bytes.length}::int)
      on conflict (topic) do update set next = known.next + excluded.next, bytes = known.bytes + excluded.bytes
      returning next - ${count}::int as first)
    insert into ${sql.id(schema, 'log_batch')} (topic, first, count, writer, seq, bytes)
    select ${topic}, first, ${count}::int, ${writer}, ${seq}::bigint, ${bytes}::bytea from taken
    returning first`.execute(db)
  return result.rows[0]!.first
}

/** The batch of a writer in which its entry of this number lies, if it does. */
export async function batchOf(db: Kysely<LogTables>, topic: string, writer: string, seq: number) {
  const found = await db
    .selectFrom('log_batch')
    .select(['first', 'count', 'seq', 'bytes'])
    .where('topic', '=', topic)
    .where('writer', '=', writer)
    .where('seq', '<=', seq)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return found !== undefined && seq < found.seq + found.count ? found : null
}

/** What one read brings into memory, unless a single batch is larger. */
const readBytes = 4 * 1024 * 1024

/** Batches that hold positions of [from, from + limit): the first of them, as many as fit. */
export async function batchesFrom(
  db: Kysely<LogTables>,
  schema: string,
  topic: string,
  from: number,
  limit: number,
): Promise<readonly { readonly first: number; readonly bytes: Buffer }[]> {
  const batches = sql.id(schema, 'log_batch')
  const result = await sql<{ first: number; bytes: Buffer }>`
    select first, bytes from (
      select first, bytes, sum(octet_length(bytes)) over (order by first) - octet_length(bytes) as before
      from ${batches}
      where topic = ${topic} and first < ${from + limit}::bigint and first >= coalesce(
        (select max(first) from ${batches} where topic = ${topic} and first <= ${from}::bigint), 0)
    ) as found
    where before < ${readBytes}::bigint order by first`.execute(db)
  return result.rows
}

export async function endsOf(db: Kysely<LogTables>, topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (topics.length === 0) return new Map()
  const rows = await db.selectFrom('log_topic').select(['topic', 'next']).where('topic', 'in', topics).execute()
  return new Map(rows.map(({ topic, next }) => [topic, next]))
}
