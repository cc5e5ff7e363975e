/**
 * A version is made again: by the same command, of the same rows, from the code of its commit, under a run of its own; and it is said whether
 * the same came of it. Nothing is registered for the command; a command that registers what it makes does so again.
 */
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { modelsOf } from '../definition/graph.ts'
import type { Model } from '../definition/model.ts'
import { signatureOf } from '../inference/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { ModelRuntime } from '../ports/model-runtime.ts'
import type { ModelVersion, VersionFile } from '../ports/registry-store.ts'
import type { Run } from '../ports/tracking-store.ts'
import type { VersionFiles } from '../registry/index.ts'
import { rowReader, scorer } from '../registry/index.ts'
import type { Watching } from './attempt.ts'
import { attempt } from './attempt.ts'
import type { RowSet, RowSets, SetName } from './data.ts'
import { buildSets, fileOf } from './data.ts'
import type { Found, Ingredient } from './ingredients.ts'
import { ingredientsOf } from './ingredients.ts'
import { modelLeft, versionsOf } from './produced.ts'
import { git } from './surroundings.ts'
import { dataTags, tags } from './tags.ts'
import type { TrainingOptions } from './train.ts'
import { mustHaveEndedWell, trainingNamed } from './train.ts'

export interface ReproductionOptions extends TrainingOptions {
  readonly models: ModelRuntime
  readonly files: VersionFiles
}

export interface Reproduction {
  readonly model: string
  readonly version: number
  readonly ingredients: readonly Ingredient[]
  /** Null where it was only asked whether it can be done. */
  readonly result: Outcome | null
  /** False where another model came of it. */
  readonly ok: boolean
}
export interface Outcome {
  readonly run: string
  readonly outcome: 'identical' | 'same outputs' | 'differs'
  readonly words: string
  /** Of the outputs on the held-out rows; null where the files are identical or could not be compared. */
  readonly largest: number | null
  readonly rows: number
  /** Versions that the command itself registered. */
  readonly registered: readonly { readonly model: string; readonly version: number }[]
  readonly milliseconds: number
}

/** Outputs no further apart than this, and this share of their size, are the same: arithmetic in single precision has its noise. */
const [absolute, relative] = [1e-5, 1e-4]
const mostRows = 20_000
const batchRows = 1_000

/** With `check` it only says whether it can be done; without, throws SX_NOT_REPRODUCIBLE where it cannot. */
export async function reproduce(
  name: string,
  which: string,
  check: boolean,
  options: ReproductionOptions,
  watching: Watching,
): Promise<Reproduction> {
  const version = await options.registry.version(name, which)
  const found = await ingredientsOf(version, options, watching)
  const { ingredients, recipe } = found
  const told = { model: version.model, version: version.version, ingredients }
  if (check) return { ...told, result: null, ok: recipe !== null }
  if (recipe === null) {
    const missing = ingredients.filter(({ state }) => state === 'missing')
    throw new SixfoldError(
      'SX_NOT_REPRODUCIBLE',
      `${name} ${version.version} cannot be trained again: ${missing.map(({ name: what, words }) => `${what}: ${words}`).join('; ')}.`,
      { details: { ingredients } },
    )
  }
  const result = await again(version, recipe, options, watching)
  return { ...told, result, ok: result.outcome !== 'differs' }
}

async function again(
  version: ModelVersion,
  recipe: NonNullable<Found['recipe']>,
  options: ReproductionOptions,
  watching: Watching,
): Promise<Outcome> {
  const { artifacts, clock, tracking, offline, project, platform } = options
  const began = clock.monotonic()
  const { run } = recipe
  const experiment = (await tracking.experiment(run.experiment))?.name ?? version.model
  const place = await checkedOut(recipe, options)
  try {
    return await attempt(
      {
        model: version.model,
        experiment,
        command: recipe.command,
        environment: recipe.environment,
        seeds: recipe.seeds,
        folder: place.folder,
        project,
        tags: {
          ...kept(run, [tags.definition, tags.training, tags.platform, tags.folder]),
          [tags.commit]: recipe.commit,
          [tags.dirty]: 'false',
          [tags.reproduces]: `${version.model}/${version.version}`,
          'mlflow.source.git.commit': recipe.commit,
        },
      },
      options,
      watching,
      async (folder) => {
        const copy = async (set: SetName): Promise<RowSet> => {
          const path = join(folder, fileOf[set])
          await copyFile(await artifacts.open(recipe.sets[set]!), path)
          return setOf(set, run, path, options)
        }
        if (recipe.sets.data !== null && recipe.sets.heldout !== null)
          return { data: await copy('data'), heldout: await copy('heldout') }
        return buildSets(trainingNamed(platform, version.model), { offline, project, folder }, watching.progress)
      },
      async (attempted, sets) => {
        mustHaveEndedWell(attempted)
        const registered = await versionsOf(attempted.run, options)
        const made = registered.find(({ model }) => model === version.model) ?? (await modelLeft(attempted, tracking))
        if (made === null || made.entry === null)
          throw new SixfoldError(
            'SX_TRAINING_FAILED',
            `The command ended well, but left no model. Its run is ${attempted.run.id}.`,
          )
        watching.step('Comparing what came of it')
        const compared = await compare(version, { files: made.files, entry: made.entry }, sets, options)
        return {
          ...compared,
          run: attempted.run.id,
          registered: registered.map(({ model, version: number }) => ({ model, version: number })),
          milliseconds: clock.monotonic() - began,
        }
      },
    )
  } finally {
    await place.close()
  }
}

const kept = (run: Run, names: readonly string[]): { readonly [tag: string]: string } =>
  Object.fromEntries(names.flatMap((name) => (run.tags[name] === undefined ? [] : [[name, run.tags[name]]])))

/** Where the code of the commit lies: here, or in a work tree beside. */
async function checkedOut(
  { code, commit, inPlace, run }: NonNullable<Found['recipe']>,
  { project, scratch }: ReproductionOptions,
): Promise<{ readonly folder: string; close(): Promise<void> }> {
  if (inPlace) return { folder: project, close: async () => {} }
  const tree = join(scratch, `tree-${run.id}-${process.pid}`)
  await mkdir(scratch, { recursive: true })
  if ((await git(code.repository, 'worktree', 'add', '--detach', '--force', tree, commit)) === null)
    throw new SixfoldError('SX_NOT_REPRODUCIBLE', `git could not check commit ${commit} out in '${tree}'.`, {
      fix: `See why: git worktree add --detach '${tree}' ${commit}`,
    })
  return {
    folder: join(tree, run.tags[tags.folder] ?? code.folder),
    close: async () => {
      await git(code.repository, 'worktree', 'remove', '--force', tree)
      await rm(tree, { recursive: true, force: true })
      await git(code.repository, 'worktree', 'prune')
    },
  }
}

/** As the run recorded it; its columns are read from the file. */
async function setOf(
  set: SetName,
  run: Run,
  path: string,
  { offline, platform }: ReproductionOptions,
): Promise<RowSet> {
  const names = dataTags(set)
  const number = (name: string): number | null => (run.tags[name] === undefined ? null : Number(run.tags[name]))
  const model = run.tags[tags.model] ?? ''
  const known = modelsOf(platform).some(({ name }) => name === model)
  const recipe = known ? trainingNamed(platform, model) : null
  const columns =
    recipe === null
      ? []
      : (await offline.summarizeRows({ labels: path, at: recipe.at, zone: recipe.zone }).catch(() => null))?.columns
  return {
    path,
    hash: run.tags[names.hash] ?? '',
    rows: number(names.rows) ?? 0,
    from: number(names.from),
    to: number(names.to),
    pointer: run.tags[names.pointer] ?? '',
    query: run.tags[names.query] ?? '',
    columns: columns ?? [],
  }
}

// --- what came of it

interface Made {
  readonly files: readonly VersionFile[]
  readonly entry: string | null
}
type Compared = Pick<Outcome, 'outcome' | 'words' | 'largest' | 'rows'>

/** The model itself and data beside it; what a client adds has dates and names in it. */
const substance = ({ files, entry }: Made): readonly string[] =>
  files.flatMap(({ path, sha256 }) => (path === entry || path.endsWith('.data') ? [sha256] : [])).sort()

async function compare(
  version: ModelVersion,
  made: Made,
  sets: RowSets,
  options: ReproductionOptions,
): Promise<Compared> {
  if (version.entry !== null && substance(version).join() === substance(made).join())
    return { outcome: 'identical', words: 'The same bytes came of it.', largest: null, rows: 0 }
  const model = modelOf(version)
  if (model === null || version.entry === null)
    return {
      outcome: 'differs',
      words: 'Other bytes came of it, and nothing says what they are to be asked with.',
      largest: null,
      rows: 0,
    }
  const [before, after] = await Promise.all([
    answers(model, version, sets, options),
    answers(model, made, sets, options),
  ])
  let [largest, beyond] = [0, 0]
  for (const [i, a] of before.entries()) {
    const distance = distanceOf(a, after[i])
    if (distance.by > largest || Number.isNaN(distance.by)) largest = distance.by
    if (!distance.same) beyond++
  }
  const rows = before.length
  return beyond === 0
    ? {
        outcome: 'same outputs',
        words: `Other bytes came of it, which answer the same on ${rows.toLocaleString('en')} held-out rows.`,
        largest,
        rows,
      }
    : {
        outcome: 'differs',
        words: `Another model came of it: ${beyond.toLocaleString('en')} of ${rows.toLocaleString('en')} held-out rows get another answer, by ${Number(largest.toPrecision(3))} at most.`,
        largest,
        rows,
      }
}

/** As it was defined when the version was made: its vector and outputs, which is what asking it takes. */
function modelOf({ facts }: ModelVersion): Model | null {
  const graph = facts.preprocessing?.graph as
    | {
        readonly name: string
        readonly vector: readonly (readonly [string, never])[]
        readonly output: Model['output']
        /** Left out where outputs are as the file gives them. */
        readonly post?: Model['post']
      }
    | undefined
  if (graph === undefined) return null
  const { name, vector, output, post = {} } = graph
  return { name, vector: Object.fromEntries(vector), output, post } as unknown as Model
}

async function answers(
  model: Model,
  made: Made,
  { heldout }: RowSets,
  { models, files, offline }: ReproductionOptions,
): Promise<readonly unknown[]> {
  const loaded = await models.isolate(await files.open(made))
  try {
    const { score } = scorer(model, signatureOf(model, loaded.inspection), loaded)
    const entries = Object.keys(model.vector)
    const read = rowReader(model, 'the held-out rows')
    const all: unknown[] = []
    for await (const { rows } of offline.readRows(
      heldout.path,
      entries.map((entry) => `vector__${entry}`),
      mostRows,
    )) {
      const vectors = rows.map((row, i) => read((_, column) => row[column], all.length + i))
      for (let from = 0; from < vectors.length; from += batchRows)
        all.push(...(await score(vectors.slice(from, from + batchRows))))
    }
    return all
  } finally {
    await loaded.close()
  }
}

/** Of two answers, or parts of answers: how far they are apart, and whether that is no more than noise. */
function distanceOf(a: unknown, b: unknown): { readonly by: number; readonly same: boolean } {
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    const parts = a.map((part, i) => distanceOf(part, b[i]))
    return { by: Math.max(0, ...parts.map(({ by }) => by)), same: parts.every(({ same }) => same) }
  }
  if (typeof a === 'number' && typeof b === 'number') {
    const by = Math.abs(a - b)
    return { by, same: by <= absolute + relative * Math.abs(a) }
  }
  return a === b ? { by: 0, same: true } : { by: 1, same: false }
}
