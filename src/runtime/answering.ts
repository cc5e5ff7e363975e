/**
 * Keeps each model at the version that is to answer: loads what has come into force beside what answers, and has at hand what could be
 * rolled back to.
 */
import type { Logger } from 'pino'
import { hashOfDefinition } from '../definition/describe.ts'
import type { Predictor } from '../inference/index.ts'
import { signatureOf } from '../inference/index.ts'
import { atMost } from '../kernel/persist.ts'
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
  /** Brings pending roll backs of other servers into force, which takes no metadata store. */
  look(): Promise<void>
  /** Loads what is to answer, as far as that is known. */
  load(): Promise<void>
}

/** How many earlier versions in production have their files at hand. */
const atHand = 3
const fetchMs = 2_000

export function answering({ serving, files, models, predictors, logger }: AnsweringOptions): Answering {
  /** What was last said of a model that cannot be loaded: it is tried every second, and said once. */
  const told = new Map<string, string>()
  const fetched = new Set<string>()
  /** Those of which it was said that they are out of reach. */
  const missing = new Set<string>()
  let fetching: Promise<void> | null = null
  let loading: Promise<void> | null = null

  const loadOne = async (running: Predictor, target: ModelVersion): Promise<void> => {
    const { model } = running
    if (target.definition !== hashOfDefinition(model)) signatureOf(model, target)
    running.serve(
      String(target.version),
      await models.load(await files.open(target), { place: 'inline', providers: ['cpu'] }),
    )
    told.delete(model.name)
    logger.info({ model: model.name, version: target.version }, 'A version answers.')
  }

  const loadAll = async (): Promise<void> => {
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

  /** One after another: what is to answer now must not be overtaken by what was before. */
  const load = (): Promise<void> => {
    const next = (loading ?? Promise.resolve()).then(loadAll).finally(() => {
      if (loading === next) loading = null
    })
    loading = next
    return next
  }

  const fetch = async (): Promise<void> => {
    for (const name of predictors.keys())
      for (const version of serving.earlier(name).slice(0, atHand + 1)) {
        if (version.entry === null || fetched.has(version.manifest)) continue
        try {
          await files.open(version)
          fetched.add(version.manifest)
          missing.delete(version.manifest)
        } catch (error) {
          // Tried again every second, and said once.
          if (missing.has(version.manifest)) continue
          missing.add(version.manifest)
          logger.warn(
            { err: error, model: name, version: version.version },
            'The files of an earlier version are not at hand.',
          )
        }
      }
  }

  return {
    load,
    look: async () => {
      await serving.look()
      await load()
    },
    refresh: async () => {
      try {
        await serving.refresh()
      } finally {
        await load()
      }
      // An artifact store that is away keeps nobody from what has come into force.
      fetching ??= fetch().finally(() => {
        fetching = null
      })
      await atMost(fetchMs, fetching)
    },
  }
}
