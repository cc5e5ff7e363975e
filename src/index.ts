/**
 * Sixfold: typed definitions, and everything that runs from them.
 *
 * Define a platform with `entity`, `source`, `view`, `model` and `platform`; run it in this process with `sixfold(platform)`, or
 * with the command `sixfold`; ask a server with `connect` from 'sixfold/client'.
 */

export type { Asked, AskOptions, KeyValues, PredictionOf, PredictionRecord, ReadOptions } from './client/connect.ts'
export type {
  Batch,
  BatchGate,
  BatchOptions,
  BatchRows,
  CatchUp,
  Distances,
  EveryEntity,
  Publication,
  Query,
  Schedule,
  Unknown,
} from './definition/batch.ts'
export { batch, cron, everyEntity, query } from './definition/batch.ts'
export type { Entity, KeyFields, KeyType } from './definition/entity.ts'
export { entity } from './definition/entity.ts'
export type { Field, Fields, FieldValues } from './definition/field.ts'
export type { FactName, Gate, GatedStage, GateOptions, Margin } from './definition/gate.ts'
export { bounded, decreasing, gate, increasing, unaffected } from './definition/gate.ts'
export type { Definition, Definitions, Platform } from './definition/graph.ts'
export type {
  Budget,
  InputsAtMoment,
  KeysOf,
  Label,
  Model,
  Output,
  Outputs,
  OutputValue,
  RequestOf,
  Vector,
} from './definition/model.ts'
export { label, model, vector } from './definition/model.ts'
export { platform } from './definition/platform.ts'
export type { Source, SourceOptions, Storage, Topic } from './definition/source.ts'
export { parquet, source, topic } from './definition/source.ts'
export type { Training, TrainingOptions } from './definition/training.ts'
export { training } from './definition/training.ts'
export type { AnyView, Features, FeatureValues, View } from './definition/view.ts'
export { view } from './definition/view.ts'
export type { Aggregate, Chosen } from './expression/aggregates.ts'
export {
  count,
  decayedCount,
  decayedSum,
  distinct,
  first,
  firstN,
  last,
  lastN,
  max,
  mean,
  median,
  min,
  quantile,
  stddev,
  sum,
  topN,
  variance,
} from './expression/aggregates.ts'
export { moment } from './expression/builder.ts'
export type {
  AnyExpression,
  BooleanExpression,
  DurationExpression,
  ListExpression,
  NumberExpression,
  StringExpression,
  TimestampExpression,
  ValueOf,
} from './expression/faces.ts'
export { defineFunction } from './expression/functions/define.ts'
export { cannot } from './expression/functions/spec.ts'
export { manualClock } from './kernel/clock.ts'
export type { Duration } from './kernel/duration.ts'
export type { ErrorCode, Problem } from './kernel/errors.ts'
export { isSixfoldError, SixfoldError } from './kernel/errors.ts'
export type { Limits } from './kernel/limits.ts'
export type { Config } from './runtime/config.ts'
export { defineConfig } from './runtime/config.ts'
export type { OpenOptions } from './runtime/open.ts'
export type { Sixfold } from './runtime/sixfold.ts'
export { sixfold } from './runtime/sixfold.ts'
