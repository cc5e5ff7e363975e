/** `sixfold/client`: a typed client over HTTP that runs wherever `fetch` does. Loads nothing else of the package. */

export type { ErrorCode, Problem } from '../kernel/errors.ts'
export { isSixfoldError, SixfoldError } from '../kernel/errors.ts'
export type {
  Asked,
  AskOptions,
  Client,
  ConnectOptions,
  KeyValues,
  ModelClient,
  PredictionOf,
  PredictionRecord,
  PushAnswer,
  ReadOptions,
  SourceClient,
  ViewClient,
} from './connect.ts'
export { connect } from './connect.ts'
