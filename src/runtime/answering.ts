/**
 * Keeps each model at the version that is to answer: loads what has come into force beside what answers, and has at hand what could be
 * rolled back to.
 */
import type { Logger } from 'pino'
import { hashOfDefinition } from '../definition/describe.ts'
import type { Predictor } from '../inference/index.ts'
import { signatureOf } from '../inference/index.ts'
import type { ModelRuntime } from '../ports/model-runtime.ts'
import type { ModelVersion } from '../ports/registry-store.ts'
import type { Serving, VersionFiles } from '../registry/index.ts'

export interface AnsweringOptions {
  readonly serving: Serving
  readonly files: VersionFiles
  readonly models: ModelRuntime
  readonly predictors: ReadonlyMap<string, Predictor>
  readonly logger: Logger
}

export interface Answering {
  /** Asks what is to answer, and loads it. Rejects where the metadata store is away; what is pending is in force all the same. */
  refresh(): Promise<void>
  /** Loads what is to answer, as far as that is known. */
  load(): Promise<void>
}

/** How many earlier versions in production have their files at hand. */
const atHand = 3

export function answering({ serving, files, models, predictors, logger }: AnsweringOptions): Answering {
  /** What was last said of a model that cannot be loaded: it is tried every second, and said once. */
  const told = new Map<string, string>()
  const fetched = new Set<string>()

  const loadOne = async (running: Predictor, target: ModelVersion): Promise<void> => {
    const { model } = running
    if (target.definition !== hashOfDefinition(model)) signatureOf(model, target)
    running.serve(String(target.version), await models.load(await files.open(target)))
    told.delete(model.name)
    logger.info({ model: model.name, version: target.version }, 'A version answers.')
  }

  const load = async (): Promise<void> => {
    for (const running of predictors.values()) {
      const { name } = running.model
      const target = serving.target(name)
      if ((target === null ? null : String(target.version)) === running.version) continue
      try {
        if (target !== null) await loadOne(running, target)
        else {
          running.rest()
          logger.info({ model: name }, 'No version is in production: the fallback answers.')
        }
      } catch (error) {
        // The version that answered goes on answering; where there was none, the fallback does.
        const why = error instanceof Error ? error.message : String(error)
        if (told.get(name) === why) continue
        told.set(name, why)
        logger.error({ err: error, model: name }, 'A version cannot be loaded.')
      }
    }
  }

  const fetch = async (): Promise<void> => {
    for (const name of predictors.keys())
      for (const version of serving.earlier(name).slice(0, atHand + 1)) {
        if (version.entry === null || fetched.has(version.manifest)) continue
        fetched.add(version.manifest)
        // What is damaged or out of reach now is told of when somebody wants it.
        await files.open(version).catch((error: unknown) => {
          logger.warn(
            { err: error, model: name, version: version.version },
            'The files of an earlier version are not at hand.',
          )
        })
      }
  }

  return {
    load,
    refresh: async () => {
      try {
        await serving.refresh()
      } finally {
        await load()
      }
      await fetch()
    },
  }
}
