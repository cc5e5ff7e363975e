/** The tracking store in a SQL database: which method asks what. Each that writes is one transaction, each that reads one statement. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import type { TrackedFile, TrackingStore } from '../../../ports/tracking-store.ts'
import type { SqlDialect } from '../migrate.ts'
import { tableOf } from '../table.ts'
import * as experiments from './experiments.ts'
import * as log from './log.ts'
import * as models from './models.ts'
import { purge } from './purge.ts'
import * as runs from './runs.ts'
import type { Db } from './values.ts'

export interface TrackingAccess {
  read<T>(work: (db: Db) => Promise<T>): Promise<T>
  write<T>(work: (db: Db) => Promise<T>): Promise<T>
  readonly dialect: SqlDialect
  /** Rejects with SX_ARTIFACT_CONDEMNED where nothing may begin to refer to the artifact. */
  refer(db: Db, artifacts: readonly string[]): Promise<void>
}

export function sqlTrackingStore({ read, write, dialect, refer }: TrackingAccess): TrackingStore {
  return {
    createExperiment: (experiment, at) => {
      const call = randomUUID()
      return write((db) => experiments.createExperiment(db, experiment, at, call))
    },
    experiment: (id) => read((db) => experiments.experimentWhere(db, 'id', id)),
    experimentNamed: (name) => read((db) => experiments.experimentWhere(db, 'name', name)),
    updateExperiment: (id, change, at) => write((db) => experiments.updateExperiment(db, id, change, at)),
    tagExperiment: (id, key, value, at) => write((db) => experiments.tagExperiment(db, id, key, value, at)),
    searchExperiments: (search, view) => read((db) => experiments.searchExperiments(db, search, view, dialect)),

    createRun: (run) => write((db) => runs.createRun(db, run)),
    run: (id) => read((db) => runs.runOf(db, id)),
    updateRun: (id, change) => write((db) => runs.updateRun(db, id, change)),
    searchRuns: (ids, search, view) => read((db) => runs.searchRuns(db, ids, search, view, dialect)),

    log: (id, batch) => write((db) => log.log(db, id, batch)),
    logInputs: (id, datasets, inputs) => write((db) => log.logInputs(db, id, datasets, inputs)),
    logOutputs: (id, outputs) => write((db) => log.logOutputs(db, id, outputs)),
    metricHistory: (id, key, limit, offset) => read((db) => log.metricHistory(db, id, key, limit, offset)),

    createLoggedModel: (model, at) => write((db) => models.createLoggedModel(db, model, at)),
    loggedModel: (id) => read((db) => models.loggedModelOf(db, id)),
    updateLoggedModel: (id, change, at) => write((db) => models.updateLoggedModel(db, id, change, at)),
    searchLoggedModels: (ids, search) => read((db) => models.searchLoggedModels(db, ids, search, dialect)),

    putFile: (file) =>
      write(async (db) => {
        if (Buffer.byteLength(file.path) > pathBytes)
          throw new SixfoldError('SX_PATH_INVALID', `A path of ${pathBytes} bytes is the longest.`)
        await refuseMixed(db, file.path)
        await refer(db, [file.sha256])
        await db
          .insertInto('tracked_file')
          .values(file)
          .onConflict((conflict) =>
            conflict.column('path').doUpdateSet({ sha256: file.sha256, bytes: file.bytes, at: file.at }),
          )
          .execute()
      }),
    file: (path) =>
      read(
        async (db) =>
          (await db.selectFrom('tracked_file').selectAll().where('path', '=', path).executeTakeFirst()) ?? null,
      ),
    files: (folder, limit) =>
      read(
        async (db) =>
          (
            await sql<TrackedFile>`select path, sha256, bytes, at from ${tableOf(db, 'tracked_file')}
              where ${folder === '' ? sql`1 = 1` : below(folder)} order by path limit ${limit}`.execute(db)
          ).rows,
      ),
    purge: (before, dryRun) => (dryRun ? read : write)((db) => purge(db, before, dryRun)),
    deleteFiles: (path) =>
      write(async (db) => {
        const gone =
          await sql`delete from ${tableOf(db, 'tracked_file')} where path = ${path} or (${below(path)})`.execute(db)
        return Number(gone.numAffectedRows ?? 0n)
      }),
  }
}

/** No index holds longer keys in every database. */
const pathBytes = 2_000

/** Paths that begin with the folder and a slash: those up to the character after it. */
/** Where it is put, so that of two that come at once the second finds the first. */
async function refuseMixed(db: Db, path: string): Promise<void> {
  const parts = path.split('/')
  const above = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'))
  const isAbove = above.length === 0 ? sql`1 = 0` : sql`path in (${sql.join(above)})`
  const { rows } = await sql<Pick<TrackedFile, 'path'>>`select path from ${tableOf(db, 'tracked_file')}
    where ${isAbove} or (${below(path)}) limit 1`.execute(db)
  const [other] = rows
  if (other === undefined) return
  const [file, folder] = other.path.length < path.length ? [other.path, path] : [path, other.path]
  throw new SixfoldError(
    'SX_PATH_INVALID',
    `'${shorten(file, 200)}' cannot be a file and have '${shorten(folder, 200)}' below it.`,
    {
      fix: 'Use another path.',
    },
  )
}

const below = (folder: string) => sql`path > ${`${folder}/`} and path < ${`${folder}0`}`
