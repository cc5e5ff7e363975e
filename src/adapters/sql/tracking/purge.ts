/**
 * Taking away for good what was deleted long enough ago: experiments with all they have, runs, logged models, and the paths of their files.
 * What the files were made of goes when it is collected, unless something else refers to it.
 */
import { sql } from 'kysely'
import type { Purged } from '../../../ports/tracking-store.ts'
import { tableOf } from '../table.ts'
import type { Db } from './values.ts'

const atOnce = 500

export async function purge(db: Db, before: number, dryRun: boolean): Promise<Purged> {
  const experiments = await db
    .selectFrom('experiment')
    .select('id')
    .where('lifecycle', '=', 'deleted')
    .where('updated', '<', before)
    // The one that is always there can be restored for ever.
    .where('id', '<>', 0)
    .execute()
  const within = experiments.map(({ id }) => id)
  const gone = (column: 'run' | 'logged_model') =>
    within.length === 0
      ? sql<boolean>`1 = 0`
      : sql<boolean>`${sql.ref(`${column}.experiment`)} in (${sql.join(within)})`
  const runs = await db
    .selectFrom('run')
    .select(['seq', 'artifact_uri'])
    .where((where) =>
      where.or([where.and([where('lifecycle', '=', 'deleted'), where('deleted', '<', before)]), gone('run')]),
    )
    .execute()
  const models = await db
    .selectFrom('logged_model')
    .select(['seq', 'artifact_uri'])
    .where((where) =>
      where.or([where.and([where('deleted', '=', 1), where('updated', '<', before)]), gone('logged_model')]),
    )
    .execute()
  const folders = [
    // An experiment may lie where others lie as well; by its number it is alone.
    ...within.map(String),
    ...[...runs, ...models].flatMap(({ artifact_uri: uri }) => folderIn(uri) ?? []),
  ]
  const artifacts = await freed(db, folders)
  if (!dryRun) {
    for (const folder of folders)
      await sql`delete from ${tableOf(db, 'tracked_file')} where ${below(folder)}`.execute(db)
    for (const seqs of some(runs.map(({ seq }) => seq))) {
      for (const table of ['run_tag', 'run_parameter', 'metric', 'latest_metric', 'run_dataset', 'run_model'] as const)
        await db.deleteFrom(table).where('run', 'in', seqs).execute()
      await db.deleteFrom('run').where('seq', 'in', seqs).execute()
    }
    for (const seqs of some(models.map(({ seq }) => seq))) {
      for (const table of ['logged_model_tag', 'logged_model_parameter', 'model_metric'] as const)
        await db.deleteFrom(table).where('model', 'in', seqs).execute()
      await db.deleteFrom('logged_model').where('seq', 'in', seqs).execute()
    }
    for (const ids of some(within)) {
      for (const table of ['experiment_tag', 'dataset'] as const)
        await db.deleteFrom(table).where('experiment', 'in', ids).execute()
      await db.deleteFrom('experiment').where('id', 'in', ids).execute()
    }
  }
  return { experiments: within.length, runs: runs.length, loggedModels: models.length, artifacts }
}

/** What only files in these folders refer to. */
async function freed(db: Db, folders: readonly string[]): Promise<readonly string[]> {
  const inside = new Map<string, number>()
  const counted = new Set<string>()
  for (const folder of folders) {
    const { rows } = await sql<{ path: string; sha256: string }>`
      select path, sha256 from ${tableOf(db, 'tracked_file')} where ${below(folder)}`.execute(db)
    for (const { path, sha256 } of rows) {
      // A run of an experiment that goes lies in both folders.
      if (counted.has(path)) continue
      counted.add(path)
      inside.set(sha256, (inside.get(sha256) ?? 0) + 1)
    }
  }
  const still = new Set<string>()
  for (const these of some([...inside.keys()])) {
    const { rows } = await sql<{ artifact: string; n: number | string }>`
      select sha256 as artifact, count(*) as n from ${tableOf(db, 'tracked_file')} where sha256 in (${sql.join(these)}) group by sha256`.execute(
      db,
    )
    for (const { artifact, n } of rows) if (Number(n) > inside.get(artifact)!) still.add(artifact)
    const named = await sql<{ artifact: string }>`
      select artifact from ${tableOf(db as never, 'artifact_reference' as never)} where artifact in (${sql.join(these)})`.execute(
      db,
    )
    for (const { artifact } of named.rows) still.add(artifact)
  }
  return [...inside.keys()].filter((artifact) => !still.has(artifact)).sort()
}

/** Where the files of a run or a model lie: 'mlflow-artifacts:/1/RUN/artifacts'. What lies elsewhere is not kept here. */
const folderIn = (uri: string): string | null => /^mlflow-artifacts:\/+(.+)\/artifacts$/.exec(uri)?.[1] ?? null

/** Paths that begin with the folder and a slash: those up to the character after it. */
const below = (folder: string) => sql`path > ${`${folder}/`} and path < ${`${folder}0`}`

function* some<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += atOnce) yield all.slice(from, from + atOnce)
}
