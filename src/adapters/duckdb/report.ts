/** What DuckDB says of itself, whether it has room for what does not fit in memory, and whether remote files can be reached. */
import { mkdir } from 'node:fs/promises'
import { storageError } from '../../kernel/files.ts'
import type { StoreReport } from '../../ports/inspection.ts'
import { inspectFolder } from '../files/inspect.ts'
import { problemOf, roundTripOf } from '../report.ts'
import type { DuckDB, DuckDBOptions } from './connection.ts'
import { openDuckDB } from './connection.ts'
import type { RemoteFiles } from './remote.ts'

interface ReportOptions extends DuckDBOptions {
  readonly remote: RemoteFiles | null
}

/** Where DuckDB has not been started, it is for as long as this takes. */
export async function reportOf(
  options: ReportOptions,
  histories: readonly string[],
  running: Promise<DuckDB> | null,
): Promise<StoreReport> {
  const { temporaryFolder, remote } = options
  const report = { technology: 'DuckDB', where: temporaryFolder, version: null, roundTripMs: null }
  const asked = await Promise.allSettled([
    ask(options, running),
    mkdir(temporaryFolder, { recursive: true }).then(() => inspectFolder(temporaryFolder)),
    remote === null ? null : remote.inspect(histories),
  ])
  return {
    ...report,
    ...(asked[0].status === 'fulfilled' ? asked[0].value : {}),
    facts: asked.flatMap((one) => (one.status === 'fulfilled' ? (one.value?.facts ?? []) : [])),
    problems: asked.flatMap((one) =>
      one.status === 'rejected'
        ? [problemOf(storageError(one.reason, temporaryFolder), 'See that the folder exists and can be written to.')]
        : one.value !== null && 'problems' in one.value
          ? one.value.problems
          : [],
    ),
  }
}

async function ask(
  options: DuckDBOptions,
  running: Promise<DuckDB> | null,
): Promise<Pick<StoreReport, 'version' | 'roundTripMs' | 'facts'>> {
  const db = await (running ?? openDuckDB(options))
  try {
    const session = await db.session()
    try {
      const roundTripMs = await roundTripOf(() => session.rows('SELECT 1'))
      const [row] = await session.rows(
        `SELECT version(), current_setting('threads')::VARCHAR, current_setting('memory_limit')`,
      )
      const [version, threads, memory] = row!.map(String)
      return {
        version: version!.replace(/^v/, ''),
        roundTripMs,
        facts: [
          { name: 'threads', value: threads! },
          { name: 'memory', value: `at most ${memory}` },
        ],
      }
    } finally {
      session.close()
    }
  } finally {
    if (running === null) db.close()
  }
}
