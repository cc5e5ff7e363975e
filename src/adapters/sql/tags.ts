/** Texts that are kept by key, in a table of their own beside what they belong to. */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { insertRows } from './insert.ts'
import { tableOf } from './table.ts'

/** The last of several with one key counts; null removes. `column` says whose they are. */
export async function setTags<Tables>(
  db: Kysely<Tables>,
  table: keyof Tables & string,
  column: string,
  owner: number,
  tags: Iterable<readonly [key: string, value: string | null]>,
): Promise<void> {
  const last = [...new Map(tags)]
  await insertRows(
    db,
    table,
    [column, 'key', 'value'],
    last.filter(([, value]) => value !== null).map(([key, value]) => [owner, key, value]),
    `on conflict (${column}, key) do update set value = excluded.value`,
  )
  for (const [key, value] of last)
    if (value === null)
      await sql`delete from ${tableOf(db, table)} where ${sql.ref(column)} = ${owner} and key = ${key}`.execute(db)
}
