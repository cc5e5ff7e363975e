/** What the registry answers, as it arrives here, and where. */
import type {
  Check,
  Consequence,
  FactDiff,
  Lineage,
  LineageNode,
  Precondition,
  Right,
  Role,
  Stage,
  VersionDiff,
} from '../../../dist/api/index.js'
import type { EntryAnswer, ModelAnswer, SummaryAnswer, VersionAnswer } from '../../../dist/server/registry-answers.js'
import { path } from './server.ts'

export type { Check, Consequence, FactDiff, Lineage, LineageNode, Precondition, Right, Stage, VersionDiff }
export type Model = ModelAnswer
export type Summary = SummaryAnswer
export type Version = VersionAnswer
export type Entry = EntryAnswer
export type Evidence = Version['evidence'][number]
export type Facts = Version['facts']
export type FactName = keyof Facts

export interface Models {
  readonly environment: string
  readonly models: readonly Summary[]
  readonly more: boolean
}
export interface Access {
  readonly required: boolean
  readonly environment: string
  readonly actor: string
  readonly role: Role
  readonly rights: readonly Right[]
  readonly models: readonly string[]
}

export const stages: readonly Stage[] = ['registered', 'validated', 'staging', 'production', 'archived']
export const factNames: readonly FactName[] = [
  'artifact',
  'schema',
  'preprocessing',
  'data',
  'configuration',
  'evaluation',
  'dependencies',
]
export const factTitles: { readonly [F in FactName]: string } = {
  artifact: 'Artifact',
  schema: 'Feature schema',
  preprocessing: 'Preprocessing',
  data: 'Training data',
  configuration: 'Training configuration',
  evaluation: 'Evaluation',
  dependencies: 'Dependencies',
}

const base = '/v1/registry'
export const at = {
  access: `${base}/access`,
  models: (search: string): string =>
    search === ''
      ? `${base}/models?limit=200`
      : `${base}/models?limit=200&filter=${encodeURIComponent(filterOf(search))}`,
  model: (model: string): string => path`/v1/registry/models/${model}`,
  version: (model: string, version: string | number): string => path`/v1/registry/models/${model}/versions/${version}`,
  diff: (model: string, a: string, b: string): string => path`/v1/registry/models/${model}/diff?a=${a}&b=${b}`,
  rollback: (model: string): string => path`/v1/registry/models/${model}/rollback`,
  audit: `${base}/audit`,
  lineage: (of: string, value: string): string => path`/v1/registry/lineage?${of}=${value}`,
}

/** Wherever in the name it is, in small letters or large. */
const filterOf = (search: string): string => `name ILIKE '%${search.replaceAll("'", "''")}%'`
