/** The batch of the drill: every answer can be reckoned by whoever knows its key and the instant as of which it was made. */
import { createRequire } from 'node:module'
import type { Opened } from '../src/runtime/open.ts'

const load = createRequire(import.meta.url)
const { batch, entity, model, platform, query, count, source, view, parquet } = load(
  '../dist/index.js',
) as typeof import('../src/index.ts')
const { open } = load('../dist/runtime/open.js') as typeof import('../src/runtime/open.ts')

export const day = 86_400_000
export const firstDay = Date.parse('2026-01-01T00:00:00Z')
export const shops = 3_000
export const weights = [0.01, 0.001] as const
export const bias = 0.1

const shop = entity('shop', { key: { shop: 'int64' } })
const visits = source('visits', {
  fields: { shop: 'int64', at: 'timestamp' },
  time: 'at',
  history: parquet('visits.parquet'),
})
const visited = view('visited', { entity: shop, source: visits, features: () => ({ visits: count().ever() }) })
const busy = model('busy', {
  inputs: { visited, request: { day: 'float64' } },
  vector: ({ visited: { visits }, request }) => ({ visits, day: request.day }),
  output: { busy: 'number' },
  fallback: () => ({ busy: 0 }),
})
const nothing = { psi: null, mean: null }
const tonight = batch('tonight', {
  model: busy,
  rows: query(
    `SELECT i AS shop, CAST(epoch_ms($at) - ${firstDay} AS DOUBLE) / ${day} AS day FROM range(${shops}) t(i)`,
  ),
  partitionRows: 1_000,
  gate: { rows: null, distances: { outputs: nothing, entries: nothing } },
  publish: { keep: 5 },
})
export const drilled = platform({ shop, visits, visited, busy, tonight })

export const visitsOf = (shop: number): number => shop % 7
export const expected = (shop: number, at: number): number =>
  Math.fround(weights[0]) * visitsOf(shop) + Math.fround(weights[1]) * ((at - firstDay) / day) + Math.fround(bias)

export const opened = (folder: string, serving: boolean): Promise<Opened> =>
  // Whoever was killed is waited for no longer than this.
  open(drilled, { project: folder, data: `${folder}/data`, serving, limits: { batchLeaseMs: 1_000 } })
