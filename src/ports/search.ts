/** Searching what the metadata store keeps: conditions that all hold, an order, and pages. */

/** The attributes by which each kind of thing is searched and sorted, and what their values are. The names are those of MLflow's API. */
export const searchedBy = {
  run: {
    run_id: 'text',
    run_name: 'text',
    user_id: 'text',
    status: 'text',
    artifact_uri: 'text',
    start_time: 'number',
    end_time: 'number',
  },
  experiment: { experiment_id: 'number', name: 'text', creation_time: 'number', last_update_time: 'number' },
  'logged model': {
    model_id: 'text',
    experiment_id: 'number',
    name: 'text',
    status: 'text',
    model_type: 'text',
    source_run_id: 'text',
    artifact_location: 'text',
    creation_timestamp: 'number',
    last_updated_timestamp: 'number',
  },
  'registered model': { name: 'text', creation_timestamp: 'number', last_updated_timestamp: 'number' },
  'model version': {
    name: 'text',
    version_number: 'number',
    run_id: 'text',
    source_path: 'text',
    creation_timestamp: 'number',
    last_updated_timestamp: 'number',
  },
} as const satisfies { readonly [kind: string]: { readonly [attribute: string]: 'text' | 'number' } }
export type SearchKind = keyof typeof searchedBy

export type Operator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'LIKE'
  | 'ILIKE'
  | 'IN'
  | 'NOT IN'
  | 'IS NULL'
  | 'IS NOT NULL'

export interface Condition {
  /** Of what: a column of the thing itself, or one of the values that are kept with it by key. */
  readonly of: 'attribute' | 'tag' | 'parameter' | 'metric' | 'dataset'
  /** Of an attribute, its name in `searchedBy`; of a dataset, 'name', 'digest' or 'context'. */
  readonly key: string
  readonly operator: Operator
  readonly value: string | number | readonly (string | number)[] | null
  /** Of a metric: measured on one of these. Of a dataset, with IS NOT NULL: there is a metric measured on one of these. */
  readonly datasets?: readonly MeasuredOn[]
  /** True: it holds as well where there is no such value. */
  readonly orAbsent?: boolean
}
export interface Ordering {
  readonly of: Condition['of']
  readonly key: string
  readonly descending: boolean
  readonly datasets?: readonly MeasuredOn[]
}
export interface MeasuredOn {
  readonly name: string | null
  readonly digest: string | null
}
export interface Search {
  readonly where: readonly Condition[]
  readonly order: readonly Ordering[]
  readonly limit: number
  /** How many are passed over. */
  readonly offset: number
}
export interface Page<T> {
  readonly items: readonly T[]
  /** True where there are more. */
  readonly more: boolean
}
