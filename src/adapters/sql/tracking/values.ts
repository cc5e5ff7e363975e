/** Values that are kept by key, beside the thing they belong to: written in one statement, and read as rows of one form. */
import type { Kysely } from 'kysely'
import { SixfoldError } from '../../../kernel/errors.ts'
import { shorten } from '../../../kernel/shorten.ts'
import type { Tags } from '../../../ports/registry-store.ts'
import type { Metric } from '../../../ports/tracking-store.ts'
import { insertRows } from '../insert.ts'
import type { TrackingTables } from './tables.ts'

export type Db = Kysely<TrackingTables>

export type ParameterTable = 'run_parameter' | 'logged_model_parameter'
const ownerOf = {
  run_parameter: 'run',
  logged_model_parameter: 'model',
} as const

/** Rejects where one is there with another value, and what was written before it in the transaction goes with it. */
export async function addParameters(
  db: Db,
  table: ParameterTable,
  owner: number,
  parameters: Iterable<readonly [key: string, value: string]>,
): Promise<void> {
  const wanted = new Map<string, string>()
  for (const [key, value] of parameters) {
    if (wanted.has(key) && wanted.get(key) !== value) throw changed(key, wanted.get(key)!, value)
    wanted.set(key, value)
  }
  const column = ownerOf[table]
  // Gives what was added, and what is there with another value; what is there with the same one it passes over.
  const found = await insertRows<TrackingTables, { key: string; value: string }>(
    db,
    table,
    [column, 'key', 'value'],
    [...wanted].map(([key, value]) => [owner, key, value]),
    `on conflict (${column}, key) do update set value = known.value where known.value <> excluded.value returning key, value`,
  )
  for (const { key, value } of found) {
    const asked = wanted.get(key)
    if (asked !== undefined && value !== asked && value !== stored(asked)) throw changed(key, value, asked)
  }
}

const changed = (key: string, old: string, value: string): SixfoldError =>
  new SixfoldError(
    'SX_PARAMETER_CHANGED',
    `Parameter '${shorten(key, 250)}' was logged as '${shorten(old, 250)}' and cannot become '${shorten(value, 250)}'.`,
    { details: { key, old, value } },
  )

/** Text as it comes back: a half of a surrogate pair is replaced where text becomes UTF-8. */
const stored = (text: string): string => Buffer.from(text).toString()

export function grouped<T, K>(items: Iterable<T>, keyOf: (item: T) => K): (key: K) => readonly T[] {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return (key) => groups.get(key) ?? []
}

export const tagsFrom = (found: readonly { readonly key: string; readonly value: string }[]): Tags =>
  Object.fromEntries([...found].sort(byKey).map(({ key, value }) => [key, value]))

export const byKey = (a: { readonly key: string }, b: { readonly key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0

/** A number as it lies in a row. */
export const numberColumns = (value: number): readonly [value: number, nan: 0 | 1] =>
  // -0 is not kept apart from 0 by every database.
  Number.isNaN(value) ? [0, 1] : [value + 0, 0]

export interface MetricColumns {
  readonly key: string
  readonly value: number
  readonly nan: number
  readonly at: number
  readonly step: number
  readonly dataset_name: string
  readonly dataset_digest: string
  readonly model: string | null
}
export const metricFrom = (row: MetricColumns): Metric => ({
  key: row.key,
  value: row.nan === 1 ? Number.NaN : row.value,
  at: row.at,
  step: row.step,
  dataset:
    row.dataset_name === '' && row.dataset_digest === ''
      ? null
      : { name: row.dataset_name, digest: row.dataset_digest },
  model: row.model,
})
