/** Parquet files for tests, written and read without the offline store. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Value } from '../../src/expression/node.ts'
import type { Columns, OfflineStoreSetup, Rows } from '../../src/testing/offline-store.ts'

const types = { string: 'VARCHAR', int64: 'BIGINT', float64: 'DOUBLE', timestamp: 'TIMESTAMPTZ' } as const
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
const literal = (value: Value, type: keyof typeof types): string => {
  if (value === null) return 'NULL'
  if (type === 'timestamp') return `make_timestamptz(${String(value)} * 1000)`
  return quoted(String(value))
}

export async function parquetFiles(): Promise<Pick<OfflineStoreSetup, 'write' | 'read'>> {
  const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  return {
    write: async (path: string, columns: Columns, rows: Rows) => {
      const typed = Object.entries(columns)
      const lines = rows.map(
        (row) => `(${typed.map(([, type], i) => `CAST(${literal(row[i]!, type)} AS ${types[type]})`).join(', ')})`,
      )
      const table = `(VALUES ${lines.join(', ')}) AS t (${typed.map(([name]) => `"${name}"`).join(', ')})`
      await mkdir(dirname(path), { recursive: true })
      const temporary = `${dirname(path)}/${randomUUID()}.part`
      await db.run(`COPY (SELECT * FROM ${table}) TO ${quoted(temporary)} (FORMAT parquet)`)
      await rename(temporary, path)
    },
    read: async (path) => {
      if (!existsSync(path)) return null
      const read = await db.runAndReadAll(`SELECT * FROM read_parquet(${quoted(path)})`)
      return { names: read.columnNames(), rows: read.getRows().map((row) => row.map(plain)) }
    },
  }
}

function plain(value: unknown): Value {
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'object' && value !== null
    ? Number((value as { readonly micros: bigint }).micros / 1000n)
    : (value as Value)
}
