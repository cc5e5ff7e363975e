/** What the gate is shown: this version, those that it is held against, and how earlier days were. */
import { readFileSync } from 'node:fs'
import type { Batch } from '../definition/batch.ts'
import { durationMs } from '../kernel/duration.ts'
import { isSixfoldError } from '../kernel/errors.ts'
import type { BatchRun } from '../ports/batch-store.ts'
import type { ColumnProfile } from '../statistics/sketches/profile.ts'
import type { BatchContext } from './context.ts'
import { askedOf, filesOf } from './context.ts'
import type { PlanDocument, Realised, Verdict } from './documents.ts'
import type { Day, Earlier, Evidence, Known } from './gate/index.ts'
import { memoryOf, weekdays } from './gate/index.ts'
import type { ProfileSet } from './profile-set.ts'
import { profilesFrom } from './profile-set.ts'

/** So many earlier days the gate looks at. */
const daysMost = 60
/** The outcomes of so many versions are looked at in one go. */
const realisedMost = 3

export async function evidenceFor(
  context: BatchContext,
  batch: Batch,
  run: BatchRun,
  profiles: ProfileSet<ColumnProfile>,
  files: readonly string[],
): Promise<Evidence> {
  const { store, environment, rows } = context
  const plan = run.plan as PlanDocument
  const versionOf = (version: number | null): Promise<BatchRun | null> =>
    version === null ? Promise.resolve(null) : store.version(batch.name, environment, version)
  const previousRun = await versionOf(plan.previous)
  const previous = await earlier(context, previousRun)
  const before = previousRun === null || previous === null ? null : await filesOf(context, previousRun)
  const asked = { batch: batch.name, environment, states: ['published'], until: run.at, limit: daysMost } as const
  const runs = inLine(await store.runs(asked), plan.previous)
  return {
    batch,
    at: run.at,
    now: context.now(),
    plan,
    profiles,
    previous,
    weekday: await earlier(context, sameWeekday(batch, run, runs)),
    reference: await earlier(context, await versionOf(batch.gate.reference)),
    comparison: await rows.compare(before === null ? null : { paths: before }, { paths: files }, askedOf(batch)),
    days: runs.map(dayOf),
    realised: batch.gate.outcomes === null ? null : await realised(context, batch, runs),
  }
}

/** Null also where it is not kept any more. */
async function earlier({ artifacts }: BatchContext, run: BatchRun | null): Promise<Earlier | null> {
  const stored = run?.artifacts['profile']
  if (run === null || run.retired || stored === undefined) return null
  try {
    const profiles = profilesFrom(JSON.parse(readFileSync(await artifacts.open(stored), 'utf8')))
    return { version: run.version, at: run.at, definition: run.definition, plan: run.plan as PlanDocument, profiles }
  } catch (error) {
    if (isSixfoldError(error) && error.status === 404) return null
    throw error
  }
}

/**
 * Those that this one goes on from: each names the one that was live when it was planned. What somebody rolled back from is none of them, and says nothing
 * of how a day should be.
 */
function inLine(runs: readonly BatchRun[], previous: number | null): readonly BatchRun[] {
  const byVersion = new Map(runs.map((run) => [run.version, run]))
  // What is made again for an instant that is long past goes on from none that was before it.
  if (previous === null || !byVersion.has(previous)) return runs
  const line: BatchRun[] = []
  let run = byVersion.get(previous)
  while (run !== undefined && !line.includes(run)) {
    line.push(run)
    run = byVersion.get((run.plan as PlanDocument).previous ?? 0)
  }
  return line
}

const dayMs = 86_400_000

/** The newest kept of an earlier week; of several of one day that of the nearest time. */
function sameWeekday(batch: Batch, { at, version }: BatchRun, runs: readonly BatchRun[]): BatchRun | null {
  const weekday = weekdays(batch)
  const off = (run: BatchRun): number => {
    const weeks = (at - run.at) / (7 * dayMs)
    return Math.abs(weeks - Math.round(weeks))
  }
  const [found] = runs
    .filter((run) => !run.retired && run.version !== version && at - run.at > 6 * dayMs)
    .filter((run) => weekday(run.at) === weekday(at))
    .toSorted((a, b) => Math.round((b.at - a.at) / dayMs) || off(a) - off(b))
  return found ?? null
}

const dayOf = ({ version, at, plan, verdict }: BatchRun): Day => {
  const found = verdict as Verdict | null
  return {
    version,
    at,
    rows: (plan as PlanDocument).rows,
    newest: (plan as PlanDocument).newest,
    memory: memoryOf(found),
    realised: found?.realised ?? [],
    letThrough:
      (found?.override ?? null) === null ? null : found!.checks.filter(({ outcome }) => outcome === 'refused'),
  }
}

/**
 * Of the newest that are kept and have had their time. A file of outcomes that is wrong is no fault of this version, which is judged all the same; the
 * verdict says what is wrong.
 */
async function realised(context: BatchContext, batch: Batch, runs: readonly BatchRun[]): Promise<Known> {
  const delay = durationMs(batch.gate.outcomes!.delay)
  const due = runs.filter((run) => !run.retired && run.at + delay <= context.now()).slice(0, realisedMost)
  const figures: Realised[] = []
  try {
    for (const run of due) {
      const { version, at } = run
      const found = await context.rows.realised(batch, { paths: await filesOf(context, run) }, at)
      figures.push(...found.map((one) => ({ version, at, ...one })))
    }
    return { figures, problem: null }
  } catch (error) {
    if (isSixfoldError(error) && error.status < 500) return { figures: [], problem: error.message }
    throw error
  }
}
