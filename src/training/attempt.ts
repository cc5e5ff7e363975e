/** One run of a training command: the run that its client resumes, its data at hand as files, its output kept, and how it ended. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { ArtifactStore } from '../ports/artifact-store.ts'
import type { Facts, RegistryStore } from '../ports/registry-store.ts'
import type { Run, TrackingStore } from '../ports/tracking-store.ts'
import { referring } from '../registry/index.ts'
import type { CommandEnd } from './command.ts'
import { exitCodeOf, runCommand } from './command.ts'
import type { RowSets, SetName } from './data.ts'
import { datasetOf, fileOf, tagsOfSet } from './data.ts'
import { beatMs, endDeadRuns, trainerTag } from './dead.ts'
import { hardware, hashOfPackages, located, packageLines, packagesOf } from './surroundings.ts'
import { ownFolder, packagesFile, tags } from './tags.ts'

export interface AttemptOptions {
  readonly artifacts: ArtifactStore
  readonly tracking: TrackingStore
  readonly store: RegistryStore
  readonly clock: Clock
  /** In which each training has a folder of its own for as long as it takes. */
  readonly folders: string
  /** Variables of whoever trains. */
  readonly environment: { readonly [name: string]: string | undefined }
  readonly user: string
  /** The version of Sixfold. */
  readonly by: string
  /** Where a tracking client reaches these stores. */
  address(): Promise<TrackingAddress>
}
export interface TrackingAddress {
  readonly url: string
  /** What a client has to send; null where nothing is asked. */
  readonly token: string | null
  close(): Promise<void>
}

export interface Watching {
  readonly signal: AbortSignal
  output(chunk: Uint8Array): void | Promise<void>
  step(what: string): void
  progress(done: number): void
}

export interface Recipe {
  readonly model: string
  readonly experiment: string
  readonly command: readonly string[]
  readonly environment: { readonly [name: string]: string }
  readonly seeds: { readonly [name: string]: string }
  /** In which the command runs, and from which a program with a slash is looked for where it is not there. */
  readonly folder: string
  readonly project: string
  readonly tags: { readonly [tag: string]: string }
}

export interface Attempt {
  readonly run: Run
  readonly end: CommandEnd
  readonly exitCode: number
  /** What the command left in SIXFOLD_OUTPUT, by path. */
  readonly output: readonly { readonly path: string; readonly sha256: string; readonly bytes: number }[]
  readonly dependencies: NonNullable<Facts['dependencies']> | null
  /** The end of what the command wrote. */
  readonly said: string
}

/** The command may leave data of many files; a folder of more is no model. */
const mostFiles = 1_000
const saidBytes = 4_096

/** `make` writes the sets into the folder it is given. What the attempt made is used by `then` while its folder is still there. */
export async function attempt<T>(
  recipe: Recipe,
  options: AttemptOptions,
  watching: Watching,
  make: (folder: string) => Promise<RowSets>,
  then: (attempt: Attempt, sets: RowSets) => Promise<T>,
): Promise<T> {
  const { artifacts, tracking, clock, folders } = options
  const id = randomBytes(16).toString('hex')
  const folder = join(folders, id)
  const experiment = await experimentOf(tracking, recipe.experiment, clock.now())
  await endDeadRuns(tracking, [experiment], folders, clock.now())
  let begun = false
  try {
    const packages = await packagesOf(recipe.command, recipe.project)
    const put = async (path: string, local: string): Promise<{ readonly sha256: string; readonly bytes: number }> => {
      const stored = await artifacts.put(local)
      const file = { path: `${experiment}/${id}/artifacts/${path}`, ...stored, at: clock.now() }
      await referring(
        options.store,
        () => tracking.putFile(file),
        async () => (await artifacts.put(local)).sha256 === stored.sha256,
      )
      return stored
    }
    const run = await tracking.createRun({
      id,
      experiment,
      name: `${recipe.model} ${formatInstant(clock.now()).slice(0, 19).replace('T', ' ')}`,
      user: options.user,
      startedAt: clock.now(),
      tags: {
        'mlflow.user': options.user,
        'mlflow.source.type': 'PROJECT',
        'mlflow.source.name': `sixfold train ${recipe.model}`,
        [tags.by]: options.by,
        [tags.model]: recipe.model,
        [tags.command]: JSON.stringify(recipe.command),
        [tags.environment]: JSON.stringify(recipe.environment),
        [tags.seeds]: JSON.stringify(recipe.seeds),
        [tags.hardware]: await hardware(),
        [tags.process]: trainerTag(null),
        [tags.heartbeat]: String(clock.now()),
        ...(packages === null ? {} : { [tags.packages]: hashOfPackages(packages), [tags.language]: packages.language }),
        ...recipe.tags,
      },
    })
    begun = true
    // After the run, so that a folder without one is nobody's.
    await mkdir(join(folder, 'output'), { recursive: true })
    const say = (said: { readonly [tag: string]: string }): Promise<void> =>
      tracking.log(id, {
        metrics: [],
        parameters: [],
        tags: Object.entries(said).map(([key, value]) => ({ key, value })),
      })
    // A store that is away for a while is told with the next beat.
    const beat = setInterval(() => void say({ [tags.heartbeat]: String(clock.now()) }).catch(() => {}), beatMs)
    try {
      const sets = await make(folder)
      stopped(watching)
      for (const set of Object.keys(fileOf) as SetName[]) {
        const { sha256 } = await put(`${ownFolder}/${fileOf[set]}`, sets[set].path)
        await say(tagsOfSet(set, sets[set], sha256))
        const uri = `${run.artifactUri}/${ownFolder}/${fileOf[set]}`
        await tracking.logInputs(id, [datasetOf(recipe.model, set, sets[set], uri)], [])
      }
      if (packages !== null) {
        const local = join(folder, 'packages.txt')
        await writeFile(local, packageLines(packages))
        await put(packagesFile, local)
      }
      const log = join(folder, 'command.log')
      let said = ''
      const address = await options.address()
      let end: CommandEnd
      try {
        watching.step(recipe.command.join(' '))
        end = await runCommand({
          command: [located(recipe.command[0]!, recipe.project), ...recipe.command.slice(1)],
          folder: recipe.folder,
          environment: { ...options.environment, ...variablesOf(recipe, sets, address, { id, experiment, folder }) },
          log,
          output: (chunk) => {
            said = (said + Buffer.from(chunk).toString('latin1')).slice(-saidBytes)
            return watching.output(chunk)
          },
          started: (group) => say({ [tags.process]: trainerTag(group) }),
          signal: watching.signal,
        })
      } finally {
        await address.close()
        if (await stat(log).catch(() => null)) await put(`${ownFolder}/command.log`, log)
      }
      const output = []
      if (!end.stopped && exitCodeOf(end) === 0)
        for (const path of await filesBelow(join(folder, 'output')))
          output.push({ path, ...(await put(`output/${path}`, join(folder, 'output', ...path.split('/')))) })
      await say({ [tags.exit]: end.endedBy ?? String(end.code) })
      const status = end.stopped ? 'KILLED' : exitCodeOf(end) === 0 ? 'FINISHED' : 'FAILED'
      const finished = await tracking.updateRun(id, { status, endedAt: clock.now() })
      const dependencies =
        packages === null
          ? null
          : { opset: null, ir: null, domains: {}, runtime: null, packages: packages.list, language: packages.language }
      const attempted = { run: finished, end, exitCode: exitCodeOf(end), output, dependencies, said: textOf(said) }
      return await then(attempted, sets)
    } finally {
      clearInterval(beat)
    }
  } catch (error) {
    // Best effort: where the stores are away, the next training finds that this one is dead.
    if (begun) await close(tracking, id, watching.signal.aborted ? 'KILLED' : 'FAILED', clock.now()).catch(() => {})
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function close(tracking: TrackingStore, id: string, status: 'FAILED' | 'KILLED', at: number): Promise<void> {
  if ((await tracking.run(id))?.status === 'RUNNING') await tracking.updateRun(id, { status, endedAt: at })
}

export function stopped({ signal }: Pick<Watching, 'signal'>): void {
  if (signal.aborted) throw new SixfoldError('SX_TRAINING_FAILED', 'It was told to end.', { fix: 'Run it again.' })
}

async function experimentOf(tracking: TrackingStore, name: string, now: number): Promise<string> {
  const known = await tracking.experimentNamed(name)
  if (known?.lifecycle === 'deleted')
    throw new SixfoldError('SX_TRACKING_STATE', `The experiment '${name}' was deleted.`, {
      fix: `Restore it: mlflow experiments restore --experiment-id ${known.id}`,
    })
  if (known !== null) return known.id
  try {
    return await tracking.createExperiment({ name, artifactLocation: null, tags: {} }, now)
  } catch (error) {
    // Another has made it meanwhile.
    const made = await tracking.experimentNamed(name)
    if (made === null) throw error
    return made.id
  }
}

function variablesOf(
  { model, experiment: experimentName, environment, seeds }: Recipe,
  sets: RowSets,
  address: TrackingAddress,
  { id, experiment, folder }: { readonly id: string; readonly experiment: string; readonly folder: string },
): { readonly [name: string]: string | undefined } {
  const first = Object.hasOwn(seeds, 'seed') ? seeds['seed'] : undefined
  return {
    // What a client would take first, or that would send it elsewhere.
    ...Object.fromEntries(
      ['MLFLOW_REGISTRY_URI', 'MLFLOW_TRACKING_USERNAME', 'MLFLOW_TRACKING_PASSWORD', 'MLFLOW_WORKSPACE'].map(
        (name) => [name, undefined],
      ),
    ),
    ...environment,
    ...(first === undefined ? {} : { SIXFOLD_SEED: first }),
    ...Object.fromEntries(Object.entries(seeds).map(([name, seed]) => [`SIXFOLD_SEED_${name.toUpperCase()}`, seed])),
    SIXFOLD_TRAINING_DATA: sets.data.path,
    SIXFOLD_HELDOUT_DATA: sets.heldout.path,
    SIXFOLD_MODEL: model,
    SIXFOLD_RUN_ID: id,
    SIXFOLD_OUTPUT: join(folder, 'output'),
    MLFLOW_TRACKING_URI: address.url,
    MLFLOW_RUN_ID: id,
    MLFLOW_EXPERIMENT_ID: experiment,
    MLFLOW_EXPERIMENT_NAME: experimentName,
    ...(address.token === null ? {} : { MLFLOW_TRACKING_TOKEN: address.token }),
  }
}

/** Relative paths of all files; links apart, which may lead anywhere. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  if (files.length > mostFiles)
    throw new SixfoldError(
      'SX_TRAINING_FAILED',
      `The command left ${files.length} files in SIXFOLD_OUTPUT; at most ${mostFiles} are kept.`,
      { fix: 'Leave there what belongs to the model.' },
    )
  return files.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')).sort()
}

/** The last lines, whole ones. */
const textOf = (said: string): string =>
  Buffer.from(said, 'latin1')
    .toString('utf8')
    .split('\n')
    .slice(said.length < saidBytes ? 0 : 1)
    .join('\n')
    .trim()
