/**
 * The built package, as Node itself loads it. A loader that translates TypeScript would translate the package too, and what is
 * measured would be the translation; and there would be two copies of it in one process.
 */
import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

export const { open } = load('../dist/runtime/open.js') as typeof import('../src/runtime/open.ts')
export const { workbench } = load('../dist/runtime/workbench.js') as typeof import('../src/runtime/workbench.ts')
export const { drift } = load('../dist/runtime/drift.js') as typeof import('../src/runtime/drift.ts')
export const { driftOf, profileOf } = load('../dist/statistics/index.js') as typeof import('../src/statistics/index.ts')
export const { loadProject } = load('../dist/runtime/config.js') as typeof import('../src/runtime/config.ts')
export const { featureReader } = load('../dist/features/index.js') as typeof import('../src/features/index.ts')
export const { openDuckDB } = load(
  '../dist/adapters/duckdb/connection.js',
) as typeof import('../src/adapters/duckdb/connection.ts')
export const { batch, count, entity, manualClock, mean, model, parquet, platform, source, sum, view } = load(
  '../dist/index.js',
) as typeof import('../src/index.ts')

export type { Session } from '../src/adapters/duckdb/connection.ts'
export type { Workbench } from '../src/api/index.ts'
export type { Value } from '../src/expression/node.ts'
export type { Opened } from '../src/runtime/open.ts'
export type { StoreChoices } from '../src/runtime/stores.ts'
