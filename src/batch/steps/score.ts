/** Partitions, each under a lease of its own, by as many processes as like: what is done is not done again. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { pause } from '../../kernel/persist.ts'
import type { BatchRun, Partition, TakenPartition } from '../../ports/batch-store.ts'
import { referring } from '../../registry/index.ts'
import type { BatchContext } from '../context.ts'
import { definitionOf, filesOf, folderOf, ofRun } from '../context.ts'
import type { PlanDocument } from '../documents.ts'
import type { Scored, Scorer } from '../engine.ts'
import { keeping, lostError, underLease } from '../lease.ts'
import type { Watched } from '../service.ts'

/** So often a partition is tried before the run breaks off. */
export const attemptsMost = 3
const waitMs = 500

/** `only`: that one, by whoever takes partitions one by one. Otherwise it resolves when all are done, whoever did them. */
export async function score(
  context: BatchContext,
  run: BatchRun,
  only: number | null,
  { progress, signal }: Watched,
): Promise<void> {
  const { store, artifacts } = context
  const partitions = await store.partitions(run.id)
  if (only !== null && !partitions.some(({ index }) => index === only))
    throw new SixfoldError('SX_REQUEST_INVALID', `Run ${run.version} of '${run.batch}' has no partition ${only}.`, {
      fix: `Name one from 0 to ${partitions.length - 1}.`,
    })
  if (partitions.every(({ index, state }) => state === 'done' || (only !== null && index !== only)))
    return endScoring(context, run)
  const folder = join(folderOf(context, run), context.holder.replaceAll(/\W+/g, '-'))
  mkdirSync(folder, { recursive: true })
  const plan = run.plan as PlanDocument
  const engine = context.engine(run.engine)
  let scorer: Scorer | null = null
  const opened = async (): Promise<Scorer> =>
    (scorer ??= await engine.open({
      batch: definitionOf(context, run),
      run,
      plan,
      model: await modelFile(context, run),
      previous: plan.incremental ? await previousFiles(context, run, plan.previous!) : [],
      folder,
      open: (sha256) => artifacts.open(sha256),
    }))
  try {
    const first = await opened()
    const total = Math.max(1, plan.rows)
    let rows = partitions.reduce((sum, { state, rows: n }) => sum + (state === 'done' ? n : 0), 0)
    const advanced = (more: number): void => {
      rows += more
      progress?.('scoring', Math.min(1, rows / total))
    }
    const lane = async (): Promise<void> => {
      for (;;) {
        signal?.throwIfAborted()
        const taken = await store.take(run.id, context.holder, context.leaseMs, only)
        if (taken === null) return
        await scorePartition(context, run, first, taken, advanced, signal)
      }
    }
    await Promise.all(Array.from({ length: only === null ? engine.parallel : 1 }, lane))
    if (only === null) await othersDone(context, run, lane, signal)
  } finally {
    await (scorer as Scorer | null)?.close()
    rmSync(folder, { recursive: true, force: true })
  }
  await endScoring(context, run)
}

const modelFile = async ({ registry, files }: BatchContext, { model, modelVersion }: BatchRun): Promise<string> => {
  const version = await registry.version(model, modelVersion)
  if (version !== null) return files.open(version)
  throw new SixfoldError('SX_UNKNOWN_VERSION', `'${model}' has no version ${modelVersion} any more.`, {
    fix: 'Begin a new run.',
  })
}

async function previousFiles(context: BatchContext, { batch }: BatchRun, version: number): Promise<readonly string[]> {
  const previous = await context.store.version(batch, context.environment, version)
  return previous === null ? [] : filesOf(context, previous)
}

async function scorePartition(
  context: BatchContext,
  run: BatchRun,
  scorer: Scorer,
  taken: TakenPartition,
  advanced: (rows: number) => void,
  outer: AbortSignal | undefined,
): Promise<void> {
  const { store } = context
  await keeping(context, taken.lease, outer, async (signal) => {
    let counted = 0
    try {
      failpoint('score: partition taken')
      const began = performance.now()
      const scored = await scorer.score(
        taken,
        (rows) => {
          counted += rows
          advanced(rows)
        },
        signal,
      )
      signal.throwIfAborted()
      failpoint('score: file written')
      if (!(await finish(context, run, taken, scored, performance.now() - began))) throw lostError(taken.lease)
      failpoint('score: after it is done')
    } catch (error) {
      advanced(-counted)
      // Whoever gave up is not the partition's fault; whoever took it over goes on.
      if (outer?.aborted) throw error
      if (isSixfoldError(error) && error.code === 'SX_BATCH_BUSY') return
      await store.fail(run.id, taken, failureOf(error), !worthAnother(error, taken))
    }
  })
}

/** The files are put where they are kept, and then the store is told; they lie here until it knows. */
async function finish(
  { store, artifacts, registry }: BatchContext,
  run: BatchRun,
  taken: TakenPartition,
  { path, rows, profile, cost }: Scored,
  wallMs: number,
): Promise<boolean> {
  const profilePath = `${path}.profile.json`
  writeFileSync(profilePath, JSON.stringify(profile))
  const { sha256, bytes } = await artifacts.put(path)
  const stored = await artifacts.put(profilePath)
  failpoint('score: before it is done')
  const put = new Map([
    [sha256, path],
    [stored.sha256, profilePath],
  ])
  const done = await referring(
    registry,
    () => store.finish(run.id, taken, { sha256, bytes, rows, profile: stored.sha256, cost: { ...cost, wallMs } }),
    async (wanted) => put.has(wanted) && (await artifacts.put(put.get(wanted)!)).sha256 === wanted,
  )
  for (const written of put.values()) rmSync(written, { force: true })
  return done
}

export const failureOf = (error: unknown): { readonly code: string; readonly message: string } => ({
  code: isSixfoldError(error) ? error.code : 'SX_INTERNAL',
  message: error instanceof Error ? error.message : String(error),
})

/** What is wrong with the rows or the definition is so the next time too. */
const worthAnother = (error: unknown, { attempts }: Partition): boolean =>
  attempts < attemptsMost && !(isSixfoldError(error) && error.status < 500)

/** Waits for partitions that others work on, and does those that they leave. */
async function othersDone(
  { store }: BatchContext,
  run: BatchRun,
  lane: () => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const left = (await store.partitions(run.id)).filter(({ state }) => state === 'pending' || state === 'running')
    if (left.length === 0) return
    await pause(waitMs, signal)
    await lane()
  }
}

/** With its entry in the audit, of which webhooks are told: whoever answers for the batch is to look. */
async function breakOff(
  { registry, store, now }: BatchContext,
  run: BatchRun,
  error: { readonly code: string; readonly message: string },
): Promise<void> {
  if ((await store.run(run.id))?.state !== 'scoring') return
  const by = { id: randomBytes(16).toString('hex'), actor: 'sixfold', reason: null, at: now() }
  await registry.change({ kind: 'batch.failed', ...ofRun(run), error }, by)
}

/** When nothing is left to score, the run goes on to the gate, or breaks off. Whoever comes first does it. */
async function endScoring(context: BatchContext, run: BatchRun): Promise<void> {
  const { store } = context
  const partitions = await store.partitions(run.id)
  const failed = partitions.filter(({ state }) => state === 'failed')
  if (failed.length === 0 && partitions.some(({ state }) => state !== 'done')) return
  const error = failed[0]?.error ?? null
  try {
    await underLease(context, `run/${run.id}`, undefined, async (lease) => {
      failpoint('score: before it ends')
      if (failed.length === 0) await store.advance(run.id, lease, 'scoring', 'auditing', { error: null })
      else await breakOff(context, run, error!)
      failpoint('score: after it ended')
    })
  } catch (busy) {
    if (!(isSixfoldError(busy) && busy.code === 'SX_BATCH_BUSY')) throw busy
  }
  if (failed.length > 0)
    throw new SixfoldError(
      'SX_BATCH_FAILED',
      `Partition ${failed.map(({ index }) => index).join(', ')} of run ${run.version} of '${run.batch}' failed: ${error?.message ?? ''}`,
      { details: { run: run.id, failed: failed.map(({ index, error: why }) => ({ index, error: why })) } },
    )
}
