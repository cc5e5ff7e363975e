/** What the system does and answers, as types: shared by the server, the command line, the client and the console. No logic but the graph. */
export type { Access, Caller, Right } from './access.ts'
export type {
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
export type { Examination, ExaminedProblem } from './examination.ts'
export { graphOf } from './graph.ts'
export type * from './registry.ts'
export type { FeatureAnswer, Plan, PlannedChange, Services, TrainingSetAsked, Workbench } from './services.ts'
