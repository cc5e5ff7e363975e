/** The rows of a batch as a relation: keys, request fields and the instant of each, through the door that all history enters by. */
import type { Batch } from '../../../definition/batch.ts'
import { rowKeysOf } from '../../../definition/batch.ts'
import { shapesOf } from '../../../definition/field.ts'
import { requestOf } from '../../../definition/model.ts'
import { duckdb } from '../../../expression/targets/duckdb/dialect.ts'
import { durationMs } from '../../../kernel/duration.ts'
import type { FileColumns, Files, Place } from '../door.ts'
import { canonical, readParquet, within } from '../door.ts'

const id = duckdb.identifier
export const keyColumn = (part: string): string => id(`_sx_key_${part}`)
export const requestColumn = (name: string): string => id(`_sx_request_${name}`)
export const momentColumn = '_sx_moment'
export const rowColumn = '_sx_row'

export const placeOf = (batch: Batch): Place => ({
  code: 'SX_ROWS_INVALID',
  what: `the rows of batch '${batch.name}'`,
})

/** As of which instant a row's features are taken, in SQL. Throws SX_ROWS_INVALID. */
export function momentOf(batch: Batch, at: number, columns: FileColumns): string {
  const { at: when } = batch
  if (when === 'run') return `CAST(${at} AS BIGINT)`
  if ('before' in when) return `CAST(${at - durationMs(when.before)} AS BIGINT)`
  return canonical(when.column, 'timestamp', columns, when.zone, placeOf(batch))
}

/** `condition` is about `file_row_number`. Throws SX_ROWS_INVALID where a column is missing or is of another type. */
export function rowsRelation(
  batch: Batch,
  at: number,
  files: Files,
  columns: FileColumns,
  condition: string | null,
): string {
  const place = placeOf(batch)
  const { model } = batch
  const zone = typeof batch.at === 'object' && 'column' in batch.at ? batch.at.zone : null
  const selected = [
    `file_row_number AS ${rowColumn}`,
    `${momentOf(batch, at, columns)} AS ${momentColumn}`,
    ...Object.entries(rowKeysOf(batch)).map(
      ([part, type]) => `${canonical(part, type, columns, zone, place)} AS ${keyColumn(part)}`,
    ),
    ...shapesOf(requestOf(model.inputs)).map(
      (shape) =>
        `${within(shape, canonical(shape.name, shape.type, columns, zone, place))} AS ${requestColumn(shape.name)}`,
    ),
  ]
  const from = readParquet(files).replace(/\)$/, ', file_row_number = true)')
  return `(SELECT ${selected.join(', ')} FROM ${from}${condition === null ? '' : ` WHERE ${condition}`})`
}
