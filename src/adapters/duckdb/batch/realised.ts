/** What came of an archived batch: its rows joined to the outcomes of their keys, and one pass that adds up how far they were from each other. */
import type { Batch, RealisedBounds } from '../../../definition/batch.ts'
import { duckdb } from '../../../expression/targets/duckdb/dialect.ts'
import { durationMs } from '../../../kernel/duration.ts'
import { SixfoldError } from '../../../kernel/errors.ts'
import type { BatchFiles, RealisedOutput } from '../../../ports/batch-rows.ts'
import type { Session } from '../connection.ts'
import type { FileColumns, Place, Resolve } from '../door.ts'
import { canonical, columnsOf, readParquet } from '../door.ts'

const id = duckdb.identifier
/** Probabilities are kept from 0 and 1 by this much, as where quality is measured in real time. */
const epsilon = 2 ** -52

export async function realisedOf(
  db: Session,
  batch: Batch,
  files: BatchFiles,
  at: number,
  resolve: Resolve,
): Promise<readonly RealisedOutput[]> {
  const { data, at: when, zone, labels, delay } = batch.gate.outcomes!
  const place: Place = { code: 'SX_OUTCOME_INVALID', what: `batch '${batch.name}': its outcomes '${data.path}'` }
  const where = resolve(data.path)
  const columns = await columnsOf(db, data.path, where, `batch '${batch.name}', gate.outcomes`, place.code)
  if (files.paths.length === 0) return []
  const archive = await columnsOf(db, files.paths[0]!, files.paths, 'a batch', 'SX_STORE_CORRUPT')
  const keys = Object.entries(batch.key)
  const measures = Object.entries(labels).flatMap(([output, column], i) =>
    archive.has(output) ? measuresOf(batch, output, `o.${id(`_sx_label_${i}`)}`, column, columns, place) : [],
  )
  if (measures.length === 0) return []
  const moment = canonical(when, 'timestamp', columns, zone, place)
  const parts = keys.map(([part, type], i) => `${canonical(part, type, columns, zone, place)} AS ${keyOf(i)}`)
  const kept = Object.entries(labels).map(
    ([output, column], i) => `${labelOf(batch, output, column, columns, place)} AS ${id(`_sx_label_${i}`)}`,
  )
  // Of each key the first after the run, and by the time at which everything of it is known.
  const first = `SELECT DISTINCT ON (${keys.map((_, i) => keyOf(i)).join(', ')}) * FROM (
    SELECT ${[...parts, ...kept, `${moment} AS _sx_moment`].join(', ')} FROM ${readParquet(where)}
  ) WHERE _sx_moment > ${at} AND _sx_moment <= ${at + durationMs(delay)} ORDER BY ${keys.map((_, i) => keyOf(i)).join(', ')}, _sx_moment`
  const on = keys.map(([part, type], i) => `${asKey(part, type)} = o.${keyOf(i)}`).join(' AND ')
  try {
    await db.table(outcomesTable, first)
  } catch (error) {
    const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new SixfoldError(place.code, `${place.what} cannot be read. ${why}`, { cause: error })
  }
  const figures = measures.flatMap(({ sql }) => [`count(${sql})`, `avg(${sql})`, `stddev_samp(${sql})`])
  const [row] = await db.rows(
    `SELECT ${figures.join(', ')} FROM ${readParquet(files.paths)} b JOIN ${outcomesTable} o ON ${on}`,
  )
  return measures.map(({ output, measure }, i) => {
    const [examples, value, deviation] = row!.slice(3 * i, 3 * i + 3).map((figure) => Number(figure ?? 0)) as [
      number,
      number,
      number,
    ]
    return { output, measure, examples, value, deviation }
  })
}

/** Read by itself first, so that what is wrong with a file is said of the right one. */
const outcomesTable = '_sx_outcomes'

const keyOf = (i: number): string => id(`_sx_key_${i}`)
/** Instants lie in an archive as DuckDB has them, and come through the door as numbers. */
const asKey = (part: string, type: string): string =>
  type === 'timestamp' ? `epoch_ms(b.${id(part)})` : `b.${id(part)}`

/** The label as a number or a text; nothing where it is none of what the output can be. */
function labelOf({ model }: Batch, output: string, column: string, columns: FileColumns, place: Place): string {
  const kind = model.output[output]
  if (typeof kind === 'object') return canonical(column, 'string', columns, null, place)
  if (kind === 'probability' && columns.get(column) === 'BOOLEAN') return `CAST(${id(column)} AS DOUBLE)`
  const value = canonical(column, 'float64', columns, null, place)
  return kind === 'probability' ? `(CASE WHEN ${value} IN (0, 1) THEN ${value} END)` : value
}

interface Measured {
  readonly output: string
  readonly measure: keyof RealisedBounds
  readonly sql: string
}

function measuresOf(
  { model }: Batch,
  output: string,
  label: string,
  column: string,
  columns: FileColumns,
  place: Place,
): readonly Measured[] {
  const kind = model.output[output]
  labelOf({ model } as Batch, output, column, columns, place)
  const said = `b.${id(output)}`
  const of = (measure: Measured['measure'], sql: string): Measured => ({ output, measure, sql })
  if (kind === 'number') return [of('meanAbsoluteError', `abs(${said} - ${label})`)]
  if (kind !== 'probability') return [of('wrong', `CAST(${said} <> ${label} AS DOUBLE)`)]
  const p = `least(greatest(CAST(${said} AS DOUBLE), ${epsilon}), ${1 - epsilon})`
  return [
    of('logLoss', `-ln(CASE WHEN ${label} = 1 THEN ${p} WHEN ${label} = 0 THEN 1 - ${p} END)`),
    of('brier', `(${said} - ${label}) * (${said} - ${label})`),
    of('calibration', `${said} - ${label}`),
  ]
}
