/** What training logs, and how versions come of it: for the server. */
import type { ModelVersion, RegisteredModel, Stage, Tags } from '../ports/registry-store.ts'
import type {
  Batch,
  DatasetInput,
  Experiment,
  Lifecycle,
  LoggedModel,
  LoggedModelStatus,
  Metric,
  ModelInput,
  ModelOutput,
  Run,
  RunStatus,
  TrackedFile,
  View,
} from '../ports/tracking-store.ts'
import type { Asker } from '../registry/index.ts'
import type { Listed, OpenedFile } from './files.ts'
import type { Found, Query } from './pages.ts'

/** Whatever is asked for and is not there throws SX_UNKNOWN_EXPERIMENT, SX_UNKNOWN_RUN or SX_UNKNOWN_LOGGED_MODEL. */
export interface Tracking {
  createExperiment(wanted: {
    readonly name: string
    readonly artifactLocation: string | null
    readonly tags: Tags
  }): Promise<string>
  experiment(id: string): Promise<Experiment>
  experimentNamed(name: string): Promise<Experiment>
  renameExperiment(id: string, name: string): Promise<void>
  setExperiment(id: string, lifecycle: Lifecycle): Promise<void>
  tagExperiment(id: string, key: string, value: string): Promise<void>
  /** False where there was none. */
  untagExperiment(id: string, key: string): Promise<boolean>
  searchExperiments(query: Query, view: View): Promise<Found<Experiment>>

  createRun(wanted: {
    readonly experiment: string
    readonly name: string
    readonly user: string
    readonly startedAt: number | null
    readonly tags: Tags
  }): Promise<Run>
  run(id: string): Promise<Run>
  updateRun(
    id: string,
    change: { readonly name?: string; readonly status?: RunStatus; readonly endedAt?: number },
  ): Promise<Run>
  setRun(id: string, lifecycle: Lifecycle): Promise<void>
  log(run: string, batch: Partial<Batch>): Promise<void>
  /** False where there was none. */
  untagRun(run: string, key: string): Promise<boolean>
  logInputs(run: string, datasets: readonly DatasetInput[], models: readonly ModelInput[]): Promise<void>
  logOutputs(run: string, models: readonly ModelOutput[]): Promise<void>
  /** `limit` null: all of it, as far as one answer can hold it. */
  metricHistory(run: string, key: string, limit: number | null, page: string | null): Promise<Found<Metric>>
  /** Of each of several runs at most `limit` values, evenly over the steps, with the first and the last of them. */
  metricHistories(
    runs: readonly string[],
    key: string,
    steps: readonly [from: number, to: number] | null,
    limit: number,
  ): Promise<readonly (Metric & { readonly run: string })[]>
  searchRuns(experiments: readonly string[], query: Query, view: View): Promise<Found<Run>>
  /** Which datasets the runs of experiments read, each once. */
  datasets(experiments: readonly string[]): Promise<
    readonly {
      readonly experiment: string
      readonly name: string
      readonly digest: string
      readonly context: string | null
    }[]
  >

  createLoggedModel(wanted: {
    readonly experiment: string
    readonly name: string | null
    readonly modelType: string
    readonly run: string | null
    readonly tags: Tags
    readonly parameters: Tags
  }): Promise<LoggedModel>
  loggedModel(id: string): Promise<LoggedModel>
  updateLoggedModel(
    id: string,
    change: { readonly status?: LoggedModelStatus; readonly tags?: Tags; readonly parameters?: Tags },
  ): Promise<LoggedModel>
  deleteLoggedModel(id: string): Promise<void>
  /** False where there was none. */
  untagLoggedModel(id: string, key: string): Promise<boolean>
  searchLoggedModels(experiments: readonly string[], query: Query): Promise<Found<LoggedModel>>

  putFile(path: string, contents: AsyncIterable<Uint8Array>): Promise<TrackedFile>
  openFile(path: string): Promise<OpenedFile>
  /** What lies directly in a folder; nothing where there is none. */
  listFiles(folder: string): Promise<readonly Listed[]>
  /** Below the folder of a run or logged model; null where its files lie elsewhere. */
  listFilesOf(owner: Pick<Run | LoggedModel, 'artifactUri'>, path: string): Promise<readonly Listed[] | null>
  deleteFiles(path: string): Promise<void>

  /** Throws SX_UNKNOWN_MODEL. */
  model(name: string): Promise<NamedModel>
  searchModels(query: Query): Promise<Found<NamedModel>>
  /** Throws SX_UNKNOWN_MODEL or SX_UNKNOWN_VERSION. */
  version(model: string, version: number): Promise<ModelVersion>
  /** Throws SX_UNKNOWN_MODEL or SX_UNKNOWN_ALIAS. */
  versionAs(model: string, alias: string): Promise<ModelVersion>
  searchVersions(query: Query): Promise<Found<ModelVersion>>
  /** What a logged model, a run or another version has becomes a version. */
  registerVersion(wanted: WantedVersion, asker: Asker): Promise<ModelVersion>
  /** Where the files of a version can be had, as they were when it was registered. */
  addressOf(version: ModelVersion): Promise<string>
  /** As MLflow moves: to the stage that a version has already, too. */
  moveVersion(
    model: string,
    version: number,
    to: Stage | 'none',
    archiveOthers: boolean,
    asker: Asker,
  ): Promise<ModelVersion>
}

export interface NamedModel extends RegisteredModel {
  /** The newest version of each stage. */
  readonly latest: readonly ModelVersion[]
}

export interface WantedVersion {
  readonly model: string
  readonly source: string
  readonly run: string | null
  readonly loggedModel: string | null
  readonly runLink: string
  readonly description: string
  readonly tags: Tags
}
