/**
 * A model is trained as its definition says: data built from history, the user's command run, and the versions that come of it tied to the data,
 * the definitions and the code.
 */
import { hashOfDefinition } from '../definition/describe.ts'
import type { Platform } from '../definition/graph.ts'
import { modelNamed, trainingOf } from '../definition/graph.ts'
import type { Training } from '../definition/training.ts'
import { isSixfoldError, SixfoldError } from '../kernel/errors.ts'
import type { OfflineStore } from '../ports/offline-store.ts'
import type { ModelVersion, Stage } from '../ports/registry-store.ts'
import { stageIn } from '../ports/registry-store.ts'
import type { Registry } from '../registry/index.ts'
import type { Attempt, AttemptOptions, Watching } from './attempt.ts'
import { attempt } from './attempt.ts'
import type { RowSets, SetName } from './data.ts'
import { buildSets } from './data.ts'
import { modelLeft, versionsOf } from './produced.ts'
import { codeOf } from './surroundings.ts'
import { factsOfRun, tags } from './tags.ts'

export interface TrainingOptions extends AttemptOptions {
  readonly platform: Platform
  readonly offline: OfflineStore
  readonly registry: Registry
  readonly project: string
  /** For what is needed for a while. */
  readonly scratch: string
  /** Folders that the project writes to itself, and that are no part of its code. */
  readonly own: readonly string[]
  readonly actor: string
}

export interface Trained {
  readonly model: string
  readonly run: string
  readonly experiment: { readonly id: string; readonly name: string }
  readonly command: readonly string[]
  readonly commit: string | null
  readonly dirty: boolean | null
  readonly sets: { readonly [S in SetName]: Omit<RowSets[S], 'path' | 'columns'> }
  readonly parameters: number
  readonly metrics: readonly { readonly key: string; readonly value: number }[]
  readonly versions: readonly {
    readonly model: string
    readonly version: number
    readonly stage: Stage
    /** True: the command registered it; false: it was registered for the command. */
    readonly byCommand: boolean
    /** Why it did not go as far as it was to. */
    readonly stopped: string | null
  }[]
  readonly milliseconds: number
  /** False where a version did not go as far as it was to. */
  readonly ok: boolean
}

/** Throws SX_TRAINING_FAILED where the command did, or left no model; the run is kept. */
export async function train(
  name: string,
  until: Stage,
  options: TrainingOptions,
  watching: Watching,
): Promise<Trained> {
  const { platform, project, offline, clock } = options
  const began = clock.monotonic()
  const training = trainingNamed(platform, name)
  const code = await codeOf(project, options.own)
  const recipe = {
    model: name,
    experiment: training.experiment,
    command: training.command,
    environment: training.environment,
    seeds: Object.fromEntries(Object.entries(training.seeds).map(([seed, value]) => [seed, String(value)])),
    folder: project,
    project,
    tags: {
      [tags.definition]: hashOfDefinition(training.model),
      [tags.training]: hashOfDefinition(training),
      [tags.platform]: platform.hash,
      ...(code === null
        ? {}
        : {
            [tags.commit]: code.commit,
            [tags.dirty]: String(code.changed.length > 0),
            [tags.folder]: code.folder,
            'mlflow.source.git.commit': code.commit,
          }),
    },
  }
  return attempt(
    recipe,
    options,
    watching,
    (folder) => {
      watching.step('Building the rows to train on and those held out')
      return buildSets(training, { offline, project, folder }, watching.progress)
    },
    async (attempted, sets) => {
      mustHaveEndedWell(attempted)
      const made = await versionsMade(attempted, name, options)
      const versions = []
      for (const { version, byCommand } of made) {
        const stopped = version.model === name ? await advance(version, until, options, watching) : null
        const now = await options.registry.version(version.model, String(version.version))
        const stage = stageIn(now, options.registry.environment)
        versions.push({ model: version.model, version: version.version, stage, byCommand, stopped })
      }
      const run = (await options.tracking.run(attempted.run.id)) ?? attempted.run
      return {
        model: name,
        run: run.id,
        experiment: { id: run.experiment, name: training.experiment },
        command: training.command,
        commit: code?.commit ?? null,
        dirty: code === null ? null : code.changed.length > 0,
        sets: { data: told(sets.data), heldout: told(sets.heldout) },
        parameters: Object.keys(run.parameters).length,
        metrics: run.metrics.map(({ key, value }) => ({ key, value })),
        versions,
        milliseconds: clock.monotonic() - began,
        ok: versions.every(({ stopped }) => stopped === null),
      }
    },
  )
}

const told = ({ path: _, columns: __, ...rest }: RowSets[SetName]): Omit<RowSets[SetName], 'path' | 'columns'> => rest

export function trainingNamed(platform: Platform, name: string): Training {
  const training = trainingOf(platform, modelNamed(platform, name))
  if (training !== null) return training
  throw new SixfoldError('SX_TRAINING_FAILED', `No definition says how '${name}' is trained.`, {
    fix: `Add one to the platform: training(${name}, { labels: parquet('…'), at: '…', command: ['python', 'train.py'] }).`,
  })
}

export function mustHaveEndedWell({ run, end, exitCode, said }: Attempt): void {
  if (!end.stopped && exitCode === 0) return
  const how = end.stopped
    ? 'was told to end'
    : end.endedBy === null
      ? `ended with ${exitCode}`
      : `was ended by ${end.endedBy}`
  throw new SixfoldError('SX_TRAINING_FAILED', `The command ${how}; no version was made of it. Its run is ${run.id}.`, {
    fix: end.stopped ? 'Run it again.' : 'See what it wrote, above, or in the run: sixfold/command.log.',
    details: { run: run.id, exit: end.endedBy ?? end.code, said },
  })
}

/** Those that the command registered; else one of the model that it left. */
async function versionsMade(
  attempted: Attempt,
  name: string,
  options: TrainingOptions,
): Promise<readonly { readonly version: ModelVersion; readonly byCommand: boolean }[]> {
  const { registry, tracking, actor } = options
  const { run } = attempted
  const registered = await versionsOf(run, options)
  if (registered.some(({ model }) => model === name)) return registered.map((version) => ({ version, byCommand: true }))
  const left = await modelLeft(attempted, tracking)
  if (left === null) {
    const others = [...new Set(registered.map(({ model }) => model))]
    throw new SixfoldError(
      'SX_TRAINING_FAILED',
      others.length === 0
        ? `The command ended well, but left no model. Its run is ${run.id}.`
        : `The command registered versions of ${others.join(', ')}, and none of '${name}'. Its run is ${run.id}.`,
      {
        fix: `Log the model as ONNX with MLflow, register it as '${name}' (SIXFOLD_MODEL), or write an ONNX file to the folder SIXFOLD_OUTPUT.`,
        details: { run: run.id },
      },
    )
  }
  const version = await registry.register(
    {
      model: name,
      create: true,
      files: left.files,
      entry: left.entry,
      flavor: 'onnx',
      facts: { ...factsOfRun((await tracking.run(run.id)) ?? run), dependencies: attempted.dependencies },
      source: left.source,
      run: run.id,
      runLink: null,
      loggedModel: left.loggedModel,
      description: null,
      tags: {},
      unlessNewest: false,
    },
    { actor, reason: `Trained by run ${run.id}` },
  )
  return [...registered.map((one) => ({ version: one, byCommand: true })), { version, byCommand: false }]
}

/** Through each gate on the way; gives what one of them found missing. */
async function advance(
  { model, version }: ModelVersion,
  until: Stage,
  { registry, actor }: TrainingOptions,
  watching: Watching,
): Promise<string | null> {
  if (until === 'registered') return null
  const asker = { actor, reason: 'Trained' }
  watching.step(`Validating ${model} ${version}`)
  const validation = await registry.validate(model, version, { data: null }, asker)
  if (!validation.passed) {
    const failed = validation.checks.filter(({ outcome }) => outcome === 'failed' || outcome === 'not possible')
    return `It did not pass its validation: ${failed.map(({ name, words }) => `${name}: ${words}`).join('; ')}`
  }
  if (until === 'validated') return null
  try {
    await registry.move(model, version, until, {}, asker)
    return null
  } catch (error) {
    if (isSixfoldError(error) && (error.code === 'SX_GATE_REFUSED' || error.code === 'SX_REGISTRY_CONFLICT'))
      return error.message
    throw error
  }
}
