/** What a run of the command left: versions it registered itself, or a model that is yet to be registered. */
import { SixfoldError } from '../kernel/errors.ts'
import type { ModelVersion, VersionFile } from '../ports/registry-store.ts'
import type { Run, TrackingStore } from '../ports/tracking-store.ts'
import type { Registry } from '../registry/index.ts'
import type { Attempt } from './attempt.ts'
import { ownFolder, parentTag } from './tags.ts'

export interface Produced {
  readonly files: readonly VersionFile[]
  readonly entry: string
  readonly source: string
  readonly loggedModel: string | null
}

const most = 1_000

/** Of the run, and of runs within it, as a search over parameters makes them; oldest first. */
export async function versionsOf(
  run: Run,
  { registry, tracking }: { readonly registry: Pick<Registry, 'searchVersions'>; readonly tracking: TrackingStore },
): Promise<readonly ModelVersion[]> {
  const within = await tracking.searchRuns(
    [run.experiment],
    {
      where: [{ of: 'tag', key: parentTag, operator: '=', value: run.id }],
      order: [{ of: 'attribute', key: 'start_time', descending: true }],
      limit: most,
      offset: 0,
    },
    'active',
  )
  const { items } = await registry.searchVersions({
    where: [{ of: 'attribute', key: 'run_id', operator: 'IN', value: [run.id, ...within.items.map(({ id }) => id)] }],
    order: [{ of: 'attribute', key: 'creation_timestamp', descending: false }],
    limit: most,
    offset: 0,
  })
  return items
}

/** The newest logged model with an ONNX file; else one among the files of the run, which are also those of SIXFOLD_OUTPUT. Null: there is none. */
export async function modelLeft(
  { run, output }: Pick<Attempt, 'run' | 'output'>,
  tracking: TrackingStore,
): Promise<Produced | null> {
  const { items } = await tracking.searchLoggedModels([run.experiment], {
    where: [{ of: 'attribute', key: 'source_run_id', operator: '=', value: run.id }],
    order: [{ of: 'attribute', key: 'creation_timestamp', descending: true }],
    limit: most,
    offset: 0,
  })
  for (const logged of items) {
    const files = await below(tracking, `${run.experiment}/models/${logged.id}/artifacts/`)
    const found = chosen(files, `the logged model '${logged.name}'`)
    if (found !== null) return { ...found, source: `models:/${logged.id}`, loggedModel: logged.id }
  }
  const own = `${run.experiment}/${run.id}/artifacts/`
  const files =
    output.length > 0 ? output : (await below(tracking, own)).filter(({ path }) => !path.startsWith(`${ownFolder}/`))
  const found = chosen(files, output.length > 0 ? 'SIXFOLD_OUTPUT' : 'the artifacts of the run')
  if (found === null) return null
  const source = `runs:/${run.id}/${output.length > 0 ? 'output' : found.folder}`.replace(/\/$/, '')
  return { ...found, source, loggedModel: null }
}

async function below(tracking: TrackingStore, folder: string): Promise<readonly VersionFile[]> {
  const files = await tracking.files(folder.replace(/\/$/, ''), most)
  return files.map(({ path, sha256, bytes }) => ({ path: path.slice(folder.length), sha256, bytes }))
}

/** The ONNX file, and all that lies in its folder or below: its data may be among them. */
function chosen(
  files: readonly VersionFile[],
  where: string,
): { readonly files: readonly VersionFile[]; readonly entry: string; readonly folder: string } | null {
  const found = files.filter(({ path }) => path.endsWith('.onnx'))
  if (found.length === 0) return null
  const entry = found.length === 1 ? found[0]! : found.find(({ path }) => path.split('/').at(-1) === 'model.onnx')
  if (entry === undefined)
    throw new SixfoldError(
      'SX_TRAINING_FAILED',
      `The command left ${found.length} ONNX files in ${where}: ${found.map(({ path }) => path).join(', ')}.`,
      { fix: "Name the one that is to be the version 'model.onnx'." },
    )
  const folder = entry.path.includes('/') ? entry.path.slice(0, entry.path.lastIndexOf('/') + 1) : ''
  return {
    files: files
      .filter(({ path }) => path.startsWith(folder))
      .map((file) => ({ ...file, path: file.path.slice(folder.length) })),
    entry: entry.path.slice(folder.length),
    folder,
  }
}
