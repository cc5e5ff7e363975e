/**
 * A batch: a model over many rows at once, at a set time, published as a whole or not at all. What it is asked of is an expression over the
 * row, as everywhere.
 */
import { isExpression, toNode } from '../expression/builder.ts'
import type { BooleanExpression, Logical, StringExpression, Textual } from '../expression/faces.ts'
import type { Node } from '../expression/node.ts'
import type { Duration } from '../kernel/duration.ts'
import type { KeyFields } from './entity.ts'
import type { Entries, Faces } from './entries.ts'
import { facesOf } from './entries.ts'
import type { Columns } from './field.ts'
import type { Inputs, KeysOf, Model, RequestOf } from './model.ts'
import type { Answers, Outputs, OutputValue } from './output.ts'
import { answersAs } from './output.ts'
import type { Storage } from './source.ts'
import type { AnyView } from './view.ts'
import { columns } from './view.ts'

// --- for whom

/** Rows that a query gives: keys and request fields, under their names. */
export interface Query {
  readonly kind: 'query'
  /**
   * One SELECT of DuckDB's SQL. `$at` is the instant of the run, `$from` that of the run before it in the schedule; both are timestamps with
   * a zone.
   */
  readonly sql: string
  /** The files that it reads, by the name under which it does: paths or globs, from the project's folder. */
  readonly reads: { readonly [table: string]: Storage }
}
/** Every entity that a view has seen an event of by the instant of the run. */
export interface EveryEntity {
  readonly kind: 'entities'
  readonly view: AnyView
}
export type BatchRows = Storage | Query | EveryEntity

export const query = (sql: string, reads: { readonly [table: string]: Storage } = {}): Query =>
  Object.freeze({ kind: 'query', sql, reads: Object.freeze({ ...reads }) })
export const everyEntity = (view: AnyView): EveryEntity => Object.freeze({ kind: 'entities', view })

// --- when

/** What becomes of runs that were due while nothing ran: left out, the latest alone, or each, oldest first. */
export type CatchUp = 'none' | 'latest' | 'all'
export interface Schedule {
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string
  /** 'Europe/Berlin': where a clock shows that time. By default UTC. */
  readonly zone: string
  readonly catchUp: CatchUp
}
export const cron = (
  expression: string,
  { zone = 'UTC', catchUp = 'latest' }: { readonly zone?: string; readonly catchUp?: CatchUp } = {},
): Schedule => Object.freeze({ cron: expression, zone, catchUp })

// --- what is asked of a batch before it is published

/** Greatest distances from what it is compared with, by output. Null: not asked. */
export interface Distances {
  /** Population stability index over the deciles of what it is compared with. */
  readonly psi: number | null
  /** Square root of the Jensen-Shannon divergence, in bits: from 0 to 1. */
  readonly js: number | null
  /** Kolmogorov and Smirnov's D. */
  readonly ks: number | null
  /** Mean distance of quantiles, in robust standard deviations of what it is compared with. */
  readonly wasserstein: number | null
  /** Of the mean, in standard deviations of what it is compared with. */
  readonly mean: number | null
}
/** Greatest figures of what really came. Null: not asked. */
export interface RealisedBounds {
  /** Of a probability: mean, in nats. */
  readonly logLoss: number | null
  /** Of a probability: mean squared difference. */
  readonly brier: number | null
  /** Of a probability: how far its mean is from how often it was so. */
  readonly calibration: number | null
  /** Of a number. */
  readonly meanAbsoluteError: number | null
  /** Of a label: the share that was another. */
  readonly wrong: number | null
}
/** What really came, a row each: earlier versions are measured by it. */
export interface BatchOutcomes {
  /** Parquet with the columns of the batch's key, the instant at which it was so, and what came. */
  readonly data: Storage
  readonly at: string
  /** What instants without a zone are in; null refuses them. */
  readonly zone: string | null
  /** The column of each output's outcome. */
  readonly labels: { readonly [output: string]: string }
  /**
   * So long after a run everything of it is known: of each key the first outcome after the run's instant and by then is that of its prediction.
   */
  readonly delay: Duration
  /** Of fewer outcomes nothing is said. */
  readonly least: number
  /** Greatest figures, by output. Of one that is left out: what versions before had, and what is beyond chance above it. */
  readonly worst: { readonly [output: string]: Partial<RealisedBounds> }
}
export interface BatchGate {
  /** Least share of the rows asked for that have an answer. */
  readonly coverage: number
  /** Least share of the last batch's rows that this one has. Null: it is not asked. */
  readonly keys: number | null
  /** Greatest share of rows of which an output is missing or not finite. */
  readonly missing: number
  /** By which share of the rows more than before an entry may be missing. Null: it is not asked. */
  readonly lacking: number | null
  /** Both ends included; of a probability 0 to 1 unless said otherwise. */
  readonly range: { readonly [output: string]: readonly [low: number, high: number] }
  /** How far the number of rows may be from what it usually is, as a share: against the same weekday, or the last where there is none. Null: it is not asked. */
  readonly rows: number | null
  /** How old the newest event of a source may be at the instant of the run. */
  readonly freshness: { readonly [source: string]: Duration }
  /** Of outputs and of entries of the vector. */
  readonly distances: {
    readonly outputs: Distances
    readonly entries: Distances
    /** What somebody wrote down, as 'outputs.psi': it is as it is, whatever days are like. */
    readonly declared: readonly string[]
  }
  /** Distances of single outputs or entries that are other than those. */
  readonly of: { readonly [name: string]: Partial<Distances> }
  /** A version that was published once, beside the last: 'previous' alone, or with one that is fixed. */
  readonly reference: number | null
  /** How often chance alone may refuse a batch, over all its comparisons. */
  readonly alpha: number
  /** Of segments with fewer rows nothing is said. */
  readonly segmentRows: number
  /** The first `k` by an output: least share of the last batch's first that are among this one's. */
  readonly top: { readonly output: string; readonly k: number; readonly overlap: number } | null
  /** Greatest share of rows whose decision is another than in the last batch. Null: it is not asked. */
  readonly flips: number | null
  /** Whether earlier versions came true. Null: it is not asked. */
  readonly outcomes: BatchOutcomes | null
}
export const standardBatchGate: BatchGate = Object.freeze({
  coverage: 0.995,
  keys: 0.9,
  missing: 0,
  lacking: 0.1,
  range: Object.freeze({}),
  rows: 0.3,
  freshness: Object.freeze({}),
  distances: Object.freeze({
    outputs: Object.freeze({ psi: 0.2, js: null, ks: null, wasserstein: null, mean: 0.2 }),
    entries: Object.freeze({ psi: 0.25, js: null, ks: null, wasserstein: null, mean: null }),
    declared: Object.freeze([]),
  }),
  of: Object.freeze({}),
  reference: null,
  alpha: 0.01,
  segmentRows: 500,
  top: null,
  flips: null,
  outcomes: null,
})

const standardOutcomes = Object.freeze({ zone: null, least: 200, worst: Object.freeze({}) })

// --- where it goes

/** A table of PostgreSQL, as SQL names it. */
export interface ServingTable {
  readonly schema: string
  readonly name: string
}

export interface Publication {
  /** So many versions that were published are kept, to be rolled back to and compared. */
  readonly keep: number
  /** Older than this, an answer says that it is stale. Null: never. */
  readonly promise: Duration | null
  /** Older than this, it is no answer at all. Null: never. */
  readonly ttl: Duration | null
  /**
   * Where the model does not answer a question in real time, and has not answered the same one lately either, what this batch said of its keys stands
   * in for it.
   */
  readonly standIn: boolean
  /** Under which name readers of SQL find what is live, in the database of `stores.serving`. Null: nowhere. */
  readonly table: ServingTable | null
}
export const standardPublication: Publication = Object.freeze({
  keep: 7,
  promise: null,
  ttl: null,
  standIn: false,
  table: null,
})

/** What answers for a key that the batch does not have, in this order; each says of itself that it did. */
export interface Unknown {
  /** The mean, or the most frequent label, of the rows of the same segment: reads the keys alone. Null: none. */
  readonly segment: Node | null
  /** The same over all rows. */
  readonly popular: boolean
  /** The model itself, as it is asked in real time. */
  readonly model: boolean
  /** By output; null: nothing answers. */
  readonly otherwise: { readonly [output: string]: number | string | readonly number[] } | null
}

export interface Batch<Name extends string = string, M extends Model = Model, K extends KeyFields = KeyFields> {
  readonly kind: 'batch'
  readonly name: Name
  readonly model: M
  /** What names a row, and is looked up by: the keys of the model, unless columns of the rows were declared. */
  readonly key: K
  readonly rows: BatchRows
  /** The instant as of which features are taken: that of the run, so long before it, or of a column of the rows. */
  readonly at: 'run' | { readonly before: Duration } | { readonly column: string; readonly zone: string | null }
  readonly schedule: Schedule | null
  /** At most so many rows a partition: what is done again when something breaks. */
  readonly partitionRows: number
  /** True: a row whose vector is as it was keeps its answer, where the version of the model is the same. */
  readonly incremental: boolean
  /** What is done because of an answer: a text or a condition. Reads 'output' and 'vector'. Null: nothing is said. */
  readonly decision: Node | null
  /** Parts of the rows that are looked at by themselves, each by a text or a condition: reads 'keys', 'request' and 'vector'. */
  readonly segments: { readonly [name: string]: Node }
  readonly gate: BatchGate
  readonly publish: Publication
  readonly unknown: Unknown
  readonly description: string | null
}

/** Columns of keys that the rows have: of what names a row, and of what the model's features are of. */
export const rowKeysOf = ({ key, model }: Batch): KeyFields => ({ ...key, ...model.key })

type Told = Textual<'moment', null> | Logical<'moment', null>
type Shown = StringExpression<'moment', null> | BooleanExpression<'moment', null>
interface Row<I extends Inputs, V extends Entries> {
  readonly keys: Columns<KeysOf<I>, 'moment'>
  readonly request: Columns<RequestOf<I>, 'moment'>
  readonly vector: Faces<V>
}

export interface BatchOptions<I extends Inputs, O extends Outputs, V extends Entries, K extends KeyFields = KeysOf<I>> {
  readonly model: Model<string, I, O, V>
  /** Columns of the rows that name a row. By default the keys of the model, which may have none. */
  readonly key?: K
  readonly rows: BatchRows
  readonly at?: 'run' | { readonly before: Duration } | { readonly column: string; readonly zone?: string }
  readonly schedule?: Schedule
  /** By default a million. */
  readonly partitionRows?: number
  readonly incremental?: boolean
  readonly decision?: (row: { readonly output: Answers<NoInfer<O>>; readonly vector: Faces<NoInfer<V>> }) => Told
  readonly segments?: (row: Row<NoInfer<I>, NoInfer<V>>) => { readonly [name: string]: Shown }
  readonly gate?: Partial<Omit<BatchGate, 'distances' | 'outcomes'>> & {
    readonly distances?: { readonly outputs?: Partial<Distances>; readonly entries?: Partial<Distances> }
    readonly outcomes?: (Pick<BatchOutcomes, 'data' | 'at' | 'labels' | 'delay'> & Partial<BatchOutcomes>) | null
  }
  readonly publish?: Partial<Omit<Publication, 'table'>> & {
    /** 'tonight' is in the schema public; 'risk.tonight', or `{ schema, name }` for names with a point in them. */
    readonly table?: string | ServingTable | null
  }
  readonly unknown?: {
    readonly segment?: (row: { readonly keys: Columns<KeysOf<NoInfer<I>>, 'moment'> }) => Told
    readonly popular?: boolean
    readonly model?: boolean
    readonly otherwise?: { readonly [K in keyof O]: OutputValue<NoInfer<O>[K]> }
  }
  readonly description?: string
}

export function batch<
  const Name extends string,
  const I extends Inputs,
  const O extends Outputs,
  const V extends Entries,
  const K extends KeyFields = KeysOf<I>,
>(name: Name, options: BatchOptions<I, O, V, K>): Batch<Name, Model<string, I, O, V>, K> {
  const { model, rows, at = 'run', gate = {}, unknown = {} } = options
  const request = model.inputs['request']
  const keys = columns(model.key, 'keys')
  const row = {
    keys,
    request: request === undefined || 'kind' in request ? {} : columns(request, 'request'),
    vector: facesOf(model.vector),
    output: answersAs('output', model.output),
  }
  const standard = standardBatchGate
  return Object.freeze({
    kind: 'batch',
    name,
    model,
    key: Object.freeze({ ...(options.key ?? model.key) }) as unknown as K,
    rows,
    at: typeof at === 'object' && 'column' in at ? Object.freeze({ column: at.column, zone: at.zone ?? null }) : at,
    schedule: options.schedule ?? null,
    partitionRows: options.partitionRows ?? 1_000_000,
    incremental: options.incremental ?? false,
    decision: options.decision === undefined ? null : nodeOf(options.decision(row as never)),
    segments: Object.freeze(
      Object.fromEntries(
        Object.entries(options.segments?.(row as never) ?? {}).map(([segment, of]) => [segment, nodeOf(of)]),
      ),
    ),
    gate: Object.freeze({
      ...standard,
      ...gate,
      distances: Object.freeze({
        outputs: Object.freeze({ ...standard.distances.outputs, ...gate.distances?.outputs }),
        entries: Object.freeze({ ...standard.distances.entries, ...gate.distances?.entries }),
        declared: Object.freeze(
          (['outputs', 'entries'] as const).flatMap((of) =>
            Object.keys(gate.distances?.[of] ?? {}).map((measure) => `${of}.${measure}`),
          ),
        ),
      }),
      outcomes: gate.outcomes ? Object.freeze({ ...standardOutcomes, ...gate.outcomes }) : null,
    }),
    publish: Object.freeze({
      ...standardPublication,
      ...options.publish,
      table: servingTable(options.publish?.table ?? null),
    }),
    unknown: Object.freeze({
      segment: unknown.segment === undefined ? null : nodeOf(unknown.segment({ keys: keys as never })),
      popular: unknown.popular ?? false,
      model: unknown.model ?? false,
      otherwise: unknown.otherwise === undefined ? null : Object.freeze({ ...unknown.otherwise }),
    }),
    description: options.description ?? null,
  })
}

function servingTable(table: string | ServingTable | null): ServingTable | null {
  if (typeof table !== 'string') return table === null ? null : Object.freeze({ ...table })
  const point = table.lastIndexOf('.')
  return Object.freeze({ schema: point < 0 ? 'public' : table.slice(0, point), name: table.slice(point + 1) })
}

/** What is no expression stays as it is: `validate` names it. */
const nodeOf = (operand: unknown): Node =>
  isExpression(operand) || ['string', 'boolean'].includes(typeof operand) ? toNode(operand) : (operand as Node)
