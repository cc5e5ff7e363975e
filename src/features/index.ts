/**
 * Pattern 5, the feature store: features of entities at an instant, the same from history and online.
 *
 * Here: the door for values, pushed events into state, state from history, reads. The join over history is the offline store's.
 * Not here: what an aggregate is (aggregation/), and storage (ports/, adapters/).
 */

export type { Reader } from './door.ts'
export { Refusal, readerOf } from './door.ts'
export type { Ingest, PushResult } from './ingest.ts'
export { ingest, topicOfEvents } from './ingest.ts'
export type { KeyEncoder } from './key.ts'
export { keyEncoder, prefixOf, space } from './key.ts'
export type { Materialized, MaterializeRequest } from './materialize.ts'
export { materialize } from './materialize.ts'
export type { FeatureGroup, FeatureReader } from './online.ts'
export { featureReader, keysOf } from './online.ts'
export { patientRead } from './patient-read.ts'
export { decodePosition, encodePosition } from './positions.ts'
export type { RunningView, RunningViews } from './runtime.ts'
export { runningViews } from './runtime.ts'
export { clearGeneration } from './step-over.ts'
export type { ViewState } from './view-state.ts'
export { decodeViewState, viewStateKey } from './view-state.ts'
