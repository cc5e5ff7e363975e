/** What is said of batches, as it arrives here, and where it is asked. Instants are milliseconds. */
import type { BatchAnswer, BatchStanding, Cost, PlanDocument, Verdict, VersionUse } from '../../../dist/batch/index.js'
import type { BatchRun, Partition } from '../../../dist/ports/batch-store.js'
import { path } from './server.ts'

export type { Cost, Partition, PlanDocument, Verdict }
export type Standing = BatchStanding
export type Overlay = Verdict['overlays'][number]
export type Run = Omit<BatchRun, 'plan' | 'verdict' | 'cost'> & {
  readonly plan: PlanDocument | null
  readonly verdict: Verdict | null
  readonly cost: Cost | null
}
export interface RunDetail {
  /** Parts of the batch's key. */
  readonly key: readonly string[]
  readonly run: Run
  readonly partitions: readonly Partition[]
  readonly live: boolean
  readonly holder: string | null
  readonly use: VersionUse | null
}
/** As it stands in a list, without what it left behind. */
export type BriefRun = Omit<Run, 'plan' | 'verdict' | 'cost'>
/** The instant comes as text here. */
export type Answer = Omit<BatchAnswer, 'asOf'> & { readonly asOf: string | null }

export const batchAt = {
  all: '/v1/batches',
  runs: (batch: string): string => path`/v1/batches/${batch}/runs?limit=400`,
  run: (batch: string, version: string | number): string => path`/v1/batches/${batch}/runs/${version}`,
  step: (batch: string, version: string | number, step: 'publish' | 'cancel'): string =>
    path`/v1/batches/${batch}/runs/${version}/${step}`,
  rollback: (batch: string): string => path`/v1/batches/${batch}/rollback`,
  hold: (batch: string): string => path`/v1/batches/${batch}/hold`,
  release: (batch: string): string => path`/v1/batches/${batch}/release`,
  lookup: (batch: string): string => path`/v1/batch/${batch}/lookup`,
}

/** What a state is called, and how it is coloured. */
export const stateWords: { readonly [S in Run['state']]: readonly [words: string, kind: string] } = {
  planning: ['being planned', 'going'],
  scoring: ['being scored', 'going'],
  auditing: ['before its gate', 'going'],
  refused: ['refused', 'refused'],
  passed: ['passed, not published', 'passed'],
  published: ['published', 'published'],
  failed: ['failed', 'failed'],
  cancelled: ['cancelled', 'cancelled'],
}
export const isGoing = ({ state }: Pick<Run, 'state'>): boolean => stateWords[state][1] === 'going'
