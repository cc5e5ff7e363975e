/** What the composition root provides to commands. */
import type { DriftAsked, DriftFound, Examination, RolledBack, Status, Workbench } from '../api/index.ts'

export interface ServeOptions {
  readonly port: number | null
  readonly host: string | null
  /** Of gRPC; null: none. Left out: that of the configuration. */
  readonly grpcPort?: number | null
  /** Start with a clock that stands at this instant and is moved over HTTP, for replays; null: time passes. */
  readonly clock: number | null
  /** Apply changed definitions at the start, instead of refusing to serve them. */
  readonly apply: boolean
  readonly verbose: boolean
}

export interface Serving {
  readonly url: string
  /** Where gRPC is spoken, as host:port; null: nowhere. */
  readonly grpc: string | null
  readonly data: string
  readonly models: readonly { readonly model: string; readonly version: string | null }[]
  close(): Promise<void>
}

export interface Tools {
  readonly version: string
  /** Checks the project's configuration and definitions, and nothing that lies outside. */
  load(project: string): Promise<{
    readonly file: string
    readonly folder: string
    readonly data: string
    readonly definitions: readonly { readonly kind: string; readonly name: string }[]
  }>
  /** What can be asked of a server of this project, as OpenAPI has it. */
  openApi(project: string): Promise<object>
  open(project: string): Promise<Workbench>
  /** Looks at the configuration, the machine and each store; what is wrong is part of the answer. */
  examine(project: string): Promise<Examination>
  /** Of a server that runs: the one named, or the one that the configuration has listen here. */
  status(project: string, url: string | null): Promise<Status>
  /** Two files of rows held against each other; no project is needed. */
  drift(asked: DriftAsked): Promise<DriftFound>
  /** By a server that runs: it can also while the metadata store is away. */
  rollback(
    project: string,
    url: string | null,
    model: string,
    version: number | null,
    reason: string | null,
  ): Promise<RolledBack>
  serve(project: string, options: ServeOptions): Promise<Serving>
  /** Calls after each change of the files that the definitions are made of; gives how to stop. */
  watch(project: string, changed: (file: string) => void): Promise<() => void>
  /** Writes a new project; gives the files written. */
  init(folder: string): Promise<readonly string[]>
}
