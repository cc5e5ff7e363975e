/** By what each kind of thing may be searched, with which comparisons, and sorted: MLflow's own rules. */
import type { Condition, Operator, SearchKind } from '../../ports/search.ts'
import { searchedBy } from '../../ports/search.ts'

export interface Rule {
  readonly operators: readonly Operator[]
  /** 'text' stands in quotes, and 'loose' text need not; 'whole' is a whole number, 'id' one in quotes, 'version' one with or without. */
  readonly value: 'text' | 'loose' | 'number' | 'whole' | 'id' | 'version'
}

export interface Language {
  /** What may stand before the first dot of a name. */
  readonly prefixes: { readonly [prefix: string]: Condition['of'] }
  readonly values: { readonly [of in Exclude<Condition['of'], 'attribute'>]?: Rule }
  readonly attributes: { readonly [name: string]: Rule }
  /** Other names of attributes. */
  readonly aliases: { readonly [name: string]: string }
  readonly sortedBy: { readonly of: readonly Condition['of'][]; readonly attributes: readonly string[] }
}

const text = ['=', '!=', 'LIKE', 'ILIKE'] as const
const list = ['IN', 'NOT IN'] as const
const absence = ['IS NULL', 'IS NOT NULL'] as const
const number: Rule = { operators: ['=', '!=', '<', '<=', '>', '>='], value: 'number' }
const whole: Rule = { ...number, value: 'whole' }
const texts: Rule = { operators: text, value: 'text' }
const textsOrLists: Rule = { operators: [...text, ...list], value: 'text' }
const loose: Rule = { operators: [...text, ...list], value: 'loose' }
const textsOrNone: Rule = { operators: [...text, ...absence], value: 'text' }

const registryPrefixes = { attribute: 'attribute', tag: 'tag', tags: 'tag' } as const
const sorted = (kind: SearchKind): readonly string[] => Object.keys(searchedBy[kind])

export const languages: { readonly [kind in SearchKind]: Language } = {
  run: {
    prefixes: {
      ...{ metric: 'metric', metrics: 'metric', tag: 'tag', tags: 'tag', dataset: 'dataset', datasets: 'dataset' },
      ...{ parameter: 'parameter', parameters: 'parameter', param: 'parameter', params: 'parameter' },
      ...{ attribute: 'attribute', attributes: 'attribute', attr: 'attribute', run: 'attribute' },
    },
    values: { metric: number, parameter: textsOrNone, tag: textsOrNone, dataset: textsOrLists },
    attributes: {
      ...{ run_id: textsOrLists, run_name: texts, user_id: texts, status: texts, artifact_uri: texts },
      ...{ start_time: number, end_time: number },
    },
    aliases: {
      ...{ created: 'start_time', Created: 'start_time' },
      ...{ 'run name': 'run_name', 'Run name': 'run_name', 'Run Name': 'run_name' },
    },
    sortedBy: { of: ['attribute', 'metric', 'parameter', 'tag'], attributes: sorted('run') },
  },
  experiment: {
    prefixes: registryPrefixes,
    values: { tag: textsOrNone },
    attributes: {
      name: texts,
      experiment_id: { operators: ['=', '!=', ...list], value: 'id' },
      creation_time: whole,
      last_update_time: whole,
    },
    aliases: {},
    sortedBy: { of: ['attribute'], attributes: sorted('experiment') },
  },
  'logged model': {
    prefixes: { attributes: 'attribute', metrics: 'metric', params: 'parameter', tags: 'tag' },
    values: { metric: number, parameter: loose, tag: loose },
    attributes: {
      ...{ model_id: loose, experiment_id: loose, name: loose, status: loose },
      ...{ model_type: loose, source_run_id: loose, artifact_location: loose },
      ...{ creation_timestamp: number, last_updated_timestamp: number },
    },
    aliases: {
      ...{ creation_time: 'creation_timestamp', creation_timestamp_ms: 'creation_timestamp' },
      last_updated_timestamp_ms: 'last_updated_timestamp',
    },
    sortedBy: { of: ['attribute', 'metric'], attributes: sorted('logged model') },
  },
  'registered model': {
    prefixes: registryPrefixes,
    values: { tag: texts },
    attributes: { name: textsOrLists },
    aliases: { timestamp: 'last_updated_timestamp' },
    sortedBy: { of: ['attribute'], attributes: sorted('registered model') },
  },
  'model version': {
    prefixes: registryPrefixes,
    values: { tag: texts },
    attributes: {
      name: textsOrLists,
      run_id: textsOrLists,
      source_path: texts,
      version_number: { ...whole, value: 'version' },
    },
    aliases: {},
    sortedBy: {
      of: ['attribute'],
      attributes: ['name', 'version_number', 'creation_timestamp', 'last_updated_timestamp'],
    },
  },
}
