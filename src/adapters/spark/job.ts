/** The description of a job, as JSON for python/spark_batch.py: which rows of which files, how they become vectors, and what answers. */

import type { Batch } from '../../definition/batch.ts'
import { rowKeysOf } from '../../definition/batch.ts'
import type { FieldShape } from '../../definition/field.ts'
import { shapesOf } from '../../definition/field.ts'
import { requestOf, viewsOf } from '../../definition/model.ts'
import type { Source } from '../../definition/source.ts'
import { spark } from '../../expression/targets/spark/dialect.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { instantMax, instantMin, offsetMinutes } from '../../kernel/instant.ts'
import { momentOf, rowsRelation, sourceRelation, vectorSql } from './vector-sql.ts'

/** Rows of one file: from one on and before another, counted from 0. */
export interface JobRows {
  readonly partition: number
  readonly path: string
  readonly from: number
  readonly to: number
}
/** A column as it is read: under its name, as one of our types, and under which name it is then known. */
interface JobColumn {
  readonly name: string
  readonly type: FieldShape['type']
  readonly as: string
  /** What of the type's values it may hold, as SQL over the column as it is known. */
  readonly domain: string | null
}
interface JobRelation {
  readonly name: string
  /** What errors call it. */
  readonly what: string
  readonly columns: readonly JobColumn[]
  /** Minutes east of UTC of instants without a zone; null: they are refused. */
  readonly zone: number | null
}
/** An input of the model's file: the entries of the vector that are its columns. */
export interface JobInput {
  readonly name: string
  readonly type: string
  readonly rank: 1 | 2
  readonly entries: readonly string[]
}
export interface SparkJob {
  readonly model: string
  readonly inputs: readonly JobInput[]
  readonly outputs: readonly string[]
  /** 1: the file takes no more rows a call. */
  readonly rows: 1 | null
  readonly rowsOf: JobRelation & { readonly parts: readonly JobRows[] }
  readonly sources: readonly (JobRelation & { readonly paths: readonly string[] })[]
  readonly sql: string
  /** A folder, where each partition becomes one file in `_sx_partition=N`. */
  readonly out: string
}

export interface JobRequest {
  readonly batch: Batch
  /** The instant of the run. */
  readonly at: number
  readonly parts: readonly JobRows[]
  readonly model: string
  readonly inputs: readonly JobInput[]
  readonly outputs: readonly string[]
  readonly rows: 1 | null
  readonly out: string
  /** Columns that are wanted as float32, such as 'vector__distance'. */
  readonly single: ReadonlySet<string>
  /** Where the files of a history lie. */
  readonly resolve: (path: string) => readonly string[]
}

/** Throws SX_EXPRESSION_UNSUPPORTED and SX_HISTORY_UNREADABLE. */
export function sparkJob({ batch, at, parts, resolve, single, ...rest }: JobRequest): SparkJob {
  const { model } = batch
  const own = typeof batch.at === 'object' && 'column' in batch.at ? batch.at : null
  const columns: JobColumn[] = [
    ...Object.entries(rowKeysOf(batch)).map(([name, type]) => ({ name, type, as: `keys__${name}`, domain: null })),
    ...shapesOf(requestOf(model.inputs)).map((shape) => columnOf(shape, `request__${shape.name}`)),
    ...(momentOf(batch, at) !== null || own === null
      ? []
      : [{ name: own.column, type: 'timestamp' as const, as: '_sx_moment', domain: null }]),
  ]
  const sources = new Map(viewsOf(model.inputs).map(([, view]) => [view.basis.source.name, view.basis.source]))
  return {
    ...rest,
    rowsOf: {
      name: rowsRelation,
      what: `the rows of batch '${batch.name}'`,
      columns,
      zone: own === null || own.zone === null ? null : offsetMinutes(own.zone),
      parts: parts.map((part) => ({ ...part, path: asHadoop(part.path) })),
    },
    sources: [...sources.values()].map((source) => relationOf(source, resolve)),
    sql: vectorSql(batch, at, single),
  }
}

function relationOf(source: Source, resolve: JobRequest['resolve']): SparkJob['sources'][number] {
  const { name, history, fields, zone } = source
  if (history === null)
    throw new SixfoldError('SX_HISTORY_UNREADABLE', `source '${name}' has no history.`, {
      fix: "Name it in the definition: history: parquet('…').",
    })
  return {
    name: sourceRelation(name),
    what: `source '${name}': the history '${history.path}'`,
    columns: shapesOf(fields).map((shape) => columnOf(shape, shape.name)),
    zone: zone === null ? null : offsetMinutes(zone),
    paths: resolve(history.path).map(asHadoop),
  }
}

/** As Hadoop calls S3, by which Spark reads it. */
const asHadoop = (path: string): string => path.replace(/^s3:\/\//i, 's3a://')

function columnOf({ name, type, range, oneOf }: FieldShape, as: string): JobColumn {
  const column = spark.identifier(as)
  const domain =
    type === 'timestamp'
      ? `${column} BETWEEN ${instantMin} AND ${instantMax}`
      : range !== null
        ? `${column} BETWEEN ${range.map((bound) => spark.literal(type, bound)).join(' AND ')}`
        : oneOf === null
          ? null
          : `${column} IN (${oneOf.map((member) => spark.literal('string', member)).join(', ')})`
  return { name, type, as, domain }
}
