/** What the system does, as one interface: the server and the command line call it, the composition root provides it. */
import type { Batches } from '../batch/index.ts'
import type { Platform } from '../definition/graph.ts'
import type { Period } from '../definition/training.ts'
import type { Materialized, MaterializeRequest, PushResult } from '../features/index.ts'
import type { Prediction, Question, ServedModel, TensorAnswer, TensorCall } from '../inference/index.ts'
import type { Limits } from '../kernel/limits.ts'
import type { OutcomeResult } from '../monitoring/index.ts'
import type { HistorySummary, TrainingSetResult } from '../ports/offline-store.ts'
import type { Stage } from '../ports/registry-store.ts'
import type { Registry } from '../registry/index.ts'
import type { Tracking } from '../tracking/index.ts'
import type { Reproduction, Trained, Watching } from '../training/index.ts'
import type { Explanation, PlatformDescription, Status } from './answers.ts'
import type { ConvertAsked, Converted } from './convert.ts'

export interface Services {
  readonly batches: Batches
  readonly platform: Platform
  readonly limits: Limits
  readonly registry: Registry
  readonly tracking: Tracking
  predict(model: string, question: Question): Promise<Prediction>
  /** Predicts nothing: throws what `predict` would reject with of what the caller got wrong. */
  check(model: string, question: Question): void
  readonly inference: Inference
  readFeatures(view: string, keys: unknown, at: number | undefined): Promise<FeatureAnswer>
  push(source: string, rows: readonly unknown[]): Promise<PushResult>
  recordOutcomes(inputs: readonly unknown[]): Promise<OutcomeResult>
  /** Throws SX_UNKNOWN_PREDICTION; where attributions are wanted also SX_NOT_ATTRIBUTABLE. */
  explain(id: string, wanted?: ExplainWanted): Promise<Explanation>
  status(): Promise<Status>
  describe(): PlatformDescription
  /** Moves a clock that stands still until it is moved; null where time passes by itself. */
  readonly advanceClock: ((to: number) => void) | null
}

export interface ExplainWanted {
  readonly attributions?: boolean
}

/** The files of models as they are, for clients that send tensors. */
export interface Inference {
  /** `version` null: the one that answers. Throws SX_UNKNOWN_MODEL, SX_UNKNOWN_VERSION, SX_MODEL_UNREADY, SX_TENSOR_INVALID, and what a scheduler rejects with. */
  infer(model: string, version: string | null, call: TensorCall): Promise<TensorAnswer>
  /** Every model that is defined, in the order of the definitions. */
  served(): readonly ServedModel[]
  /** One of them; null: none is called so. */
  of(model: string): ServedModel | null
  /** Whether all that is to answer here does, or was tried. */
  ready(): boolean
  /** What the whole of a model has answered since the start, through features and all. */
  pipeline(model: string): PipelineCounts
  /** Has versions answer here beside the one in production; null: that one. Returns when they are ready. Throws SX_UNKNOWN_MODEL, SX_UNKNOWN_VERSION. */
  load(model: string, versions: readonly string[] | null): Promise<void>
  /** Takes a model off here for clients that send tensors; what is in production goes on answering predictions. */
  unload(model: string): Promise<void>
}

export interface PipelineCounts {
  readonly predictions: number
  readonly meanMs: number
  /** On the clock; null: not yet. */
  readonly lastAnswer: number | null
}

/** What a command works with beside a server, or without one. */
export interface Workbench {
  readonly platform: Platform
  readonly registry: Registry
  readonly batches: Batches
  plan(): Promise<Plan>
  /** `dropped` is the number of records of old state; `kept` names views whose old state running servers still use. */
  apply(): Promise<{ readonly at: number; readonly dropped: number; readonly kept: readonly string[] }>
  inspect(source: string): Promise<HistorySummary>
  materialize(view: string, request: MaterializeRequest, progress: (done: number) => void): Promise<Materialized>
  trainingSet(request: TrainingSetAsked, progress: (done: number) => void): Promise<TrainingSetResult>
  readFeatures(view: string, keys: unknown, at: number | undefined): Promise<FeatureAnswer>
  explain(id: string, wanted?: ExplainWanted): Promise<Explanation>
  /** A model of another framework as an ONNX file, with rows and what the framework answers to them. Throws SX_IMPORT_*. */
  convert(model: string, asked: ConvertAsked): Promise<Converted>
  /** The file of a version whose model is on another server, as JSON. Throws SX_REMOTE_REFUSED, SX_REMOTE_UNAVAILABLE and SX_REMOTE_INVALID. */
  describeRemote(asked: RemoteAsked): Promise<string>
  /** Throws SX_TRAINING_FAILED where the command does not end well or leaves no model. */
  train(model: string, asked: TrainAsked, watching: Watching): Promise<Trained>
  /** `version` is a number, an alias, a stage or 'latest'. Throws SX_NOT_REPRODUCIBLE where something is missing that it takes. */
  reproduce(model: string, version: string, asked: ReproduceAsked, watching: Watching): Promise<Reproduction>
  close(): Promise<void>
}

export interface RemoteAsked {
  /** 'v2+http://triton:8000/models/late' */
  readonly url: string
  /** What the server does not say of itself: 'x:float32[-1,12]'. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
}

interface TrainingAsked {
  /** The server to which the command logs; null: one of this project that runs here, or one for this training alone. */
  readonly url: string | null
  /** As the audit names whoever asks. */
  readonly actor: string
}
export interface TrainAsked extends TrainingAsked {
  /** How far versions are to go that come of it. */
  readonly until: Stage
}
export interface ReproduceAsked extends TrainingAsked {
  /** True: it is only said whether it can be done. */
  readonly check: boolean
}

export interface TrainingSetAsked {
  readonly labels: string
  readonly at: string
  readonly zone: string | null
  readonly out: string
  readonly model: string | null
  readonly views: readonly string[]
  /** Label rows of this period only; left out, all. */
  readonly period?: Period
}

export interface PlannedChange {
  readonly change: 'added' | 'changed' | 'removed'
  readonly kind: string
  readonly name: string
  /** What follows from it, in words. */
  readonly entails: string | null
}
export interface Plan {
  readonly hash: string
  /** When definitions were last applied; null if none were. */
  readonly appliedAt: number | null
  readonly changes: readonly PlannedChange[]
}

export interface FeatureAnswer {
  readonly view: string
  readonly at: number
  /** 'never seen': the entity has no event; its features are those of an empty history. */
  readonly entity: 'known' | 'never seen'
  /** The time of the newest event that the features are made of. */
  readonly newest: number | null
  readonly features: { readonly [feature: string]: unknown }
}
