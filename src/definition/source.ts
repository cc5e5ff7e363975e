/** A source: events of one kind, where their history lies and where they arrive. */
import type { Duration } from '../kernel/duration.ts'
import type { ColumnsOf, Fields } from './field.ts'

export interface Storage {
  readonly kind: 'parquet'
  readonly path: string
}
export interface Topic {
  readonly kind: 'topic'
  readonly name: string
}
/** Parquet files: a path or a glob, from the project's folder. */
export const parquet = (path: string): Storage => Object.freeze({ kind: 'parquet', path })
/** A topic of the event log. */
export const topic = (name: string): Topic => Object.freeze({ kind: 'topic', name })

/** When an event was known: so long after it happened, or at the instant in a column. */
export type Known<F extends Fields> =
  | { readonly after: Duration }
  | { readonly at: NoInfer<ColumnsOf<F, 'timestamp' | 'timestamp?'>> }

export interface SourceOptions<F extends Fields> {
  readonly fields: F
  /** When an event happened. Rows without it are no events; they are counted. */
  readonly time: NoInfer<ColumnsOf<F, 'timestamp' | 'timestamp?'>>
  /** By default at once. */
  readonly known?: Known<F>
  /** Orders events of one instant; without it they are ordered by the values of all fields, in the order declared. */
  readonly sequence?: NoInfer<ColumnsOf<F, 'int64' | 'int64?'>>
  /**
   * Names an event. Of events with one id the first to arrive counts and the others are dropped: always in history, and in the
   * online state for as long as `remember` says.
   */
  readonly id?: NoInfer<ColumnsOf<F, 'string' | 'int64'>>
  /** How long the online state remembers ids. By default 7 days. */
  readonly remember?: Duration
  /** 'inclusive' for a table of snapshots: a row stamped t is seen at t, not only after. */
  readonly asOf?: 'inclusive'
  /** What an instant without a zone is in: 'UTC' or an offset as '+05:30'. Without this, such instants are refused. */
  readonly zone?: string
  readonly history?: Storage
  readonly stream?: Topic
  readonly description?: string
}

export interface Source<Name extends string = string, F extends Fields = Fields> {
  readonly kind: 'source'
  readonly name: Name
  readonly fields: F
  readonly time: string
  readonly known: { readonly after: Duration } | { readonly at: string } | null
  readonly sequence: string | null
  readonly id: string | null
  readonly remember: Duration
  readonly asOf: 'exclusive' | 'inclusive'
  readonly zone: string | null
  readonly history: Storage | null
  readonly stream: Topic | null
  readonly description: string | null
}

export const source = <const Name extends string, const F extends Fields>(
  name: Name,
  options: SourceOptions<F>,
): Source<Name, F> =>
  Object.freeze({
    kind: 'source',
    name,
    fields: Object.freeze({ ...options.fields }),
    time: options.time,
    known: options.known ?? null,
    sequence: options.sequence ?? null,
    id: options.id ?? null,
    remember: options.remember ?? '7d',
    asOf: options.asOf ?? 'exclusive',
    zone: options.zone ?? null,
    history: options.history ?? null,
    stream: options.stream ?? null,
    description: options.description ?? null,
  })
