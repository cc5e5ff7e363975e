/** The JavaScript and the DuckDB target give every expression the same value, to the last bit. */
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Node, Value } from '../../src/expression/node.ts'
import { duckdb } from '../../src/expression/targets/duckdb/dialect.ts'
import { compile as toJavaScript } from '../../src/expression/targets/javascript/compile.ts'
import { compile as toSql } from '../../src/expression/targets/sql/compile.ts'
import type { Fragment } from '../../src/expression/targets/sql/writer.ts'
import { Writer } from '../../src/expression/targets/sql/writer.ts'
import { toInt64 } from '../../src/kernel/int64.ts'
import { columnTypes, exact, row } from './expressions.ts'
import { runs } from './runs.ts'

const names = Object.keys(columnTypes)

test('JavaScript and DuckDB agree on every expression and row', { timeout: 600_000 }, async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const expression = fc.oneof(exact.int64, exact.float64, exact.boolean, exact.string, exact.timestamp, exact.duration)
  await fc.assert(
    fc.asyncProperty(
      fc.array(expression, { minLength: 1, maxLength: 6 }),
      fc.array(row, { minLength: 1, maxLength: 12 }),
      async (expressions, rows) => {
        const nodes = expressions.map(({ node }) => node)
        const values = rows.map((values, i) => `(${[i, ...values.map((value, c) => literal(value, c))].join(', ')})`)
        const base = `(VALUES ${values.join(', ')}) AS base(n, ${names.map(duckdb.identifier).join(', ')})`
        const writer = new Writer(duckdb)
        const outputs = nodes.map((node, i) => ({ name: `r${i}`, value: toSql(node, writer, refer) }))
        const sql = `${writer.select(base, ['n'], outputs)} ORDER BY n`
        const fromSql = (await (await connection.run(sql)).getRows()).map(([, ...results]) => results.map(normal))
        const compiled = nodes.map((node) => toJavaScript(node, (leaf) => names.indexOf((leaf as Node<'column'>).name)))
        const fromJavaScript = rows.map((values) => compiled.map((evaluate) => evaluate(values.map(normal))))
        expect(fromSql, sql).toEqual(fromJavaScript)
      },
    ),
    runs(2_000),
  )
})

const refer = (leaf: Node): Fragment => ({
  text: duckdb.identifier((leaf as Node<'column'>).name),
  level: 0,
  atomic: true,
})
function literal(value: unknown, column: number): string {
  const type = columnTypes[names[column]!]!
  return `CAST(${duckdb.literal(type, value as never)} AS ${{ boolean: 'BOOLEAN', int64: 'BIGINT', float64: 'DOUBLE', string: 'VARCHAR', timestamp: 'BIGINT', duration: 'BIGINT' }[type]})`
}
const normal = (value: unknown): Value => (typeof value === 'bigint' ? toInt64(value) : (value as Value))
