/**
 * Keeps each model at the version that is to answer: loads what has come into force beside what answers, and has at hand what could be
 * rolled back to. Whoever sends tensors may have other versions of it answer beside that one, on this server.
 */
import type { Logger } from 'pino'
import { hashOfDefinition } from '../definition/describe.ts'
import type { Endpoint, Predictor, ServedModel, ServedVersion } from '../inference/index.ts'
import { signatureOf } from '../inference/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { atMost } from '../kernel/persist.ts'
import { shorten } from '../kernel/shorten.ts'
import type { ModelVersion } from '../ports/registry-store.ts'
import type { Serving, VersionFiles } from '../registry/index.ts'

export interface AnsweringOptions {
  readonly serving: Serving
  readonly files: VersionFiles
  /** Null where there is none of that number. */
  readonly find: (model: string, version: number) => Promise<ModelVersion | null>
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
  /** Everything that is to answer does, or was tried. */
  readonly settled: boolean
  /** As `Inference` of the api says. */
  served(): readonly ServedModel[]
  of(model: string): ServedModel | null
  /** Whether it was taken off for those who send tensors. */
  isUnloaded(model: string): boolean
  loadBeside(model: string, versions: readonly string[] | null): Promise<void>
  unload(model: string): Promise<void>
}

/** How many earlier versions in production have their files at hand. */
const atHand = 3
const fetchMs = 2_000
/** Versions of one model that answer beside another. */
const besideMost = 8

export function answering({ serving, files, find, predictors, logger }: AnsweringOptions): Answering {
  /** What was last said of a model that cannot be loaded: it is tried every second, and said once. */
  const told = new Map<string, { readonly version: string; readonly why: string }>()
  const fetched = new Set<string>()
  /** Those of which it was said that they are out of reach. */
  const missing = new Set<string>()
  const unloaded = new Set<string>()
  const besides = new Map<string, ReadonlyMap<string, Endpoint>>()
  let fetching: Promise<void> | null = null
  let loading: Promise<void> | null = null
  let settled = false

  const prepare = async (running: Predictor, version: ModelVersion): Promise<Endpoint> => {
    const { model } = running
    if (version.definition !== hashOfDefinition(model)) signatureOf(model, version)
    return running.prepare(String(version.version), await files.open(version))
  }

  const loadOne = async (running: Predictor, target: ModelVersion): Promise<void> => {
    const { model } = running
    const beside = running.stale ? undefined : besides.get(model.name)?.get(String(target.version))
    const next = beside ?? (await prepare(running, target))
    running.serve(next)
    told.delete(model.name)
    logger.info({ model: model.name, version: target.version, place: next.place }, 'A version answers.')
  }

  const loadAll = async (): Promise<void> => {
    for (const running of predictors.values()) {
      const { name } = running.model
      const target = serving.target(name)
      if ((target === null ? null : String(target.version)) === running.version && !running.stale) continue
      try {
        if (target !== null) await loadOne(running, target)
        else {
          running.rest()
          logger.info({ model: name }, 'No version is in production: the fallback answers.')
        }
      } catch (error) {
        // The version that answered goes on answering; where there was none, the fallback does.
        const why = error instanceof Error ? error.message : String(error)
        if (told.get(name)?.why === why) continue
        told.set(name, { version: String(target?.version), why })
        logger.error({ err: error, model: name }, 'A version cannot be loaded.')
      }
    }
    settled = true
  }

  /** One after another: what is to answer now must not be overtaken by what was before. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const next = (loading ?? Promise.resolve())
      .catch(() => {})
      .then(work)
      .finally(() => {
        if (loading === next) loading = null
      })
    loading = next
    return next
  }
  const load = (): Promise<void> => inTurn(loadAll)

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

  const runningOf = (model: string): Predictor => {
    const running = predictors.get(model)
    if (running === undefined) throw new SixfoldError('SX_UNKNOWN_MODEL', `No model is called '${shorten(model)}'.`)
    return running
  }

  const versionOf = async (model: string, version: string): Promise<ModelVersion> => {
    const found = /^[1-9]\d{0,8}$/.test(version) ? await find(model, Number(version)) : null
    if (found !== null) return found
    throw new SixfoldError('SX_UNKNOWN_VERSION', `'${model}' has no version '${shorten(version)}'.`)
  }

  const setBeside = (running: Predictor, now: ReadonlyMap<string, Endpoint>): void => {
    besides.set(running.model.name, now)
    running.beside([...now.values()])
  }

  const loadBeside = async (running: Predictor, versions: readonly string[]): Promise<void> => {
    const { name } = running.model
    const before = besides.get(name) ?? new Map<string, Endpoint>()
    const now = new Map<string, Endpoint>()
    const fresh: Endpoint[] = []
    try {
      for (const version of new Set(versions)) {
        const at = before.get(version) ?? (running.version === version ? running.serving : null)
        const used = at ?? (await prepare(running, await versionOf(name, version)))
        if (at === null) fresh.push(used)
        now.set(version, used)
      }
    } catch (error) {
      await Promise.all(fresh.map((one) => one.close()))
      throw error
    }
    setBeside(running, now)
  }

  const servedOf = (running: Predictor): ServedModel => {
    const { name } = running.model
    const served = running.served()
    if (unloaded.has(name)) {
      const off = served.versions.map(({ version }): ServedVersion => {
        return { version, state: 'unloaded', reason: 'unloaded', detail: null }
      })
      return { ...served, versions: off }
    }
    const failed = told.get(name)
    if (failed === undefined) return served
    const { version, why } = failed
    return { ...served, versions: [...served.versions, { version, state: 'failed', reason: why, detail: null }] }
  }

  return {
    load,
    get settled() {
      return settled
    },
    served: () => [...predictors.values()].map(servedOf),
    of: (model) => {
      const running = predictors.get(model)
      return running === undefined ? null : servedOf(running)
    },
    isUnloaded: (model) => unloaded.has(model),
    loadBeside: async (model, versions) => {
      const running = runningOf(model)
      if (versions !== null && versions.length > besideMost)
        throw new SixfoldError(
          'SX_REQUEST_INVALID',
          `${versions.length} versions of one model are more than ${besideMost}.`,
          {
            fix: `Load at most ${besideMost}.`,
          },
        )
      await inTurn(() => loadBeside(running, versions ?? []))
      unloaded.delete(model)
    },
    unload: async (model) => {
      const running = runningOf(model)
      unloaded.add(model)
      await inTurn(async () => setBeside(running, new Map()))
    },
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
