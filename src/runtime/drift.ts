/** Two Parquet files held against each other, column by column: by our rule, or by Evidently's. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ColumnFile } from '../adapters/duckdb/profile.ts'
import { openColumns } from '../adapters/duckdb/profile.ts'
import type { DriftAsked, DriftFound, EvidentlyColumnDrift } from '../api/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { driftOf } from '../statistics/drift.ts'
import { evidently } from '../statistics/evidently.ts'

export async function drift({ reference, current, columns, method, thresholds }: DriftAsked): Promise<DriftFound> {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-drift-'))
  const open: ColumnFile[] = []
  try {
    for (const path of [reference, current]) open.push(await openColumns(resolve(path), folder))
    const [before, after] = open as [ColumnFile, ColumnFile]
    const names = columns ?? [...before.columns.keys()].filter((name) => after.columns.has(name))
    if (names.length === 0)
      throw new SixfoldError('SX_ROWS_INVALID', `'${reference}' and '${current}' have no column in common.`)
    const left = [...new Set([...before.left, ...after.left])]
    const without = (of: ColumnFile, other: ColumnFile) =>
      [...of.columns.keys()].filter((name) => !other.columns.has(name))
    const lacking = { reference: without(after, before), current: without(before, after) }
    if (method === 'evidently') return { method, columns: await byEvidently(before, after, names), left, lacking }
    const profiles = [await before.profile(names), await after.profile(names)] as const
    const report = driftOf(...profiles, thresholds)
    return { method, columns: report.columns, left, lacking }
  } finally {
    for (const file of open) file.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function byEvidently(
  before: ColumnFile,
  after: ColumnFile,
  names: readonly string[],
): Promise<readonly EvidentlyColumnDrift[]> {
  const found: EvidentlyColumnDrift[] = []
  for (const column of names) {
    const type = before.columns.get(column) ?? 'category'
    const [a, b] = [await before.values(column), await after.values(column)]
    const result = a.length === 0 || b.length === 0 ? null : evidently({ reference: a, current: b, type })
    found.push({ column, result })
  }
  return found
}
