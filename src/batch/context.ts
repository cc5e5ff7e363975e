/** What the steps of a run are made with. */
import { join } from 'node:path'
import type { Batch } from '../definition/batch.ts'
import { hashOfDefinition } from '../definition/describe.ts'
import type { Platform } from '../definition/graph.ts'
import { batchNamed } from '../definition/graph.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { ArtifactStore } from '../ports/artifact-store.ts'
import type { BatchRowsStore } from '../ports/batch-rows.ts'
import type { BatchRun, BatchStore, LiveBatch } from '../ports/batch-store.ts'
import type { ModelVersion, RegistryStore } from '../ports/registry-store.ts'
import type { ServingTables } from '../ports/serving-tables.ts'
import type { VersionFiles } from '../registry/index.ts'
import type { Rates } from './cost.ts'
import type { Engine } from './engine.ts'

export interface BatchContext {
  readonly platform: Platform
  readonly environment: string
  readonly store: BatchStore
  readonly registry: RegistryStore
  readonly artifacts: ArtifactStore
  readonly rows: BatchRowsStore
  readonly files: VersionFiles
  readonly engine: (name: BatchRun['engine']) => Engine
  readonly published: Published
  /** Where versions are tables; null: nowhere, and no batch asks for it. */
  readonly tables: ServingTables | null
  readonly rates: Rates | null
  /** As others see who works: 'host 4711 a1b2c3'. */
  readonly holder: string
  /** What somebody who died held is free after this. */
  readonly leaseMs: number
  /** For what is on its way into the artifact store. */
  readonly folder: string
  /** Of this package. */
  readonly release: string
  readonly now: () => number
}

/** Where a version is looked up. */
export interface Published {
  /** Everything of the version can be looked up when it has resolved. Nothing to do where it already can. */
  warm(batch: Batch, run: BatchRun, progress: (done: number) => void, signal: AbortSignal): Promise<void>
  /** The pointer was set: those who look up in this process shall know at once. */
  flipped(): Promise<void>
  drop(batch: Batch, run: BatchRun): Promise<void>
}

/** The definition that a run was begun with. Throws SX_UNKNOWN_BATCH, and SX_BATCH_STATE where it is another by now. */
export function definitionOf({ platform }: BatchContext, run: BatchRun): Batch {
  const batch = batchNamed(platform, run.batch)
  if (hashOfDefinition(batch) === run.definition) return batch
  throw new SixfoldError('SX_BATCH_STATE', `Run ${run.version} of '${run.batch}' was begun with another definition.`, {
    fix: 'Begin a new run.',
  })
}

export const liveOf = async ({ store, environment }: BatchContext, batch: string): Promise<LiveBatch | null> =>
  (await store.live(environment)).find((one) => one.batch === batch) ?? null

export async function runOf({ store }: BatchContext, id: string): Promise<BatchRun> {
  const run = await store.run(id)
  if (run !== null) return run
  throw new SixfoldError('SX_UNKNOWN_BATCH_RUN', `There is no run '${id}'.`)
}

/** What a change of the registry says of a run. */
export const ofRun = ({ batch, environment, id, version, model, modelVersion }: BatchRun) => ({
  ...{ batch, environment, run: id, version, model, modelVersion },
})

export const folderOf = ({ folder }: BatchContext, { id }: BatchRun): string => join(folder, id)

/** The version of the model in production here. Throws SX_MODEL_UNREADY. */
export async function inProduction({ registry, environment }: BatchContext, model: string): Promise<ModelVersion> {
  const found = (await registry.production(environment)).find((version) => version.model === model)
  if (found !== undefined) return found
  throw new SixfoldError('SX_MODEL_UNREADY', `No version of '${model}' is in production in '${environment}'.`, {
    fix: `Add one: sixfold model add ${model} FILE.`,
  })
}

/** The Parquet files of a run, on this machine, in the order of its partitions. */
export async function filesOf({ store, artifacts }: BatchContext, run: BatchRun): Promise<readonly string[]> {
  const paths: string[] = []
  for (const { output } of await store.partitions(run.id))
    if (output !== null) paths.push(await artifacts.open(output.sha256))
  return paths
}

/** What two versions are asked when they are held against each other. */
export const askedOf = ({ key, model, decision, gate }: Batch) => ({
  keys: Object.keys(key),
  numbers: Object.entries(model.output).flatMap(([name, kind]) => (typeof kind === 'object' ? [] : [name])),
  decision: decision === null ? null : '_sx_decision',
  top: gate.top,
})
