/**
 * What training leaves behind: experiments, runs with their parameters, metrics and tags, the datasets they read, the models they logged, and
 * the files of all of them. Part of the metadata store.
 *
 * Laws that every adapter keeps, beside those of the metadata store:
 * - **Atomic.** A method is one transaction; of a batch all is logged or nothing.
 * - **Parameters do not change.** To log one again with another value rejects with SX_PARAMETER_CHANGED and logs nothing of that
 *   batch; with the same value it does nothing.
 * - **Metrics are a history.** The same value at the same step and time is kept once. A run's latest value of a metric is that of
 *   the greatest step, then of the latest time, then the greatest value; NaN is less than any number. Numbers come back as they are,
 *   also those that are none or infinite; steps and times are whole numbers that JavaScript has.
 * - **Deleted is hidden, not gone.** Experiments and runs that were deleted can be restored, and refuse to be logged to with
 *   SX_TRACKING_STATE. With an experiment its runs are hidden, and come back with it, but those that had been deleted by themselves.
 *   A logged model that was deleted is as if it were not there.
 * - **Names.** An experiment's name is unique, also among deleted ones: SX_TRACKING_EXISTS.
 * - **Unknown.** What is asked for by id and is not there is null; what is changed and is not there rejects with SX_UNKNOWN_RUN,
 *   SX_UNKNOWN_EXPERIMENT or SX_UNKNOWN_LOGGED_MODEL; so does the history of a metric whose run is not there.
 * - **Repeated.** `createRun` and `createLoggedModel` of an id that is there give what is there; a batch that was logged is there once.
 * - **Whole.** A run is read as it was at one instant, with all that is its own.
 * - **Files.** A path names one file at a time, which has nothing below it: SX_PATH_INVALID. `putFile` of a condemned artifact rejects with SX_ARTIFACT_CONDEMNED.
 */
import type { Tags } from './registry-store.ts'
import type { Page, Search } from './search.ts'

export type Lifecycle = 'active' | 'deleted'
export type View = Lifecycle | 'all'

export interface TrackingStore {
  /** Gives its id: '1', '2', …; '0' is the one named 'Default', which is always there. */
  createExperiment(
    experiment: { readonly name: string; readonly artifactLocation: string | null; readonly tags: Tags },
    at: number,
  ): Promise<string>
  experiment(id: string): Promise<Experiment | null>
  experimentNamed(name: string): Promise<Experiment | null>
  updateExperiment(
    id: string,
    change: { readonly name?: string; readonly lifecycle?: Lifecycle },
    at: number,
  ): Promise<void>
  tagExperiment(id: string, key: string, value: string | null, at: number): Promise<void>
  searchExperiments(search: Search, view: View): Promise<Page<Experiment>>

  createRun(run: NewRun): Promise<Run>
  run(id: string): Promise<Run | null>
  updateRun(id: string, change: RunChange): Promise<Run>
  /** Also of a run that has ended. A tag whose value is null is removed. */
  log(id: string, batch: Batch): Promise<void>
  logInputs(id: string, datasets: readonly DatasetInput[], models: readonly ModelInput[]): Promise<void>
  logOutputs(id: string, models: readonly ModelOutput[]): Promise<void>
  /** In the order of step, then time. */
  metricHistory(id: string, key: string, limit: number, offset: number): Promise<Page<Metric>>
  /** An empty list of experiments gives nothing. Without an order the newest come first, equal ones by id. */
  searchRuns(experiments: readonly string[], search: Search, view: View): Promise<Page<Run>>

  createLoggedModel(model: NewLoggedModel, at: number): Promise<LoggedModel>
  loggedModel(id: string): Promise<LoggedModel | null>
  /** A tag whose value is null is removed. */
  updateLoggedModel(
    id: string,
    change: {
      readonly status?: LoggedModelStatus
      readonly tags?: { readonly [key: string]: string | null }
      readonly parameters?: Tags
      readonly deleted?: boolean
    },
    at: number,
  ): Promise<LoggedModel>
  searchLoggedModels(experiments: readonly string[], search: Search): Promise<Page<LoggedModel>>

  /** `path` begins with the experiment: '1/RUN/artifacts/model/MLmodel', '1/models/m-…/artifacts/model.onnx'. */
  putFile(file: TrackedFile): Promise<void>
  file(path: string): Promise<TrackedFile | null>
  /** All below a folder, by path; '' is the folder of everything. At most `limit`. */
  files(folder: string, limit: number): Promise<readonly TrackedFile[]>
  /** The file of that path, and all below it; gives how many. */
  deleteFiles(path: string): Promise<number>

  /**
   * What was deleted before that instant is gone for good, with the paths of its files: experiments with all they have, runs and logged models.
   * A dry run tells the same, and changes nothing.
   */
  purge(before: number, dryRun: boolean): Promise<Purged>
}

export interface Purged {
  readonly experiments: number
  readonly runs: number
  readonly loggedModels: number
  /** SHA-256 of files that nothing else refers to, and hence nothing at all from then on. */
  readonly artifacts: readonly string[]
}

export interface Experiment {
  readonly id: string
  readonly name: string
  readonly artifactLocation: string
  readonly lifecycle: Lifecycle
  readonly tags: Tags
  readonly createdAt: number
  readonly updatedAt: number
}

export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'
export interface NewRun {
  /** 32 hexadecimal digits. */
  readonly id: string
  readonly experiment: string
  readonly name: string
  readonly user: string
  readonly startedAt: number
  readonly tags: Tags
}
export interface RunChange {
  readonly name?: string
  readonly status?: RunStatus
  readonly endedAt?: number
  readonly lifecycle?: Lifecycle
}
export interface Run extends NewRun {
  readonly status: RunStatus
  readonly endedAt: number | null
  readonly artifactUri: string
  readonly lifecycle: Lifecycle
  readonly parameters: Tags
  /** The latest of each. */
  readonly metrics: readonly Metric[]
  readonly inputs: { readonly datasets: readonly DatasetInput[]; readonly models: readonly ModelInput[] }
  readonly outputs: readonly ModelOutput[]
}

export interface Batch {
  readonly metrics: readonly Metric[]
  readonly parameters: readonly { readonly key: string; readonly value: string }[]
  readonly tags: readonly { readonly key: string; readonly value: string | null }[]
}

export interface Metric {
  readonly key: string
  /** May be NaN, Infinity and -Infinity. */
  readonly value: number
  readonly at: number
  readonly step: number
  readonly dataset: { readonly name: string; readonly digest: string } | null
  readonly model: string | null
}

export interface DatasetInput {
  readonly dataset: Dataset
  readonly tags: Tags
}
export interface Dataset {
  readonly name: string
  readonly digest: string
  readonly sourceType: string
  readonly source: string
  readonly schema: string | null
  readonly profile: string | null
}
export interface ModelInput {
  readonly model: string
}
export interface ModelOutput {
  readonly model: string
  readonly step: number
}

export type LoggedModelStatus = 'LOGGED_MODEL_PENDING' | 'LOGGED_MODEL_READY' | 'LOGGED_MODEL_UPLOAD_FAILED'
export interface NewLoggedModel {
  /** 'm-' and 32 hexadecimal digits. */
  readonly id: string
  readonly experiment: string
  readonly name: string
  readonly modelType: string
  readonly run: string | null
  readonly tags: Tags
  readonly parameters: Tags
}
export interface LoggedModel extends NewLoggedModel {
  readonly status: LoggedModelStatus
  readonly artifactUri: string
  readonly createdAt: number
  readonly updatedAt: number
  /** Of a longer history the newest 1,000, by key, step and time. */
  readonly metrics: readonly (Metric & { readonly run: string })[]
}

export interface TrackedFile {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  readonly at: number
}
