/** What a version was made of, and whether it is all still at hand. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOfDefinition } from '../definition/describe.ts'
import { modelsOf, trainingOf } from '../definition/graph.ts'
import { isSixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { ModelVersion } from '../ports/registry-store.ts'
import type { Run } from '../ports/tracking-store.ts'
import type { Watching } from './attempt.ts'
import type { RowSets, SetName } from './data.ts'
import { buildSets, fileOf } from './data.ts'
import type { Code } from './surroundings.ts'
import { codeOf, git, hardware, packagesOf } from './surroundings.ts'
import { dataTags, packagesFile, tags, textsOf, withinTraining, wordsOf } from './tags.ts'
import type { TrainingOptions } from './train.ts'

export interface Ingredient {
  readonly name: 'run' | 'command' | 'data' | 'definitions' | 'code' | 'packages' | 'seeds' | 'hardware'
  /** 'differs': it goes without, and may be why another model comes of it. */
  readonly state: 'at hand' | 'differs' | 'missing'
  readonly words: string
}

export interface Found {
  readonly ingredients: readonly Ingredient[]
  /** Null where something is missing. */
  readonly recipe: {
    readonly run: Run
    readonly command: readonly string[]
    readonly environment: { readonly [name: string]: string }
    readonly seeds: { readonly [name: string]: string }
    /** Of each set the artifact that has it; null where it is built again. */
    readonly sets: { readonly [S in SetName]: string | null }
    readonly code: Code
    readonly commit: string
    /** The commit is checked out here, without changes. */
    readonly inPlace: boolean
  } | null
}

export async function ingredientsOf(
  version: ModelVersion,
  options: TrainingOptions,
  watching: Watching,
): Promise<Found> {
  const found: Ingredient[] = []
  const note = (name: Ingredient['name'], state: Ingredient['state'], words: string): void =>
    void found.push({ name, state, words })
  const named = version.run === null ? null : await options.tracking.run(version.run)
  const run = named === null ? null : await withinTraining(named, (around) => options.tracking.run(around))
  if (run === null) {
    note('run', 'missing', version.run === null ? 'it was registered without a run' : `the run ${version.run} is gone`)
    return { ingredients: found, recipe: null }
  }
  const tag = (name: string): string | null => run.tags[name] ?? null
  note('run', 'at hand', run.id)

  const command = wordsOf(tag(tags.command))
  if (command === null)
    note('command', 'missing', 'the run does not say by which command: it was not begun by `sixfold train`')
  else note('command', 'at hand', command.join(' '))

  const sets = await setsOf(version, run, options, watching, note)
  const code = await codeFound(run, options, note)
  await definitionsFound(version, run, options, code !== null, note)
  if (command !== null) await packagesFound(run, command, options, note)
  const seeds = textsOf(tag(tags.seeds)) ?? {}
  const names = Object.keys(seeds)
  if (names.length === 0) note('seeds', 'differs', 'none was given: what chance decides may be decided otherwise')
  else note('seeds', 'at hand', names.map((name) => `${name} ${seeds[name]}`).join(', '))
  const [then, now] = [tag(tags.hardware), await hardware()]
  if (then === now) note('hardware', 'at hand', now)
  else note('hardware', 'differs', `${then ?? 'nobody recorded which'}; here ${now}`)

  const missing = found.some(({ state }) => state === 'missing')
  if (missing || command === null || sets === null || code === null) return { ingredients: found, recipe: null }
  const environment = textsOf(tag(tags.environment)) ?? {}
  return { ingredients: found, recipe: { run, command, environment, seeds, sets, ...code } }
}

type Note = (name: Ingredient['name'], state: Ingredient['state'], words: string) => void

/** Kept, or made again and the same. */
async function setsOf(
  version: ModelVersion,
  run: Run,
  options: TrainingOptions,
  watching: Watching,
  note: Note,
): Promise<{ readonly [S in SetName]: string | null } | null> {
  const kept = async (set: SetName): Promise<string | null> => {
    const artifact = run.tags[dataTags(set).artifact] ?? null
    if (artifact === null || !(await options.artifacts.has(artifact))) return null
    try {
      await options.artifacts.open(artifact)
      return artifact
    } catch (error) {
      if (isSixfoldError(error) && error.code === 'SX_ARTIFACT_CORRUPT') return null
      throw error
    }
  }
  const sets = { data: await kept('data'), heldout: await kept('heldout') }
  const rows = run.tags[dataTags('data').rows] ?? 'all'
  if (sets.data !== null && sets.heldout !== null) {
    note('data', 'at hand', `${rows} rows to train on and those held out are kept`)
    return sets
  }
  const before = { data: run.tags[dataTags('data').hash], heldout: run.tags[dataTags('heldout').hash] }
  if (before.data === undefined || before.heldout === undefined) {
    note('data', 'missing', 'nothing says which rows they were')
    return null
  }
  const model = modelsOf(options.platform).find(({ name }) => name === version.model)
  const training = model === undefined ? null : trainingOf(options.platform, model)
  const same =
    training !== null &&
    hashOfDefinition(training.model) === run.tags[tags.definition] &&
    hashOfDefinition(training) === run.tags[tags.training]
  if (!same) {
    note('data', 'missing', 'the rows are not kept, and the definitions that made them are others by now')
    return null
  }
  watching.step('Building the rows again')
  await mkdir(options.scratch, { recursive: true })
  const folder = await mkdtemp(join(options.scratch, 'rows-'))
  try {
    const built = await buildSets(training, { ...options, folder }, watching.progress)
    const other = (Object.keys(fileOf) as SetName[]).filter((set) => built[set].hash !== before[set])
    if (other.length === 0) {
      note('data', 'at hand', `${rows} rows are made again from history, and are the same`)
      return sets
    }
    note(
      'data',
      'missing',
      `the rows are not kept, and history gives others by now: ${wordsOfChange(run, built, other)}`,
    )
    return null
  } catch (error) {
    if (!isSixfoldError(error) || error.retry) throw error
    note('data', 'missing', `the rows are not kept, and cannot be made again: ${error.message}`)
    return null
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const wordsOfChange = (run: Run, built: RowSets, sets: readonly SetName[]): string =>
  sets
    .map((set) => {
      const [then, now] = [run.tags[dataTags(set).rows], String(built[set].rows)]
      const which = set === 'data' ? 'to train on' : 'held out'
      return then === now ? `${now} rows ${which}, with other values` : `${now} rows ${which} instead of ${then}`
    })
    .join(', ')

async function codeFound(
  { tags: given }: Run,
  { project, own }: TrainingOptions,
  note: Note,
): Promise<{ readonly code: Code; readonly commit: string; readonly inPlace: boolean } | null> {
  const commit = given[tags.commit]
  const missing = (words: string): null => {
    note('code', 'missing', words)
    return null
  }
  if (commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit))
    return missing('no commit was recorded: the project was in no git repository')
  if (given[tags.dirty] === 'true')
    return missing(`it was commit ${commit.slice(0, 12)} with changes that are in no commit`)
  const code = await codeOf(project, own)
  if (code === null) return missing(`commit ${commit.slice(0, 12)}: the project is in no git repository here`)
  if ((await git(project, 'cat-file', '-e', `${commit}^{commit}`)) === null)
    return missing(`commit ${commit.slice(0, 12)} is not in this repository`)
  const inPlace = code.commit === commit && code.changed.length === 0
  note(
    'code',
    'at hand',
    `commit ${commit.slice(0, 12)}${inPlace ? ', checked out here' : ', to be checked out beside this one'}`,
  )
  return { code, commit, inPlace }
}

async function definitionsFound(
  { model: name }: ModelVersion,
  run: Run,
  { platform }: TrainingOptions,
  inCommit: boolean,
  note: Note,
): Promise<void> {
  const model = modelsOf(platform).find((one) => one.name === name)
  const then = run.tags[tags.definition]
  if (then === undefined) note('definitions', 'missing', 'the run does not say which they were')
  else if (model !== undefined && hashOfDefinition(model) === then) note('definitions', 'at hand', 'the same as now')
  else if (inCommit)
    note(
      'definitions',
      'at hand',
      `those of now ${model === undefined ? 'do not have it' : 'differ'}; the commit has them`,
    )
  else
    note(
      'definitions',
      'missing',
      `those of now ${model === undefined ? 'do not have it' : 'differ'}, and there is no commit that has them`,
    )
}

async function packagesFound(
  run: Run,
  command: readonly string[],
  { artifacts, tracking, project }: TrainingOptions,
  note: Note,
): Promise<void> {
  if (run.tags[tags.packages] === undefined) return note('packages', 'differs', 'nobody recorded them')
  const file = await tracking.file(`${run.experiment}/${run.id}/artifacts/${packagesFile}`)
  const kept = file !== null && (await artifacts.has(file.sha256))
  const now = await packagesOf(command, project)
  if (now === null) return note('packages', 'differs', `${command[0]} does not say here which it has`)
  if (!kept) return note('packages', 'differs', 'their list is not kept')
  const [, ...then] = (await readFile(await artifacts.open(file.sha256), 'utf8')).trim().split('\n')
  const changes = changesOf(then, now.list)
  const language = run.tags[tags.language] ?? ''
  if (language !== now.language) changes.unshift(`${language} → ${now.language}`)
  if (changes.length === 0) note('packages', 'at hand', `${now.language}, ${now.list.length} packages as they were`)
  else note('packages', 'differs', shorten(changes.join(', '), 400))
}

function changesOf(then: readonly string[], now: readonly string[]): string[] {
  const parse = (list: readonly string[]): Map<string, string> =>
    new Map(list.map((line) => [/^(.+?)(==|@(?=[^@]*$))/.exec(line)?.[1] ?? line, line]))
  const [before, after] = [parse(then), parse(now)]
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [a, b] = [before.get(name), after.get(name)]
    if (a === b) return []
    return a === undefined ? [`${b} is new`] : b === undefined ? [`${a} is gone`] : [`${a} → ${b}`]
  })
}
