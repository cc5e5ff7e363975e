/** What training logs, and versions out of it: what the server calls for MLflow's clients. */
export type {
  Experiment,
  LoggedModel,
  LoggedModelStatus,
  Metric,
  Run,
  RunStatus,
  View,
} from '../ports/tracking-store.ts'
export type { Found, Listed, NamedModel, OrderedField, Query, Tracking, WantedVersion } from '../tracking/index.ts'
export { parseFilter } from '../tracking/index.ts'
