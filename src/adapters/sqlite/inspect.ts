/** What the file of metadata says of itself. */
import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { formatBytes } from '../../kernel/size.ts'
import type { StoreProblem, StoreReport } from '../../ports/inspection.ts'
import type { Fact } from '../report.ts'
import { problemOf, roundTripOf } from '../report.ts'
import type { MetadataTables } from '../sql/metadata-tables.ts'
import { storageError } from './errors.ts'

export async function inspectSqlite(db: Kysely<MetadataTables>, path: string): Promise<StoreReport> {
  const problems: StoreProblem[] = []
  const facts: Fact[] = []
  let [version, roundTripMs]: [string | null, number | null] = [null, null]
  try {
    version = (await sql<{ version: string }>`select sqlite_version() as version`.execute(db)).rows[0]!.version
    roundTripMs = await roundTripOf(() => db.selectFrom('schema').select('version').execute())
    const schema = await db.selectFrom('schema').select('version').executeTakeFirst()
    const mode = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db)
    facts.push({ name: 'schema', value: String(schema?.version ?? 0) })
    facts.push({ name: 'journal', value: mode.rows[0]!.journal_mode })
    facts.push({ name: 'size', value: formatBytes(statSync(path).size) })
    // The files beside it (-wal, -shm) come and go, so that the folder must be writable too.
    for (const place of [path, dirname(path)]) accessSync(place, constants.R_OK | constants.W_OK)
  } catch (error) {
    problems.push(problemOf(storageError(error, path), 'Restore the file from a copy, or name another folder.'))
  }
  return { technology: 'SQLite', where: path, version, roundTripMs, facts, problems }
}
