/** The vectors of a partition's rows, as columns, in the order of its rows. */

import { rowKeysOf } from '../../../definition/batch.ts'
import { shapesOf } from '../../../definition/field.ts'
import { requestOf, viewsOf } from '../../../definition/model.ts'
import type { Scalar } from '../../../expression/node.ts'
import { typeOf, walk } from '../../../expression/node.ts'
import { duckdb } from '../../../expression/targets/duckdb/dialect.ts'
import { compile } from '../../../expression/targets/sql/compile.ts'
import type { Fragment } from '../../../expression/targets/sql/writer.ts'
import { Writer } from '../../../expression/targets/sql/writer.ts'
import type { Columns, VectorRequest } from '../../../ports/batch-rows.ts'
import type { Session } from '../connection.ts'
import type { Resolve } from '../door.ts'
import { columnsOf, readParquet } from '../door.ts'
import type { RowColumns } from '../joined.ts'
import { inputsOf, joinViews } from '../joined.ts'
import type { Selected } from './columns.ts'
import { Gathered } from './columns.ts'
import { checkUnchanged } from './plan.ts'
import { readable, scalars } from './read.ts'
import { keyColumn, momentColumn, placeOf, requestColumn, rowColumn, rowsRelation } from './rows.ts'

const id = duckdb.identifier

/** Rows of what is given at once: enough to be worth a call, few enough to lie in the processor's cache. */
const chunkRows = 16_384

export async function* vectorsOf(
  db: Session,
  { batch, at, input, path, single, previous }: VectorRequest,
  resolve: Resolve,
): AsyncIterable<Columns> {
  const { model } = batch
  const file = input.kind === 'file' ? input.file.path : path!
  if (input.kind === 'file') checkUnchanged(input.file)
  const columns = await columnsOf(db, file, file, placeOf(batch).what, 'SX_ROWS_INVALID')
  const span = input.kind === 'file' ? `file_row_number >= ${input.from} AND file_row_number < ${input.to}` : null
  const relation = rowsRelation(batch, at, file, columns, span)
  const views = viewsOf(model.inputs).map(([group, view]) => ({ group, view }))
  const rows: RowColumns = { relation, row: rowColumn, moment: momentColumn, keyColumn, requestColumn }
  const writer = new Writer(duckdb, '_sx_e')
  let base = relation
  let feature: Parameters<typeof inputsOf>[3] = () => {
    throw new Error('A model without views reads a feature.')
  }
  if (views.length > 0) {
    await db.table('_sx_labels', `SELECT * FROM ${relation}`)
    const joined = await joinViews(db, views, { ...rows, relation: '_sx_labels' }, resolve)
    base = joined.base
    feature = joined.feature
  }
  const refer = inputsOf(model, writer, rows, feature)
  const selected: Selected[] = []
  const outputs: { readonly name: string; readonly value: Fragment }[] = []
  const add = (name: string, type: Scalar, value: Fragment): void => {
    const asFloat = single.has(name)
    selected.push({ name, type, single: asFloat })
    outputs.push({ name, value: asFloat ? writer.of([value], (sql) => `CAST(${sql} AS FLOAT)`) : value })
  }
  for (const [part, type] of Object.entries(rowKeysOf(batch))) add(`keys__${part}`, type, writer.atom(keyColumn(part)))
  const read = requestRead(batch)
  for (const { name, type } of shapesOf(requestOf(model.inputs)))
    if (read.has(name)) add(`request__${name}`, type, writer.atom(requestColumn(name)))
  for (const [entry, node] of Object.entries(model.vector))
    add(`vector__${entry}`, typeOf(node) as Scalar, compile(node, writer, refer))
  // A join gives rows in no order; without one they come as the file has them.
  const joins = views.length > 0 || previous !== null
  const query = writer.select(base, joins ? [rowColumn] : [], outputs)
  const names = outputs.map(({ name }) => id(name))
  let from = `(${query}) _r`
  if (previous !== null && previous.paths.length > 0) {
    const { columns: before, join } = await previousOf(db, previous, Object.keys(batch.key))
    names.push(...before.map(({ name }) => id(name)))
    selected.push(...before)
    from += ` ${join}`
  }
  const ordered = joins ? `SELECT ${names.join(', ')} FROM ${from} ORDER BY ${rowColumn}` : query
  const gathered = new Gathered(selected, chunkRows)
  for await (const chunk of db.stream(ordered)) {
    if (!gathered.fits(chunk.rowCount)) yield gathered.take()
    gathered.add(chunk)
  }
  if (gathered.rows > 0) yield gathered.take()
  // What changed while it was read is a mixture.
  if (input.kind === 'file') checkUnchanged(input.file)
}

/** Fields of the request that the decision or a segment reads; of the others the vector has what is wanted. */
function requestRead({ decision, segments, unknown }: VectorRequest['batch']): ReadonlySet<string> {
  const names = new Set<string>()
  for (const node of [decision, unknown.segment, ...Object.values(segments)])
    for (const leaf of node === null ? [] : walk(node))
      if (leaf.kind === 'input' && leaf.group === 'request') names.add(leaf.name)
  return names
}

/** Of two rows with one key in the batch before, which its gate would have refused, the greater answers. */
async function previousOf(
  db: Session,
  { paths, columns: wanted }: NonNullable<VectorRequest['previous']>,
  keys: readonly string[],
): Promise<{ readonly columns: readonly Selected[]; readonly join: string }> {
  const physical = await columnsOf(db, paths[0]!, paths, 'the batch before', 'SX_STORE_CORRUPT')
  const columns = wanted
    .filter((name) => physical.has(name))
    .map((name): Selected => {
      const type = scalars[physical.get(name)!] ?? 'string'
      return { name: `previous__${name}`, type, single: physical.get(name) === 'FLOAT' }
    })
  const values = columns.map(({ name }) => {
    const own = name.slice('previous__'.length)
    return `max(${readable(own, physical.get(own)!)}) AS ${id(name)}`
  })
  const parts = keys.map((part) => `${readable(part, physical.get(part)!)} AS ${id(`_sx_previous_${part}`)}`)
  const on = keys.map((part) => `_r.${id(`keys__${part}`)} = _p.${id(`_sx_previous_${part}`)}`)
  return {
    columns,
    join: `LEFT JOIN (SELECT ${[...parts, ...values].join(', ')} FROM ${readParquet(paths)} GROUP BY ${parts.map((_, i) => i + 1).join(', ')}) _p ON ${on.join(' AND ')}`,
  }
}
