/** What experiments, runs and what is logged to them may be called, and how much of it at once: as far as MLflow's clients are used to. */
import { posix } from 'node:path'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { Batch, Dataset, DatasetInput, Metric } from '../ports/tracking-store.ts'

export const most = {
  experimentName: 500,
  artifactLocation: 2_048,
  key: 250,
  parameter: 6_000,
  runTag: 8_000,
  experimentTag: 20_000,
  loggedModelTag: 100_000,
  /** Of one batch. */
  metrics: 1_000,
  parameters: 100,
  tags: 100,
  entries: 1_000,
  datasets: 1_000,
  dataset: { name: 500, digest: 36, source: 65_535, schema: 1_048_575, profile: 16_777_215 },
  inputTag: { key: 255, value: 500 },
} as const

const invalid = (message: string, fix?: string): SixfoldError =>
  new SixfoldError('SX_REQUEST_INVALID', message, fix === undefined ? {} : { fix })

/** Characters, of which one outside the basic plane is one. */
export function checkLength(what: string, value: string, longest: number): void {
  if (value.length <= longest) return
  const length = [...value].length
  if (length > longest) throw invalid(`${what} has ${length} characters, and may have at most ${longest}.`)
}

export function checkExperimentName(name: string): void {
  if (name === '') throw invalid("The name of an experiment, 'name', is empty.")
  checkLength('The name of the experiment', name, most.experimentName)
}

/** A parameter, metric or tag is called by something that could be the path of a file, and of no other. */
export function checkKey(what: string, key: string): void {
  if (!/^[/\p{L}\p{N}_.\- :]*$/u.test(key))
    throw invalid(
      `${what} is called '${shorten(key)}'.`,
      'Use letters, digits, underscores, dashes, periods, spaces, colons and slashes.',
    )
  const plain = posix.normalize(key)
  if (key === '' || plain !== key || plain === '.' || plain.startsWith('..') || plain.startsWith('/'))
    throw invalid(
      `${what} is called '${shorten(key)}', which as a path would be '${shorten(plain)}'.`,
      'Use a name that stays what it is when it is taken for a relative path.',
    )
  checkLength(`The name of ${what.toLowerCase()}`, key, most.key)
}

export function checkTag(key: string, value: string, longest: number): void {
  checkKey('The tag', key)
  checkLength(`The value of the tag '${shorten(key)}'`, value, longest)
}

export function checkParameter(key: string, value: string): void {
  checkKey('The parameter', key)
  checkLength(`The value of the parameter '${shorten(key)}'`, value, most.parameter)
}

export function checkMetric({ key, value, at, step }: Metric): void {
  checkKey('The metric', key)
  if (typeof value !== 'number') throw invalid(`The metric '${shorten(key)}' has no number as its value.`)
  if (!Number.isSafeInteger(at) || at < 0)
    throw invalid(`The metric '${shorten(key)}' is of the time ${at}; times are whole milliseconds since 1970.`)
  if (!Number.isSafeInteger(step))
    throw invalid(`The metric '${shorten(key)}' is of the step ${step}, no whole number.`)
}

export function checkBatch({ metrics, parameters, tags }: Batch): void {
  atMost('metrics', metrics.length, most.metrics)
  atMost('params', parameters.length, most.parameters)
  atMost('tags', tags.length, most.tags)
  atMost('metrics, params and tags together', metrics.length + parameters.length + tags.length, most.entries)
  for (const metric of metrics) checkMetric(metric)
  for (const { key, value } of parameters) checkParameter(key, value)
  for (const { key, value } of tags) checkTag(key, value ?? '', most.runTag)
  const seen = new Set<string>()
  for (const { key } of parameters) {
    if (seen.has(key)) throw invalid(`The parameter '${shorten(key)}' occurs twice in 'params'.`)
    seen.add(key)
  }
}

function atMost(what: string, length: number, limit: number): void {
  if (length > limit)
    throw invalid(`The batch has ${length} ${what}, and may have at most ${limit}.`, 'Send it in several batches.')
}

export function checkDatasets(inputs: readonly DatasetInput[]): void {
  atMost('datasets', inputs.length, most.datasets)
  for (const { dataset, tags } of inputs) {
    if (dataset.name === '' || dataset.digest === '' || dataset.sourceType === '' || dataset.source === '')
      throw invalid("A dataset has a 'name', a 'digest', a 'source_type' and a 'source'; one of these is missing.")
    for (const part of ['name', 'digest', 'source', 'schema', 'profile'] as const satisfies (keyof Dataset)[])
      checkLength(`'${part}' of a dataset`, dataset[part] ?? '', most.dataset[part])
    for (const [key, value] of Object.entries(tags)) {
      checkLength('The name of a tag of a dataset', key, most.inputTag.key)
      checkLength(`The value of the tag '${shorten(key)}' of a dataset`, value, most.inputTag.value)
    }
  }
}
