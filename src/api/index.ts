/** What the system does and answers, as types: shared by the server, the command line, the client and the console. No logic but the graph. */
export type {
  AccessKey,
  AuditEntry,
  Evidence,
  Facts,
  ModelVersion,
  Precondition,
  RegisteredModel,
  Role,
  Stage,
  VersionFile,
  Webhook,
} from '../ports/registry-store.ts'
export { stages } from '../ports/registry-store.ts'
export type { Page, Search } from '../ports/search.ts'
export type {
  Added,
  AddOptions,
  Asker,
  AuditVerification,
  Check,
  Collected,
  CollectOptions,
  Consequence,
  FactDiff,
  Lineage,
  LineageNode,
  LineageQuestion,
  ModelDetail,
  ModelSummary,
  Moved,
  MoveOptions,
  PlainChange,
  ProductionPeriod,
  Registration,
  Registry,
  RolledBack,
  ValidateOptions,
  Validation,
  VersionDetail,
  VersionDiff,
  VersionSummary,
} from '../registry/index.ts'
export type { Ingredient, Outcome, Reproduction, Trained, Watching } from '../training/index.ts'
export type { Access, Caller, Right } from './access.ts'
export { roleFor, roles } from './access.ts'
export type {
  Attributions,
  BatchStatus,
  Explanation,
  Graph,
  GraphNode,
  Member,
  ModelStatus,
  NamedStoreReport,
  PlatformDescription,
  ServerInfo,
  Status,
  ViewStatus,
} from './answers.ts'
export type { ConvertAsked, Converted } from './convert.ts'
export type { DriftAsked, DriftFound, EvidentlyColumnDrift } from './drift.ts'
export type { Examination, ExaminedProblem } from './examination.ts'
export { graphOf } from './graph.ts'
export type {
  ExplainWanted,
  FeatureAnswer,
  Inference,
  PipelineCounts,
  Plan,
  PlannedChange,
  RemoteAsked,
  ReproduceAsked,
  Services,
  TrainAsked,
  TrainingSetAsked,
  Workbench,
} from './services.ts'
export type {
  Experiment,
  Found,
  Listed,
  LoggedModel,
  LoggedModelStatus,
  Metric,
  NamedModel,
  Query,
  Run,
  RunStatus,
  Tracking,
  View,
  WantedVersion,
} from './tracking.ts'
export { parseFilter } from './tracking.ts'
