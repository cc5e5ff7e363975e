/** Searching what the metadata store keeps: conditions that all hold, an order, and pages. */

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
  readonly key: string
  readonly operator: Operator
  readonly value: string | number | readonly (string | number)[] | null
  /** Of a metric: on the dataset of that name, or digest. */
  readonly dataset?: { readonly name: string | null; readonly digest: string | null }
  /** True: it holds as well where there is no such value. */
  readonly orAbsent?: boolean
}
export interface Ordering {
  readonly of: Condition['of']
  readonly key: string
  readonly descending: boolean
  readonly dataset?: { readonly name: string | null; readonly digest: string | null }
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
