/**
 * Many rows into a table. Kysely builds a tree of each value, which for a thousand rows costs as much as writing them: here the text of
 * the statement is made by itself, and is the same for the same number of rows, so that a database that keeps statements can keep it.
 */
import type { Kysely } from 'kysely'
import { CompiledQuery, sql } from 'kysely'
import { tableOf } from './table.ts'

/** Of one statement; with the widest rows below what any database takes for parameters. */
const rowsAtOnce = 250

/** `end` is what stands after the rows, such as `on conflict do nothing`; the table is called `known` in it. Gives what it returns. */
export async function insertRows<Tables, Returned = unknown>(
  db: Kysely<Tables>,
  table: keyof Tables & string,
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
  end: string,
): Promise<readonly Returned[]> {
  const returned: Returned[] = []
  if (rows.length === 0) return returned
  const begin = sql`insert into ${tableOf(db, table)} as known (${sql.join(columns.map((name) => sql.ref(name)))}) values `
  const { sql: text } = begin.compile(db)
  const numbered = sql`${0}`.compile(db).sql !== '?'
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    const some = rows.slice(from, from + rowsAtOnce)
    const places = placesOf(some.length, columns.length, numbered)
    const query = CompiledQuery.raw(`${text}${places} ${end}`, some.flat())
    returned.push(...((await db.executeQuery(query)).rows as Returned[]))
  }
  return returned
}

function placesOf(rows: number, columns: number, numbered: boolean): string {
  if (!numbered) return Array.from({ length: rows }, () => `(${'?, '.repeat(columns - 1)}?)`).join(', ')
  const row = (from: number) => `(${Array.from({ length: columns }, (_, at) => `$${from + at + 1}`).join(', ')})`
  return Array.from({ length: rows }, (_, at) => row(at * columns)).join(', ')
}
