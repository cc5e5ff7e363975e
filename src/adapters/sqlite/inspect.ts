/** What the file of metadata says of itself. */
import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { isSixfoldError } from '../../kernel/errors.ts'
import type { StoreProblem, StoreReport } from '../../ports/inspection.ts'
import type { MetadataTables } from '../sql/metadata-tables.ts'
import { storageError } from './errors.ts'

export async function inspectSqlite(db: Kysely<MetadataTables>, path: string): Promise<StoreReport> {
  const problems: StoreProblem[] = []
  const facts: { name: string; value: string }[] = []
  let version: string | null = null
  const times: number[] = []
  try {
    version = (await sql<{ version: string }>`select sqlite_version() as version`.execute(db)).rows[0]!.version
    for (let round = 0; round < 5; round += 1) {
      const began = performance.now()
      await db.selectFrom('schema').select('version').execute()
      times.push(performance.now() - began)
    }
    const schema = await db.selectFrom('schema').select('version').executeTakeFirst()
    const mode = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db)
    facts.push({ name: 'schema', value: String(schema?.version ?? 0) })
    facts.push({ name: 'journal', value: mode.rows[0]!.journal_mode })
    facts.push({ name: 'size', value: `${statSync(path).size} bytes` })
    // The files beside it (-wal, -shm) come and go, so that the folder must be writable too.
    for (const place of [path, dirname(path)]) accessSync(place, constants.R_OK | constants.W_OK)
  } catch (error) {
    const known = storageError(error, path)
    problems.push({
      severity: 'error',
      what: known instanceof Error ? known.message : String(known),
      fix: isSixfoldError(known) ? known.fix : 'Restore the file from a copy, or name another folder.',
    })
  }
  times.sort((a, b) => a - b)
  return { technology: 'SQLite', where: path, version, roundTripMs: times[times.length >> 1] ?? null, facts, problems }
}
