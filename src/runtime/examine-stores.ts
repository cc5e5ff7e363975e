/**
 * Opens each store by itself, with little patience, and asks it how it is. One that cannot be opened, or does not answer, is a report
 * of an error; what it still gives later is closed and forgotten.
 */
import type { NamedStoreReport } from '../api/index.ts'
import { isSixfoldError, SixfoldError } from '../kernel/errors.ts'
import { limits as standardLimits } from '../kernel/limits.ts'
import type { Inspectable, StoreProblem, StoreReport } from '../ports/inspection.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { Settings } from './config.ts'
import type { StorePort, StoreSettings } from './store-settings.ts'
import { describeSetting, storePorts } from './store-settings.ts'
import type { StoresOptions } from './stores.ts'
import { openers } from './stores.ts'

const patienceMs = 3_000
/** For a driver that does not keep to its patience. */
const openMs = 5_000
const inspectMs = 4_000
const closeMs = 1_500

/** `more` is asked of the metadata while they are open. */
export function examineStores(
  settings: Settings,
  more: (metadata: MetadataStore) => Promise<void>,
): Promise<readonly NamedStoreReport[]> {
  const { data, folder, sync, duckdb } = settings
  const limits = { ...standardLimits, ...settings.limits }
  const options: StoresOptions = {
    data,
    project: folder,
    sync,
    duckdb,
    serving: false,
    limits: { ...limits, storePatienceMs: Math.min(patienceMs, limits.storePatienceMs) },
  }
  return Promise.all(
    storePorts.map(async (port) => ({ port, report: await examineStore(port, settings, options, more) })),
  )
}

async function examineStore(
  port: StorePort,
  { stores, data }: Settings,
  options: StoresOptions,
  more: (metadata: MetadataStore) => Promise<void>,
): Promise<StoreReport> {
  const setting = stores[port]
  const where = setting === null ? data : describeSetting(setting)
  const silent = new SixfoldError('SX_STORE_UNAVAILABLE', `The store at ${where} does not answer.`, {
    fix: 'See that it runs, and that nothing on the way swallows what is sent.',
  })
  const opening: Promise<Closable> = openers[port](stores, options)
  let store: Closable
  try {
    store = await within(openMs, opening, silent)
  } catch (error) {
    // Where it opens after all.
    if (error === silent) opening.then((late) => late.close()).catch(() => {})
    return { ...unasked(setting), where, problems: [problemOf(error)] }
  }
  try {
    const report = await within(inspectMs, store.inspect(), silent)
    const problems = port === 'metadata' ? await asked(more, store as MetadataStore, silent) : []
    return { ...report, problems: [...report.problems, ...problems] }
  } catch (error) {
    return { ...unasked(setting), where, problems: [problemOf(error)] }
  } finally {
    await within(closeMs, store.close(), silent).catch(() => {})
  }
}

const asked = (
  more: (metadata: MetadataStore) => Promise<void>,
  metadata: MetadataStore,
  silent: Error,
): Promise<readonly StoreProblem[]> =>
  within(inspectMs, more(metadata), silent).then(
    () => [],
    (error: unknown) => [problemOf(error)],
  )

export function problemOf(error: unknown): StoreProblem {
  const what = error instanceof Error ? error.message : String(error)
  return { severity: 'error', what, fix: isSixfoldError(error) ? error.fix : 'See what the message says.' }
}

type Closable = Inspectable & { close(): Promise<void> }

const technologies = { redis: 'Redis', kafka: 'Kafka', postgres: 'PostgreSQL', s3: 'S3' } as const

const unasked = (setting: StoreSettings[StorePort]): Omit<StoreReport, 'where' | 'problems'> => ({
  technology: setting === null ? 'embedded' : technologies[setting.technology],
  version: null,
  roundTripMs: null,
  facts: [],
})

async function within<T>(ms: number, work: Promise<T>, otherwise: Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(otherwise), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
