/** `publish.table`: how it is written, and what of it is refused with the definitions. */
import { expect, test } from 'vitest'
import type { ServingTable } from '../../src/definition/batch.ts'
import { batch } from '../../src/definition/batch.ts'
import { describe as described, hashOfDefinition } from '../../src/definition/describe.ts'
import { entity } from '../../src/definition/entity.ts'
import { model } from '../../src/definition/model.ts'
import { platform } from '../../src/definition/platform.ts'
import { parquet, source } from '../../src/definition/source.ts'
import { view } from '../../src/definition/view.ts'
import { count } from '../../src/expression/aggregates.ts'

const shop = entity('shop', { key: { shop: 'string' } })
const sales = source('sales', { fields: { shop: 'string', at: 'timestamp' }, time: 'at' })
const selling = view('selling', { entity: shop, source: sales, features: () => ({ sales: count().over('1d') }) })
const busy = model('busy', {
  inputs: { selling },
  vector: ({ selling: { sales } }) => ({ sales }),
  output: { busy: 'number' },
  fallback: () => ({ busy: 0 }),
})
const named = <Name extends string>(name: Name, table?: string | ServingTable | null) =>
  batch(name, { model: busy, rows: parquet('rows.parquet'), publish: table === undefined ? {} : { table } })
const refusal = (...tables: readonly (string | ServingTable)[]): string => {
  const batches = Object.fromEntries(tables.map((table, i) => [`b${i}`, named(`b${i}`, table)]))
  try {
    platform({ shop, sales, selling, busy, ...batches })
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

test('a name is in the schema public, unless it says in which', () => {
  expect(named('b').publish.table).toBeNull()
  expect(named('b', 'tonight').publish.table).toEqual({ schema: 'public', name: 'tonight' })
  expect(named('b', 'risk.tonight').publish.table).toEqual({ schema: 'risk', name: 'tonight' })
  expect(named('b', { schema: 'a.b', name: 'c.d' }).publish.table).toEqual({ schema: 'a.b', name: 'c.d' })
  expect(refusal({ schema: 'a.b', name: 'c.d' }, 'Tonight', 'tonight')).toBe('')
})

test('a batch that is no table has the identity that it had before there were any', () => {
  expect(hashOfDefinition(named('b', null))).toBe(hashOfDefinition(named('b')))
  expect(described(named('b'))['publish']).toEqual({ keep: 7, promise: null, ttl: null, standIn: false })
  expect(hashOfDefinition(named('b', 'tonight'))).not.toBe(hashOfDefinition(named('b')))
})

test.each<[string | ServingTable, string]>([
  ['', 'it has no name'],
  ['.x', 'it has no schema'],
  [{ schema: 'public' } as ServingTable, 'it has no name'],
  ['x'.repeat(64), 'its name has more than 63 bytes'],
  ['é'.repeat(32), 'its name has more than 63 bytes'],
  ['a\0b', 'its name has characters that no name has'],
  ['\ud800', 'its name has characters that no name has'],
  ['pg_catalog.x', "'pg_catalog' is a schema of PostgreSQL's own"],
  ['information_schema.x', "'information_schema' is a schema of PostgreSQL's own"],
])('%j is refused', (table, problem) => {
  expect(refusal(table)).toContain(`batch 'b0', publish.table: ${problem}`)
})

test('two batches cannot be one table', () => {
  expect(refusal('tonight', { schema: 'public', name: 'tonight' })).toContain(
    "batch 'b1', publish.table: the batch 'b0' is the table public.tonight already",
  )
})
