/** What the gate is shown: this version, the one before, one that is fixed, and how earlier days were. */
import { readFileSync } from 'node:fs'
import type { Batch } from '../definition/batch.ts'
import { isSixfoldError } from '../kernel/errors.ts'
import type { BatchRun } from '../ports/batch-store.ts'
import type { ColumnProfile } from '../statistics/sketches/profile.ts'
import type { BatchContext } from './context.ts'
import { filesOf } from './context.ts'
import type { PlanDocument, Verdict } from './documents.ts'
import type { Day, Earlier, Evidence } from './gate/index.ts'
import type { ProfileSet } from './profile-set.ts'
import { profilesFrom } from './profile-set.ts'

/** So many earlier days the gate looks at. */
const daysMost = 60

export async function evidenceFor(
  context: BatchContext,
  batch: Batch,
  run: BatchRun,
  profiles: ProfileSet<ColumnProfile>,
  files: readonly string[],
): Promise<{ readonly evidence: Evidence; readonly days: readonly Day[] }> {
  const { store, environment, rows } = context
  const plan = run.plan as PlanDocument
  const previousRun = plan.previous === null ? null : await store.version(batch.name, environment, plan.previous)
  const referenceRun =
    batch.gate.reference === null ? null : await store.version(batch.name, environment, batch.gate.reference)
  const previous = await earlier(context, previousRun)
  const before = previousRun === null || previous === null ? null : await filesOf(context, previousRun)
  const { gate, decision, model } = batch
  const comparison = await rows.compare(
    before === null ? null : { paths: before },
    { paths: files },
    {
      keys: Object.keys(batch.key),
      numbers: Object.entries(model.output).flatMap(([name, kind]) => (typeof kind === 'object' ? [] : [name])),
      decision: decision === null ? null : '_sx_decision',
      top: gate.top,
    },
  )
  const days = await daysOf(context, batch.name, run)
  return {
    evidence: {
      batch,
      at: run.at,
      now: context.now(),
      plan,
      profiles,
      previous,
      reference: await earlier(context, referenceRun),
      comparison,
      days,
    },
    days,
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

async function daysOf({ store, environment }: BatchContext, batch: string, run: BatchRun): Promise<readonly Day[]> {
  const runs = await store.runs({ batch, environment, states: ['published'], until: run.at, limit: daysMost })
  return runs.map(({ version, at, plan, verdict }) => ({
    version,
    at,
    rows: (plan as PlanDocument).rows,
    newest: (plan as PlanDocument).newest,
    checks: (verdict as Verdict | null)?.checks ?? [],
  }))
}
