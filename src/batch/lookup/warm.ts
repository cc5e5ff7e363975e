/** Brings versions into the online store: before they go live, and again where the store has lost one that is. */
import { readFileSync } from 'node:fs'
import type { Batch } from '../../definition/batch.ts'
import { hashOfDefinition } from '../../definition/describe.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { pause } from '../../kernel/persist.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { BatchRowsStore } from '../../ports/batch-rows.ts'
import type { BatchRun, BatchStore } from '../../ports/batch-store.ts'
import type { OnlineStore } from '../../ports/online-store.ts'
import type { Published } from '../context.ts'
import { profilesFrom } from '../profile-set.ts'
import { drop, fill, isFilled } from './cache.ts'
import type { Priors } from './priors.ts'
import { priorsOf } from './priors.ts'

export interface FillerOptions {
  readonly store: BatchStore
  readonly online: OnlineStore
  readonly rows: BatchRowsStore
  readonly artifacts: ArtifactStore
  readonly holder: string
}
export interface Filler {
  readonly warm: Published['warm']
  /** In the background, by one of the servers that miss it. */
  again(batch: Batch, run: BatchRun): void
  /** The Parquet files of a version, on this machine, and that of its profile. */
  files(run: BatchRun): Promise<readonly string[]>
  profile(run: BatchRun): Promise<string>
  close(): Promise<void>
}

const leaseMs = 60_000
/** After one that failed, or that somebody else does: readers ask for it with every look-up. */
const betweenMs = 2_000

export const priorsFrom = (profile: string): { readonly rows: number; readonly priors: Priors } => {
  const profiles = profilesFrom(JSON.parse(profile))
  return { rows: profiles.rows, priors: priorsOf(profiles) }
}

/** Says so where the files cannot be read because another definition than the batch's made them. */
export async function readAs(batch: Batch, run: BatchRun, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const other = hashOfDefinition(batch) !== run.definition
    if (!other || !isSixfoldError(error) || error.code !== 'SX_STORE_CORRUPT') throw error
    throw new SixfoldError(
      'SX_BATCH_STATE',
      `Version ${run.version} of '${run.batch}' was made by another definition: ${error.message}`,
      { fix: 'Serve it with the definition of that time, or run the batch again.' },
    )
  }
}

export function filler({ store, online, rows, artifacts, holder }: FillerOptions): Filler {
  const filling = new Map<string, Promise<void>>()
  const ending = new AbortController()

  const files = async (run: BatchRun): Promise<readonly string[]> => {
    const paths: string[] = []
    for (const { output } of await store.partitions(run.id))
      if (output !== null) paths.push(await artifacts.open(output.sha256))
    return paths
  }
  const profile = async (run: BatchRun): Promise<string> => {
    const stored = run.artifacts['profile']
    if (stored !== undefined) return artifacts.open(stored)
    throw new SixfoldError('SX_BATCH_STATE', `Version ${run.version} of '${run.batch}' has not been audited.`)
  }

  const warm: Filler['warm'] = async (batch, run, progress, signal) => {
    if (await isFilled(run, online)) return
    const of = priorsFrom(readFileSync(await profile(run), 'utf8'))
    await readAs(batch, run, async () =>
      fill(batch, run, { paths: await files(run) }, of, { online, rows }, progress, signal),
    )
  }
  const isLive = async ({ environment, batch, id }: BatchRun): Promise<boolean> =>
    (await store.live(environment)).some((one) => one.batch === batch && one.run === id)

  const once = async (batch: Batch, run: BatchRun): Promise<void> => {
    const lease = await store.lease(`fill/${run.id}`, holder, leaseMs)
    if (lease === null) return
    const renewing = setInterval(() => void store.renew(lease, leaseMs).catch(() => {}), leaseMs / 3)
    renewing.unref()
    try {
      if (await isLive(run)) await warm(batch, run, () => {}, ending.signal)
      // Retired while it was filled: nobody else comes to drop it.
      if ((await store.run(run.id))?.retired !== false) await drop(run, online)
    } finally {
      clearInterval(renewing)
      await store.release(lease)
    }
  }

  return {
    warm,
    files,
    profile,
    again: (batch, run) => {
      if (filling.has(run.id) || ending.signal.aborted) return
      const work = once(batch, run)
        .catch(() => {})
        .then(() => pause(betweenMs, ending.signal))
        .finally(() => filling.delete(run.id))
      filling.set(run.id, work)
    },
    close: async () => {
      ending.abort()
      await Promise.all(filling.values())
    },
  }
}
