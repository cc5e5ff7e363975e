/**
 * Opens each store by itself, with little patience, and asks it how it is. One that cannot be opened, or does not answer, is a report
 * of an error. One that opens too late is closed and forgotten.
 */
import type { NamedStoreReport } from '../api/index.ts'
import { catalogue, isSixfoldError, SixfoldError } from '../kernel/errors.ts'
import { limits as standardLimits } from '../kernel/limits.ts'
import type { Inspectable, StoreProblem, StoreReport } from '../ports/inspection.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { Settings } from './config.ts'
import type { StorePort } from './store-settings.ts'
import { describeSetting, storePorts } from './store-settings.ts'
import type { StoresOptions } from './stores.ts'
import { openers } from './stores.ts'

const patienceMs = 3_000
/** For a driver that does not keep to its patience. */
const openMs = 4_000
const inspectMs = 3_000
const inspectAllMs = 6_500
const inspectLeastMs = 700
const closeMs = 1_000

type Closable = Inspectable & { close(): Promise<void> }
type More = (metadata: MetadataStore) => Promise<void>

/** All are opened at once, and asked one after another: what one does would be in the round trips of another. */
export async function examineStores(
  settings: Settings,
  histories: readonly string[],
  more: More,
): Promise<readonly NamedStoreReport[]> {
  const { data, folder, sync, duckdb } = settings
  const limits = { ...standardLimits, ...settings.limits }
  const options: StoresOptions = {
    data,
    project: folder,
    sync,
    duckdb,
    serving: false,
    histories,
    limits: { ...limits, storePatienceMs: Math.min(patienceMs, limits.storePatienceMs) },
  }
  // Where nothing is configured it lies with the metadata, which tells of itself.
  const ports = storePorts.filter((port) => port !== 'serving' || settings.stores.serving !== null)
  const opened = await Promise.all(ports.map((port) => openOne(port, settings, options)))
  const until = performance.now() + inspectAllMs
  const reports: NamedStoreReport[] = []
  for (const [i, store] of opened.entries()) {
    const port = ports[i]!
    const ms = Math.max(inspectLeastMs, Math.min(inspectMs, until - performance.now()))
    reports.push({
      port,
      report: 'report' in store ? store.report : await askOne(port, store.store, settings, ms, more),
    })
  }
  await Promise.all(
    opened.map((one) => ('store' in one ? within(closeMs, one.store.close(), new Error()).catch(() => {}) : null)),
  )
  return reports
}

async function openOne(
  port: StorePort,
  settings: Settings,
  options: StoresOptions,
): Promise<{ readonly store: Closable } | { readonly report: StoreReport }> {
  const silent = silence(port, settings)
  const opening = openers[port](settings.stores, options) as Promise<Closable>
  try {
    return { store: await within(openMs, opening, silent) }
  } catch (error) {
    // Where it opens after all.
    if (error === silent) opening.then((late) => late.close()).catch(() => {})
    return { report: unasked(port, settings, error) }
  }
}

async function askOne(
  port: StorePort,
  store: Closable,
  settings: Settings,
  ms: number,
  more: More,
): Promise<StoreReport> {
  const silent = silence(port, settings)
  try {
    const report = await within(ms, store.inspect(), silent)
    if (port !== 'metadata' || report.problems.some(({ severity }) => severity === 'error')) return report
    return { ...report, problems: [...report.problems, ...(await asked(more, store as MetadataStore, silent))] }
  } catch (error) {
    return unasked(port, settings, error)
  }
}

const asked = (more: More, metadata: MetadataStore, silent: Error): Promise<readonly StoreProblem[]> =>
  within(inspectMs, more(metadata), silent).then(
    () => [],
    (error: unknown) => [problemOf(error)],
  )

export function problemOf(error: unknown): StoreProblem {
  const what = error instanceof Error ? error.message : String(error)
  return { severity: 'error', what, fix: isSixfoldError(error) ? error.fix : 'See what the message says.' }
}

const technologies = { redis: 'Redis', kafka: 'Kafka', postgres: 'PostgreSQL', s3: 'S3' } as const

const whereOf = (port: StorePort, { stores, data }: Settings): string => {
  const setting = stores[port]
  return setting === null ? data : describeSetting(setting)
}

const silence = (port: StorePort, settings: Settings): SixfoldError =>
  new SixfoldError('SX_STORE_UNAVAILABLE', `The store at ${whereOf(port, settings)} does not answer.`, {
    fix: 'See that it runs, and that nothing on the way swallows what is sent.',
  })

function unasked(port: StorePort, settings: Settings, error: unknown): StoreReport {
  const setting = settings.stores[port]
  return {
    technology: setting === null ? 'embedded' : technologies[setting.technology],
    where: whereOf(port, settings),
    version: null,
    roundTripMs: null,
    facts: [],
    problems: [{ ...problemOf(error), ...correction(port, error) }],
  }
}

/** Of the general fix for a store that cannot be reached this command is a part; here it says what else there is to do. */
const correction = (port: StorePort, error: unknown): { readonly fix: string } | null =>
  isSixfoldError(error) && error.fix === catalogue.SX_STORE_UNAVAILABLE.fix
    ? { fix: `Start it, or correct where it is: 'stores.${port}', or SIXFOLD_${port.toUpperCase()}_URL.` }
    : null

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
