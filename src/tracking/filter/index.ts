/** MLflow's language of searches, as conditions and orderings that the metadata store understands. */
export { parseFilter } from './filter.ts'
export type { OrderedField } from './order.ts'
export { parseOrder } from './order.ts'
