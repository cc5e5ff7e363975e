/** A source's history as events of a view, those of one entity together. */
import type { DuckDBDataChunk } from '@duckdb/node-api'
import { planOf } from '../../aggregation/plan.ts'
import type { Value } from '../../expression/node.ts'
import { duckdb } from '../../expression/targets/duckdb/dialect.ts'
import type { EventBatch, HistoryRequest } from '../../ports/offline-store.ts'
import type { Session } from './connection.ts'
import { converterFor } from './connection.ts'
import type { Resolve } from './door.ts'
import { eventColumns, sourceEvents } from './events.ts'

const id = duckdb.identifier

export async function* readHistory(
  db: Session,
  { view, after, through, afterKey }: HistoryRequest,
  resolve: Resolve,
): AsyncIterable<EventBatch> {
  const plan = planOf(view)
  const events = await sourceEvents(db, plan, resolve, 'all')
  const keys = plan.keyFields.map((field) => id(plan.fields[field]!.name))
  // An instant is whole and below 2^53, so that a float holds it, which costs less to hand over than a 64-bit integer.
  const columns = plan.fields.map(({ name, type }) =>
    type === 'timestamp' ? `CAST(${id(name)} AS DOUBLE) AS ${id(name)}` : id(name),
  )
  const conditions = [`${eventColumns.visible} > ${integer(after)}`, `${eventColumns.visible} <= ${integer(through)}`]
  if (afterKey !== null) {
    const values = afterKey.map((value, i) =>
      duckdb.literal(
        plan.fields[plan.keyFields[i]!]!.type,
        typeof value === 'bigint' ? String(value) : (value as string | number | boolean),
      ),
    )
    conditions.push(`(${keys.join(', ')}) > (${values.join(', ')})`)
  }
  const sql = `SELECT ${columns.join(', ')} FROM ${events} WHERE ${conditions.join(' AND ')} ORDER BY ${[...keys, eventColumns.visible].join(', ')}`
  const converters = plan.fields.map(({ type }) => converterFor(type))
  for await (const chunk of db.stream(sql)) yield { rows: rowsOf(chunk, converters) }
}

const integer = (value: number): string =>
  value === Number.NEGATIVE_INFINITY
    ? '-9223372036854775807'
    : value === Number.POSITIVE_INFINITY
      ? '9223372036854775807'
      : String(value)

/** A chunk's rows, a converter for each of its columns. */
export function rowsOf(
  chunk: DuckDBDataChunk,
  converters: readonly ((value: unknown) => Value)[],
): readonly (readonly Value[])[] {
  const columns = chunk.getColumns()
  const rows = Array.from({ length: chunk.rowCount }, () => new Array<Value>(converters.length))
  for (let c = 0; c < converters.length; c++) {
    const convert = converters[c]!
    const column = columns[c]!
    for (let r = 0; r < rows.length; r++) rows[r]![c] = convert(column[r])
  }
  return rows
}
