/**
 * A run as events of OpenLineage: that it began, and how it ended. What went in (files with their state, sources, the model with its
 * digest), what came out, and what the gate found. Made of what the store keeps, so that the same run tells the same at any time.
 */
import type { Batch } from '../definition/batch.ts'
import { requestOf, viewsOf } from '../definition/model.ts'
import { formatInstant } from '../kernel/instant.ts'
import type { BatchRun, Partition, RunState } from '../ports/batch-store.ts'
import type { PlanDocument, Verdict } from './documents.ts'

const spec = 'https://openlineage.io/spec'
const base = `${spec}/2-0-2/OpenLineage.json`
const schemas = {
  schema: '1-2-0/SchemaDatasetFacet',
  version: '1-0-1/DatasetVersionDatasetFacet',
  dataQualityAssertions: '1-1-0/DataQualityAssertionsDatasetFacet',
  outputStatistics: '1-0-2/OutputStatisticsOutputDatasetFacet',
  errorMessage: '1-0-1/ErrorMessageRunFacet',
  nominalTime: '1-0-1/NominalTimeRunFacet',
  processing_engine: '1-1-1/ProcessingEngineRunFacet',
  jobType: '2-0-4/JobTypeJobFacet',
  sql: '1-1-0/SQLJobFacet',
} as const
/** Of more files than this their folder or pattern alone is named. */
const filesMost = 1000

type Json = { readonly [name: string]: unknown }
export interface LineageEvent {
  readonly eventType: 'START' | 'COMPLETE' | 'FAIL' | 'ABORT'
  readonly eventTime: string
  readonly producer: string
  readonly schemaURL: string
  readonly run: Json
  readonly job: Json
  readonly inputs: readonly Json[]
  readonly outputs: readonly Json[]
}

export interface Told {
  readonly batch: Batch
  readonly run: BatchRun
  readonly partitions: readonly Partition[]
  /** Of this package. */
  readonly version: string
}

const ends: { readonly [S in RunState]?: LineageEvent['eventType'] } = {
  published: 'COMPLETE',
  refused: 'FAIL',
  failed: 'FAIL',
  cancelled: 'ABORT',
}

/** One event of a run that is on the way, two of one that has ended. */
export function lineageOf(told: Told): readonly LineageEvent[] {
  const { run } = told
  const end = ends[run.state]
  const began = eventOf(told, 'START', run.beganAt)
  return end === undefined ? [began] : [began, eventOf(told, end, run.publishedAt ?? run.updatedAt)]
}

function eventOf(told: Told, eventType: LineageEvent['eventType'], at: number): LineageEvent {
  const { batch, run, version } = told
  const producer = `https://www.npmjs.com/package/sixfold/v/${version}`
  const facet = (name: keyof typeof schemas, facets: Json): Json => {
    const [, file] = schemas[name].split('/')
    return {
      [name]: { _producer: producer, _schemaURL: `${spec}/facets/${schemas[name]}.json#/$defs/${file}`, ...facets },
    }
  }
  /** One of our own, which is told by the form of all. */
  const own = (name: string, kind: 'RunFacet' | 'DatasetFacet', facets: Json): Json => ({
    [`sixfold_${name}`]: { _producer: producer, _schemaURL: `${base}#/$defs/${kind}`, ...facets },
  })
  const namespace = `sixfold/${run.environment}`
  const over = eventType !== 'START'
  return {
    eventType,
    eventTime: formatInstant(at),
    producer,
    schemaURL: `${base}#/$defs/RunEvent`,
    run: {
      runId: run.id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
      facets: {
        ...facet('nominalTime', { nominalStartTime: formatInstant(run.at) }),
        ...facet('processing_engine', { version, name: run.engine === 'spark' ? 'Sixfold on Spark' : 'Sixfold' }),
        ...own('run', 'RunFacet', {
          version: run.version,
          reason: run.reason,
          occasion: run.occasion,
          actor: run.actor,
          definition: run.definition,
        }),
        ...(eventType === 'FAIL' || eventType === 'ABORT'
          ? facet('errorMessage', { message: whyNot(run), programmingLanguage: 'JavaScript' })
          : {}),
      },
    },
    job: {
      namespace,
      name: batch.name,
      facets: {
        ...facet('jobType', { processingType: 'BATCH', integration: 'SIXFOLD', jobType: 'JOB' }),
        ...('kind' in batch.rows && batch.rows.kind === 'query'
          ? facet('sql', { query: batch.rows.sql, dialect: 'duckdb' })
          : {}),
      },
    },
    inputs: inputsOf(told, namespace, facet, own),
    outputs: [
      {
        namespace,
        name: `batch/${batch.name}`,
        facets: {
          ...facet('version', { datasetVersion: String(run.version) }),
          ...facet('schema', { fields: fieldsOf(batch) }),
          ...(over && run.verdict !== null
            ? facet('dataQualityAssertions', { assertions: assertionsOf(run.verdict as Verdict) })
            : {}),
        },
        ...(over ? { outputFacets: facet('outputStatistics', statisticsOf(told)) } : {}),
      },
    ],
  }
}

type Facet = (name: keyof typeof schemas, facets: Json) => Json
type Own = (name: string, kind: 'RunFacet' | 'DatasetFacet', facets: Json) => Json

function inputsOf({ batch, run }: Told, namespace: string, facet: Facet, own: Own): readonly Json[] {
  const plan = run.plan as PlanDocument | null
  const { model, rows } = batch
  const patterns =
    'path' in rows ? [rows.path] : rows.kind === 'query' ? Object.values(rows.reads).map(({ path }) => path) : []
  const files = plan?.files ?? []
  const read =
    files.length === 0 || files.length > filesMost
      ? patterns.map((path) => ({ ...datasetAt(path), facets: {} }))
      : files.map(({ path, bytes, mark, rows: count }) => ({
          ...datasetAt(path),
          facets: {
            ...facet('version', { datasetVersion: mark }),
            ...own('file', 'DatasetFacet', { bytes, rows: count }),
          },
        }))
  const sources = new Map(viewsOf(model.inputs).map(([, { basis }]) => [basis.source.name, basis.source]))
  return [
    ...read,
    ...[...sources.values()].map(({ name, history, fields }) => {
      const newest = plan?.newest[name] ?? null
      return {
        ...(history === null ? { namespace, name: `source/${name}` } : datasetAt(history.path)),
        facets: {
          ...facet('schema', {
            fields: Object.entries(fields).map(([field, of]) => ({
              name: field,
              type: typeof of === 'string' ? of : of.type,
            })),
          }),
          ...(newest === null ? {} : facet('version', { datasetVersion: formatInstant(newest) })),
        },
      }
    }),
    {
      namespace,
      name: `model/${run.model}`,
      facets: {
        ...facet('version', { datasetVersion: String(run.modelVersion) }),
        ...own('model', 'DatasetFacet', { sha256: run.modelFile, request: Object.keys(requestOf(model.inputs)) }),
      },
    },
  ]
}

/** As OpenLineage names files: by the store that they lie in, and the path in it. */
function datasetAt(path: string): { readonly namespace: string; readonly name: string } {
  const remote = /^([a-z][a-z0-9+.-]*:\/\/[^/]+)\/(.+)$/i.exec(path)
  return remote === null ? { namespace: 'file', name: path } : { namespace: remote[1]!, name: remote[2]! }
}

const fieldsOf = ({ key, model, decision }: Batch): readonly Json[] =>
  [
    ...Object.entries(key).map(([name, type]) => ({ name, type: String(type) })),
    ...Object.entries(model.output).map(([name, kind]) => ({
      name,
      type: typeof kind === 'string' ? 'float64' : 'label' in kind ? 'string' : 'float64[]',
    })),
    ...(decision === null ? [] : [{ name: '_sx_decision', type: 'string' }]),
  ].map((field, i) => ({ ...field, ordinal_position: i + 1 }))

const assertionsOf = ({ checks, override }: Verdict): readonly Json[] =>
  checks
    .filter(({ outcome }) => outcome === 'passed' || outcome === 'refused')
    .map(({ kind, of, measure, segment, against, outcome, value, bound, words }) => ({
      assertion: measure === null ? kind : `${kind} ${measure}`,
      success: outcome === 'passed',
      severity: override === null ? 'error' : 'warn',
      name: [kind, measure, of, segment, against].filter((part) => part !== null).join(' · '),
      description: words,
      ...(of === null ? {} : { column: of }),
      ...(value === null ? {} : { actual: String(value) }),
      ...(bound === null ? {} : { expected: String(bound) }),
    }))

const statisticsOf = ({ partitions }: Told): Json => {
  const outputs = partitions.flatMap(({ output }) => (output === null ? [] : [output]))
  const sum = (of: (output: (typeof outputs)[number]) => number): number =>
    outputs.reduce((total, output) => total + of(output), 0)
  return { rowCount: sum(({ rows }) => rows), size: sum(({ bytes }) => bytes), fileCount: outputs.length }
}

function whyNot({ state, error, verdict }: BatchRun): string {
  if (state === 'cancelled') return 'The run was cancelled.'
  if (state === 'refused') {
    const refused = (verdict as Verdict).checks.filter(({ outcome }) => outcome === 'refused')
    return `The gate refused it. ${refused.map(({ words }) => words).join(' ')}`
  }
  return error === null ? 'The run broke off.' : `${error.code}: ${error.message}`
}
