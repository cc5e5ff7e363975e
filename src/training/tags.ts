/**
 * What `train` writes into a run before its command begins, so that a version which the command registers has these facts from the
 * first. Whoever registers a version of a run reads them back with `factsOfRun`.
 */
import type { Facts } from '../ports/registry-store.ts'
import type { Metric, Run } from '../ports/tracking-store.ts'

export const tags = {
  /** The model that is trained, as defined. */
  model: 'sixfold.model',
  /** Hashes of the model's definition, of its training, and of the whole platform. */
  definition: 'sixfold.definition',
  training: 'sixfold.training',
  platform: 'sixfold.platform',
  /** The version of Sixfold. */
  by: 'sixfold.version',
  /** JSON: the program and its arguments; the variables that the definition sets; seeds by name. */
  command: 'sixfold.command',
  environment: 'sixfold.environment',
  seeds: 'sixfold.seeds',
  hardware: 'sixfold.hardware',
  commit: 'sixfold.commit',
  /** 'true' or 'false': whether the working tree had changes that the commit does not have. */
  dirty: 'sixfold.dirty',
  /** The project's folder within its repository; empty at the top. */
  folder: 'sixfold.folder',
  /** The artifact that lists the packages of the command's interpreter, a line each. */
  packages: 'sixfold.packages',
  /** Of whichever language: 'python 3.12.1'. */
  language: 'sixfold.language',
  /** The host, the process and its group of whoever trains, and when it last said that it lives, in milliseconds. */
  process: 'sixfold.process',
  heartbeat: 'sixfold.heartbeat',
  /** The version that this run trains again: 'late/3'. */
  reproduces: 'sixfold.reproduces',
  /** The exit code of the command, or the signal that ended it. */
  exit: 'sixfold.exit',
} as const

/** Of each of the two sets of rows: `sixfold.data.hash`, `sixfold.heldout.hash`, … */
export const dataTags = (set: 'data' | 'heldout') =>
  ({
    /** Of the rows: the same for the same rows, whatever bytes they are written as. */
    hash: `sixfold.${set}.hash`,
    /** The SHA-256 of the Parquet file, under which the artifact store has it. */
    artifact: `sixfold.${set}.artifact`,
    rows: `sixfold.${set}.rows`,
    /** The first and the last instant, in milliseconds. */
    from: `sixfold.${set}.from`,
    to: `sixfold.${set}.to`,
    /** From where it is made, and how, in words that make it again. */
    pointer: `sixfold.${set}.pointer`,
    query: `sixfold.${set}.query`,
  }) as const

/** By which MLflow's clients say within which run another one is. */
export const parentTag = 'mlflow.parentRunId'

/**
 * A run within one that `train` began, as a search over parameters makes them, is of the same data and code: what it does not say itself
 * is said of the one around it. Any other run is as it is.
 */
export async function withinTraining(run: Run, find: (id: string) => Promise<Run | null>): Promise<Run> {
  const parent = run.tags[parentTag]
  if (parent === undefined || run.tags[tags.model] !== undefined) return run
  const around = await find(parent)
  if (around?.tags[tags.model] === undefined) return run
  const said = Object.entries(around.tags).filter(([name]) => name.startsWith('sixfold.'))
  return { ...run, tags: { ...Object.fromEntries(said), ...run.tags } }
}

/** The folder of a run's artifacts in which lies what `train` itself adds. */
export const ownFolder = 'sixfold'
export const packagesFile: string = `${ownFolder}/packages.txt`

/** Parameters, seeds and the rest of what the run knows; null for a part of which it knows nothing. */
export function factsOfRun(
  run: Pick<Run, 'parameters' | 'tags' | 'inputs' | 'metrics'>,
): Pick<Facts, 'data' | 'configuration' | 'evaluation'> {
  const tag = (name: string): string | null => (Object.hasOwn(run.tags, name) ? run.tags[name]! : null)
  const commit = tag(tags.commit) ?? tag('mlflow.source.git.commit')
  const dirty = tag(tags.dirty)
  const configured =
    Object.keys(run.parameters).length > 0 ||
    [tags.command, tags.seeds, tags.hardware].some((name) => tag(name)) ||
    commit
  return {
    data: dataOfRun(run, tag),
    configuration: configured
      ? {
          parameters: run.parameters,
          seeds: textsOf(tag(tags.seeds)) ?? {},
          hardware: tag(tags.hardware),
          command: wordsOf(tag(tags.command)),
          commit,
          dirty: dirty === null ? null : dirty === 'true',
        }
      : null,
    evaluation: measuredIn(run.metrics),
  }
}

/** What was logged of a run or a model, as a fact of its version: no number but a finite one says anything. */
export const measuredIn = (metrics: readonly Metric[]): Facts['evaluation'] =>
  metrics
    .filter(({ value }) => Number.isFinite(value))
    .map(({ key, value, dataset }) => ({
      metric: key,
      value,
      low: null,
      high: null,
      slice: null,
      data: dataset?.digest ?? null,
    }))

/** Of a run that `train` began, what its tags say; of another, its first dataset that is not said to be for something else. */
function dataOfRun(run: Pick<Run, 'inputs'>, tag: (name: string) => string | null): Facts['data'] {
  const names = dataTags('data')
  const number = (name: string): number | null => {
    const value = tag(name)
    return value === null || !Number.isFinite(Number(value)) ? null : Number(value)
  }
  const pointer = tag(names.pointer)
  if (pointer !== null)
    return {
      pointer,
      hash: tag(names.hash),
      rows: number(names.rows),
      from: number(names.from),
      to: number(names.to),
      query: tag(names.query),
      artifact: tag(names.artifact),
    }
  const contextOf = ({ tags: given }: Run['inputs']['datasets'][number]): string => given['mlflow.data.context'] ?? ''
  const datasets = run.inputs.datasets
  const used =
    datasets.find((input) => /^train/i.test(contextOf(input))) ?? datasets.find((input) => contextOf(input) === '')
  if (used === undefined) return null
  const { name, digest, source, profile } = used.dataset
  const rows = rowsOf(parsed(profile) as { readonly [member: string]: unknown } | null)
  return {
    pointer: pointerOf(source) ?? name,
    hash: digest,
    rows,
    from: null,
    to: null,
    query: null,
    artifact: null,
  }
}

/** Of a table its rows; of an array the first of its dimensions. */
function rowsOf(profile: { readonly [member: string]: unknown } | null): number | null {
  const shape = profile?.['features_shape']
  const rows = profile?.['num_rows'] ?? (Array.isArray(shape) ? (shape[0] as unknown) : null)
  return typeof rows === 'number' ? rows : null
}

/** A dataset's source is JSON of whatever kind its library has; most of them have a path in it. */
function pointerOf(source: string): string | null {
  const given = parsed(source) as { readonly [member: string]: unknown } | null
  for (const member of ['uri', 'url', 'path', 'table_name', 'query'])
    if (typeof given?.[member] === 'string') return given[member]
  return source === '' || given !== null ? null : source
}

/** The words of a command, as `train` writes them; null where it is something else. */
export function wordsOf(text: string | null): readonly string[] | null {
  const given = parsed(text)
  return Array.isArray(given) && given.length > 0 && given.every((word) => typeof word === 'string') ? given : null
}

/** A record of texts, as `train` writes it; null where it is something else. */
export function textsOf(text: string | null): { readonly [name: string]: string } | null {
  const given = parsed(text)
  return typeof given === 'object' &&
    given !== null &&
    !Array.isArray(given) &&
    Object.values(given).every((value) => typeof value === 'string')
    ? (given as { readonly [name: string]: string })
    : null
}

/** Null where the text is no JSON: anybody may have written it. */
function parsed(text: string | null): unknown {
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
