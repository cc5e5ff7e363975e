/**
 * One DuckDB in the process, without a file of its own: it reads Parquet, computes, and writes Parquet. Queries run on DuckDB's
 * threads; what does not fit in its memory goes to the temporary folder. Each request has a session of its own, whose temporary
 * tables no other sees and which are gone with it.
 */
import { mkdirSync } from 'node:fs'
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Type, Value } from '../../expression/node.ts'
import { isList } from '../../expression/node.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { storageError } from '../../kernel/files.ts'
import { toInt64 } from '../../kernel/int64.ts'

export interface DuckDBOptions {
  readonly temporaryFolder: string
  /** By default as many as there are processors. */
  readonly threads?: number
  /** As DuckDB writes it: '4GB'. By default four fifths of the machine's. */
  readonly memory?: string
}

export interface DuckDB {
  session(): Promise<Session>
  close(): void
}

export interface Session {
  run(sql: string, progress?: (done: number) => void): Promise<void>
  /** Makes a temporary table of a query, the first time that the session is asked for it. Gives its number of rows. */
  table(name: string, query: string): Promise<number>
  /** All rows; integers of 64 bits and more come as bigint. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>
  stream(sql: string): AsyncIterable<DuckDBDataChunk>
  close(): void
}

export async function openDuckDB({ temporaryFolder, threads, memory }: DuckDBOptions): Promise<DuckDB> {
  try {
    mkdirSync(temporaryFolder, { recursive: true })
  } catch (error) {
    throw storageError(error, temporaryFolder)
  }
  const instance = await DuckDBInstance.create(':memory:', {
    temp_directory: temporaryFolder,
    autoinstall_known_extensions: 'false',
    ...(threads === undefined ? {} : { threads: String(threads) }),
    ...(memory === undefined ? {} : { memory_limit: memory }),
  })
  return {
    session: async () => sessionOf(await instance.connect()),
    close: () => instance.closeSync(),
  }
}

async function sessionOf(connection: DuckDBConnection): Promise<Session> {
  await connection.run(`SET TimeZone = 'UTC'; SET enable_progress_bar = true; SET enable_progress_bar_print = false`)
  const tables = new Map<string, number>()
  const rows = async (sql: string): Promise<readonly (readonly unknown[])[]> => {
    try {
      return (await connection.runAndReadAll(sql)).getRows()
    } catch (error) {
      throw translate(error)
    }
  }
  return {
    run: async (sql, progress) => {
      const stop = watch(connection, progress)
      try {
        await connection.run(sql)
      } catch (error) {
        throw translate(error)
      } finally {
        stop()
      }
    },
    rows,
    table: async (name, query) => {
      const known = tables.get(name)
      if (known !== undefined) return known
      const [row] = await rows(`CREATE TEMP TABLE ${name} AS ${query}`)
      const count = Number(row![0])
      tables.set(name, count)
      return count
    },
    async *stream(sql) {
      const result = await connection.stream(sql)
      // One chunk ahead: DuckDB computes the next while the caller works on this one.
      let next = result.fetchChunk()
      try {
        for (;;) {
          const chunk = await next
          if (chunk === null || chunk.rowCount === 0) return
          next = result.fetchChunk()
          yield chunk
        }
      } finally {
        await next.catch(() => null)
      }
    },
    close: () => connection.closeSync(),
  }
}

/** Reports DuckDB's own estimate of how much of the query is done, from 0 to 1, a few times a second. */
function watch(connection: DuckDBConnection, progress: ((done: number) => void) | undefined): () => void {
  if (progress === undefined) return () => {}
  const timer = setInterval(() => {
    const { percentage } = connection.progress
    if (percentage >= 0) progress(percentage / 100)
  }, 200)
  return () => clearInterval(timer)
}

function translate(error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error)
  return /No space left|ENOSPC|failed to offload data/i.test(message)
    ? new SixfoldError('SX_STORAGE_FULL', 'The query needs more room than is left on disk.', { cause: error })
    : error
}

/** What DuckDB gives for values of one of our types, in the form that the JavaScript engine holds. */
export function converterFor(type: Type): (value: unknown) => Value {
  if (!isList(type)) return scalarFrom
  return (value) =>
    value === null || value === undefined
      ? null
      : (value as { readonly items: readonly unknown[] }).items.map((item) => scalarFrom(item))
}

function scalarFrom(value: unknown): Value {
  if (typeof value === 'bigint') return toInt64(value)
  // Instants leave DuckDB as timestamps where a person may look at them, in microseconds.
  if (typeof value === 'object' && value !== null) return Number((value as { readonly micros: bigint }).micros / 1000n)
  return (value ?? null) as Value
}
