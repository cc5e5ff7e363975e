/**
 * Recorded inputs, and what a version answered to them: replayed, so that the same file goes on meaning the same on another machine, with
 * another version of the runtime, in half a year. They lie among the version's files, as `golden.json` or `golden.parquet` or as the input
 * example of an MLflow model; where no outputs are recorded, the first validation records them.
 */

import { randomUUID } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Tolerance } from '../../definition/gate.ts'
import type { Model } from '../../definition/model.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { canonicalJson } from '../../kernel/hash.ts'
import { formatBytes } from '../../kernel/size.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { OfflineStore } from '../../ports/offline-store.ts'
import type { Evidence, ModelVersion } from '../../ports/registry-store.ts'
import { vectorsIn } from './columns.ts'
import { goldenPaths } from './evidence.ts'
import type { GoldenFigures } from './figures.ts'
import type { Answer, Row, Scorer } from './scorer.ts'
import { answerOf, rowOf, rowReader } from './scorer.ts'
import type { Finding } from './words.ts'
import { compact, figure, shown } from './words.ts'

export interface Golden {
  /** 'golden.json', 'input_example.json', 'the recording of …'. */
  readonly from: string
  readonly rows: readonly Row[]
  /** Null where only inputs are recorded. */
  readonly answers: readonly { readonly [output: string]: unknown }[] | null
}

const mostBytes = 64 * 1024 * 1024
const mostRows = 10_000

const example = 'input_example.json'

/** Null where the version has none. Throws SX_LABELS_INVALID where it has one that does not fit. */
export async function goldenIn(
  model: Model,
  version: ModelVersion,
  /** In which the version's files lie. */
  folder: string,
  offline: Pick<OfflineStore, 'readRows'>,
): Promise<Golden | null> {
  const paths = version.files.map(({ path }) => path)
  const own = goldenPaths.find((path) => paths.includes(path))
  if (own?.endsWith('.parquet')) return fromParquet(model, own, join(folder, own), offline)
  if (own !== undefined) return fromJson(model, own, await jsonAt(own, join(folder, own)), false)
  const theirs = paths.find((path) => basename(path) === example)
  if (theirs === undefined) return null
  try {
    return fromJson(model, theirs, await jsonAt(theirs, join(folder, ...theirs.split('/'))), true)
  } catch (error) {
    // An example is for people, and may be of what lies before the vector.
    if (isSixfoldError(error)) return null
    throw error
  }
}

async function fromParquet(
  model: Model,
  name: string,
  path: string,
  offline: Pick<OfflineStore, 'readRows'>,
): Promise<Golden> {
  const entries = Object.keys(model.vector)
  const outputs = Object.keys(model.output).filter((output) => !entries.includes(output))
  const read = async (others: readonly string[]): Promise<readonly (readonly unknown[])[]> => {
    const all: (readonly unknown[])[] = []
    for await (const rows of vectorsIn(offline, path, entries, others, mostRows)) all.push(...rows)
    return all
  }
  const rowAt = rowReader(model, name)
  const withOutputs = await read(outputs).catch((error: unknown) => {
    if (isSixfoldError(error) && error.code === 'SX_LABELS_INVALID') return null
    throw error
  })
  const all = withOutputs ?? (await read([]))
  return {
    from: name,
    rows: all.map((raw, i) => rowAt((_, entry) => raw[entry], i)),
    answers:
      withOutputs === null || outputs.length === 0
        ? null
        : all.map((raw) => Object.fromEntries(outputs.map((output, i) => [output, raw[entries.length + i]]))),
  }
}

const invalid = (name: string, what: string): SixfoldError =>
  new SixfoldError('SX_LABELS_INVALID', `${name}: ${what}.`, {
    fix: 'Write it as {"columns": […], "data": [[…]]}, or as a list of {"inputs": {…}, "outputs": {…}}.',
  })

async function jsonAt(name: string, path: string): Promise<unknown> {
  const { size } = await stat(path)
  if (size > mostBytes) throw invalid(name, `it has ${formatBytes(size)}, more than ${formatBytes(mostBytes)}`)
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown
  } catch {
    throw invalid(name, 'it is no JSON')
  }
}

type Flat = { readonly [column: string]: unknown }
type Example = { readonly inputs: Flat | readonly unknown[]; readonly outputs: Flat | null }

function fromJson(model: Model, name: string, json: unknown, byPosition: boolean): Golden {
  const examples = examplesOf(json)
  if (examples === null || examples.length === 0) throw invalid(name, 'it has no rows of a form that is known')
  if (examples.length > mostRows) throw invalid(name, `it has ${examples.length} rows, more than ${mostRows}`)
  const rowAt = rowReader(model, name)
  const entries = Object.keys(model.vector)
  const rows = examples.map(({ inputs }, i) => {
    const values = Array.isArray(inputs) ? inputs : Object.values(inputs)
    const named = !Array.isArray(inputs) && entries.some((entry) => Object.hasOwn(inputs, entry))
    if (!named && !((byPosition || Array.isArray(inputs)) && values.length === entries.length))
      throw invalid(name, `row ${i + 1} does not have the ${entries.length} entries of the vector`)
    const missing = named ? entries.find((entry) => !Object.hasOwn(inputs, entry)) : undefined
    if (missing !== undefined) throw invalid(name, `row ${i + 1} has no '${missing}'`)
    return rowAt((entry, at) => (named ? (inputs as Flat)[entry] : values[at]), i)
  })
  const outputs = Object.keys(model.output)
  const answers = examples.map(({ inputs, outputs: given }) => {
    const from = given ?? (Array.isArray(inputs) ? {} : (inputs as Flat))
    const known = outputs.filter(
      (output) => Object.hasOwn(from, output) && (given !== null || !entries.includes(output)),
    )
    return Object.fromEntries(known.map((output) => [output, from[output]]))
  })
  const some = answers.some((answer) => Object.keys(answer).length > 0)
  if (some && answers.some((answer) => Object.keys(answer).length === 0))
    throw invalid(name, 'some rows have outputs and some have none')
  return { from: name, rows, answers: some ? answers : null }
}

const isObject = (value: unknown): value is Flat => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A table split into columns and data, records, records of inputs and outputs, rows without names, or columns. */
function examplesOf(json: unknown, depth = 0): readonly Example[] | null {
  if (Array.isArray(json)) {
    if (json.every(Array.isArray)) return json.map((inputs) => ({ inputs: inputs as unknown[], outputs: null }))
    if (!json.every(isObject)) return null
    return json.map((record) =>
      isObject(record['inputs'])
        ? { inputs: record['inputs'], outputs: isObject(record['outputs']) ? record['outputs'] : null }
        : { inputs: record, outputs: null },
    )
  }
  if (!isObject(json)) return null
  const { columns, data } = json
  if (Array.isArray(columns) && Array.isArray(data))
    return data.every(Array.isArray)
      ? data.map((row: unknown[]) => ({
          inputs: Object.fromEntries(columns.map((column, i) => [String(column), row[i]])),
          outputs: null,
        }))
      : null
  for (const member of depth > 2 ? [] : ['rows', 'dataframe_split', 'dataframe_records', 'inputs'])
    if (typeof json[member] === 'object' && json[member] !== null) return examplesOf(json[member], depth + 1)
  const lists = Object.values(json)
  const [first] = lists
  if (!Array.isArray(first) || !lists.every((list) => Array.isArray(list) && list.length === first.length)) return null
  return first.map((_, i) => ({
    inputs: Object.fromEntries(Object.entries(json).map(([column, list]) => [column, (list as unknown[])[i]])),
    outputs: null,
  }))
}

// --- what a validation has recorded

/** Of the same files, by an earlier validation. */
export async function recordedIn(
  model: Model,
  { manifest }: ModelVersion,
  evidence: readonly Evidence[],
  artifacts: Pick<ArtifactStore, 'open'>,
): Promise<(Golden & { readonly artifact: string }) | null> {
  for (const { document, artifacts: kept } of evidence) {
    const { manifest: of, recorded } = document as { readonly manifest?: string; readonly recorded?: string | null }
    if (of !== manifest || typeof recorded !== 'string' || !kept.includes(recorded)) continue
    const name = `the recording ${recorded.slice(0, 12)}`
    return { ...fromJson(model, name, await jsonAt(name, await artifacts.open(recorded)), false), artifact: recorded }
  }
  return null
}

async function record(
  model: Model,
  rows: readonly Row[],
  answers: readonly (Answer | null)[],
  artifacts: Pick<ArtifactStore, 'put'>,
  temporaryFolder: string,
): Promise<string> {
  const document = {
    rows: rows.map((row, i) => ({
      inputs: Object.fromEntries(
        Object.entries(rowOf(model, row)).map(([name, value]) => [
          name,
          typeof value === 'bigint' ? String(value) : value,
        ]),
      ),
      outputs: answerOf(model, answers[i]!),
    })),
  }
  const path = join(temporaryFolder, `golden-${randomUUID()}.json`)
  try {
    await writeFile(path, canonicalJson(document))
    return (await artifacts.put(path)).sha256
  } finally {
    await rm(path, { force: true })
  }
}

export async function replay(
  model: Model,
  golden: Golden & { readonly artifact?: string },
  tolerance: Tolerance,
  { score }: Scorer,
  artifacts: Pick<ArtifactStore, 'put'>,
  temporaryFolder: string,
): Promise<Finding & { readonly recorded: string | null }> {
  const now = await score(golden.rows)
  const rows = golden.rows.length
  if (golden.answers === null) {
    const artifact = await record(model, golden.rows, now, artifacts, temporaryFolder)
    const figures: GoldenFigures = { from: golden.from, rows, differing: 0, furthest: 0, artifact }
    return {
      outcome: 'passed',
      words: `The answers to ${compact(rows)} ${golden.from} are recorded, and compared with from now on.`,
      figures,
      recorded: artifact,
    }
  }
  let differing = 0
  let furthest = 0
  let first: string | null = null
  golden.answers.forEach((wanted, i) => {
    const given = answerOf(model, now[i]!)
    const off = Object.entries(wanted).filter(([output, value]) => {
      const distance = distanceOf(given[output], value)
      if (Number.isFinite(distance)) furthest = Math.max(furthest, distance)
      return !within(given[output], value, tolerance)
    })
    if (off.length === 0) return
    differing++
    first ??= `row ${i + 1}: ${off.map(([output, value]) => `${output} is ${JSON.stringify(given[output])} and was ${shown(value)}`).join(', ')}`
  })
  const artifact = golden.artifact ?? null
  const figures: GoldenFigures = { from: golden.from, rows, differing, furthest, artifact }
  const words =
    first === null
      ? `It answers ${compact(rows)} rows of ${golden.from} as recorded; the furthest off is ${figure(furthest)}.`
      : `It answers ${compact(differing)} of ${compact(rows)} rows of ${golden.from} otherwise than recorded; ${first}.`
  return { outcome: first === null ? 'passed' : 'failed', words, figures, recorded: artifact }
}

/** Of numbers; not finite of what is none. */
function distanceOf(given: unknown, wanted: unknown): number {
  if (Array.isArray(given) && Array.isArray(wanted))
    return given.length === wanted.length
      ? Math.max(0, ...given.map((value, i) => distanceOf(value, wanted[i])))
      : Number.POSITIVE_INFINITY
  return typeof given === 'number' && (typeof wanted === 'number' || typeof wanted === 'boolean')
    ? Math.abs(given - Number(wanted))
    : Number.POSITIVE_INFINITY
}

function within(given: unknown, wanted: unknown, tolerance: Tolerance): boolean {
  if (Array.isArray(given) && Array.isArray(wanted))
    return given.length === wanted.length && given.every((value, i) => within(value, wanted[i], tolerance))
  if (typeof given === 'number' && typeof wanted === 'number')
    return Math.abs(given - wanted) <= tolerance.absolute + tolerance.relative * Math.abs(wanted)
  return given === (wanted ?? null)
}
