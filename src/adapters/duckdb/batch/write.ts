/** Answers into a Parquet file: by one thread, so that the same rows give the same bytes. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DuckDBType } from '@duckdb/node-api'
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBDataChunk,
  DuckDBInstance,
  FLOAT,
  LIST,
  listValue,
  VARCHAR,
} from '@duckdb/node-api'
import { duckdb } from '../../../expression/targets/duckdb/dialect.ts'
import type { Column, Columns, WrittenColumn } from '../../../ports/batch-rows.ts'

const types: { readonly [T in WrittenColumn['type']]: DuckDBType } = {
  string: VARCHAR,
  int64: BIGINT,
  // In milliseconds here; it leaves as a timestamp with a zone.
  timestamp: BIGINT,
  float64: DOUBLE,
  float32: FLOAT,
  boolean: BOOLEAN,
  'float64[]': LIST(DOUBLE),
}
const vectorRows = 2_048
const id = duckdb.identifier

export async function writeRows(
  path: string,
  columns: readonly WrittenColumn[],
  rows: AsyncIterable<Columns>,
  temporaryFolder: string,
): Promise<{ readonly rows: number; readonly bytes: number }> {
  const instance = await DuckDBInstance.create(':memory:', {
    temp_directory: temporaryFolder,
    threads: '1',
    memory_limit: '512MB',
  })
  const temporary = `${path}.part`
  try {
    const connection = await instance.connect()
    await connection.run(
      `CREATE TABLE answers (${columns.map(({ name, type }) => `${id(name)} ${String(types[type])}`).join(', ')})`,
    )
    const appender = await connection.createAppender('answers')
    const chunk = DuckDBDataChunk.create(
      columns.map(({ type }) => types[type]),
      vectorRows,
    )
    let count = 0
    for await (const given of rows) {
      for (let from = 0; from < given.rows; from += vectorRows) {
        const to = Math.min(given.rows, from + vectorRows)
        chunk.reset()
        chunk.rowCount = to - from
        for (const [i, column] of given.columns.entries()) fill(chunk, i, column, from, to)
        appender.appendDataChunk(chunk)
      }
      count += given.rows
    }
    appender.closeSync()
    const selected = columns.map(({ name, type }) =>
      type === 'timestamp' ? `CAST(make_timestamp(${id(name)} * 1000) AS TIMESTAMPTZ) AS ${id(name)}` : id(name),
    )
    await connection.run(
      `SET TimeZone = 'UTC'; COPY (SELECT ${selected.join(', ')} FROM answers) TO ${duckdb.literal('string', temporary)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    connection.closeSync()
    sync(temporary)
    renameSync(temporary, path)
    sync(dirname(path))
    return { rows: count, bytes: statSync(path).size }
  } finally {
    rmSync(temporary, { force: true })
    instance.closeSync()
  }
}

function sync(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

interface Writable {
  readonly items?: Float64Array | Float32Array | BigInt64Array
  readonly validity: { setItemValid(index: number, valid: boolean): void }
  setItem(index: number, value: unknown): void
  flush(): void
}

function fill(chunk: DuckDBDataChunk, at: number, { type, values, valid }: Column, from: number, to: number): void {
  const vector = chunk.getColumnVector(at) as unknown as Writable
  const { items } = vector
  const whole = valid === null || valid.subarray(from, to).every((one) => one === 1)
  if (items !== undefined && whole && values instanceof items.constructor)
    (items as Float64Array).set((values as Float64Array).subarray(from, to), 0)
  else
    for (let i = from; i < to; i++)
      vector.setItem(i - from, valid !== null && valid[i] === 0 ? null : plainOf(type, values[i], items))
  vector.flush()
}

function plainOf(type: Column['type'], value: unknown, items: Writable['items']): unknown {
  if (value === null || value === undefined) return null
  if (type === 'boolean') return value === 1 || value === true
  if (type === 'float64[]') return listValue(value as number[])
  return items instanceof BigInt64Array && typeof value === 'number' ? BigInt(value) : value
}
