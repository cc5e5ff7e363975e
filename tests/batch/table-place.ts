/** A batch that is a table as well, on a PostgreSQL of its own: shops with an amount that grows with each version. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import pg from 'pg'
import type { ServingTable } from '../../src/definition/batch.ts'
import { batch } from '../../src/definition/batch.ts'
import { entity } from '../../src/definition/entity.ts'
import type { Platform } from '../../src/definition/graph.ts'
import { model } from '../../src/definition/model.ts'
import { platform } from '../../src/definition/platform.ts'
import { parquet, source } from '../../src/definition/source.ts'
import { view } from '../../src/definition/view.ts'
import { count } from '../../src/expression/aggregates.ts'
import type { ManualClock } from '../../src/kernel/clock.ts'
import { manualClock } from '../../src/kernel/clock.ts'
import type { Opened, OpenOptions } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { linearModel } from '../cli/onnx.ts'

export const day = 86_400_000
export const first = Date.parse('2026-11-02T20:00:00Z')

export function platformWith(table: string | ServingTable): Platform {
  const shop = entity('shop', { key: { shop: 'string' } })
  const sales = source('sales', {
    fields: { shop: 'string', at: 'timestamp' },
    time: 'at',
    history: parquet('sales.parquet'),
  })
  const selling = view('selling', { entity: shop, source: sales, features: () => ({ sales: count().ever() }) })
  const busy = model('busy', {
    inputs: { selling, request: { staff: 'float64' } },
    vector: ({ selling: { sales }, request: { staff } }) => ({ sales: sales.orElse(0), staff }),
    output: { busy: 'number' },
    fallback: () => ({ busy: 0.5 }),
  })
  const tonight = batch('tonight', {
    model: busy,
    rows: parquet('shops.parquet'),
    partitionRows: 100_000,
    decision: ({ output }) => output.busy.gt(1),
    // Each version here is to be another than the last.
    gate: {
      rows: null,
      keys: null,
      lacking: null,
      missing: 1,
      distances: { outputs: { psi: null, mean: null }, entries: { psi: null } },
    },
    publish: { keep: 2, table },
  })
  return platform({ shop, sales, selling, busy, tonight })
}

export interface TablePlace {
  readonly folder: string
  readonly clock: ManualClock
  /** Opened in the same project; closed by whoever opened it. */
  open(platform: Platform, options?: OpenOptions): Promise<Opened>
  /** So many shops, each with a staff of `staff`, or what else the SQL says of row `i`. */
  shops(count: number, staff: number | string, name?: string): Promise<void>
  /** The next day's run, as far as it goes. */
  night(opened: Opened): Promise<{ readonly version: number; readonly state: string; readonly id: string }>
  remove(): void
}

/** `known`: a folder in which another process has made it. */
export async function tablePlace(serving: string, known?: string): Promise<TablePlace> {
  const folder = known ?? mkdtempSync(join(tmpdir(), 'sixfold-table-'))
  const clock = manualClock(first)
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  if (known === undefined)
    await connection.run(
      `COPY (SELECT 's' || (i % 7) AS shop, TIMESTAMPTZ '2026-11-01 00:00:00+00' + INTERVAL (i) MINUTE AS "at" FROM range(70) t(i)) TO '${join(folder, 'sales.parquet')}'`,
    )
  writeFileSync(join(folder, 'busy.onnx'), linearModel('busy', [0, 1], 0))
  let added = known !== undefined
  const place: TablePlace = {
    folder,
    clock,
    open: async (of, options = {}) => {
      const opened = await open(of, {
        project: folder,
        data: join(folder, 'data'),
        clock,
        stores: { serving },
        limits: { batchLeaseMs: 2_000, storePatienceMs: 2_500 },
        serving: false,
        ...options,
      })
      const asker = { actor: 'test', reason: null, id: null } as never
      if (!added)
        await opened.registry.add(
          'busy',
          join(folder, 'busy.onnx'),
          { description: null, to: 'production', facts: null, golden: null },
          asker,
        )
      added = true
      return opened
    },
    shops: async (count, staff, name = `'s' || i`) => {
      await connection.run(
        `COPY (SELECT ${name} AS shop, CAST(${staff} AS DOUBLE) AS staff FROM range(${count}) t(i)) TO '${join(folder, 'shops.parquet')}'`,
      )
    },
    night: async (opened) => {
      clock.advanceTo(clock.now() + day)
      const { run } = await opened.batches.run((await opened.batches.begin('tonight', { actor: 'test' })).id)
      return run
    },
    remove: () => {
      connection.closeSync()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return place
}

export interface Reader {
  all<T extends object>(text: string): Promise<readonly T[]>
  close(): Promise<void>
}

export async function reader(url: string): Promise<Reader> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return {
    all: async <T extends object>(text: string) => (await client.query<T>(text)).rows,
    close: () => client.end(),
  }
}
