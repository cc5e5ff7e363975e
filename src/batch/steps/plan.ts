/** Which rows, cut where: written down once, so that whoever goes on with the run does the same work. */
import { mkdirSync, rmSync } from 'node:fs'
import { isSixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import type { BatchRun, NewPartition } from '../../ports/batch-store.ts'
import { referring } from '../../registry/index.ts'
import type { BatchContext } from '../context.ts'
import { definitionOf, folderOf } from '../context.ts'
import type { PlanDocument } from '../documents.ts'
import { lostError, underLease } from '../lease.ts'
import type { Watched } from '../service.ts'

export async function plan(context: BatchContext, run: BatchRun, { progress, signal }: Watched): Promise<void> {
  const { store, artifacts, rows } = context
  const batch = definitionOf(context, run)
  const folder = folderOf(context, run)
  await underLease(context, `run/${run.id}`, signal, async (lease, until) => {
    mkdirSync(folder, { recursive: true })
    try {
      const finding = rows.plan({ batch, at: run.at, from: run.from, folder }, (done) => progress?.('planning', done))
      const planned = await finding.catch(async (error: unknown) => {
        // It can be planned again as it is; whoever did not begin it sees by the run why it is not.
        if (isSixfoldError(error) && !until.aborted) {
          const { code, message } = error
          await store.advance(run.id, lease, 'planning', 'planning', { error: { code, message } }).catch(() => {})
        }
        throw error
      })
      failpoint('plan: rows found')
      const partitions: NewPartition[] = []
      for (const [index, part] of planned.parts.entries()) {
        until.throwIfAborted()
        const { rows } = part
        if (part.kind === 'file') {
          const { kind, file, from, to } = part
          partitions.push({ index, rows, input: { kind, file, from, to } })
        } else {
          const { sha256 } = await artifacts.put(part.path)
          partitions.push({ index, rows, input: { kind: 'rows', sha256 } })
        }
      }
      const previous = await previousOf(context, run)
      const document: PlanDocument = {
        rows: planned.rows,
        files: planned.files,
        newest: planned.newest,
        previous: previous?.version ?? null,
        incremental: batch.incremental && previous !== null && follows(previous, run),
      }
      failpoint('plan: before it is written down')
      const put = new Map(
        planned.parts.flatMap((part, i) => (part.kind === 'made' ? [[shaOf(partitions[i]!), part.path]] : [])) as [
          string,
          string,
        ][],
      )
      const kept = await referring(
        context.registry,
        () => store.planned(run.id, lease, document, partitions),
        async (sha256) => put.has(sha256) && (await artifacts.put(put.get(sha256)!)).sha256 === sha256,
      )
      if (!kept) throw lostError(lease)
      failpoint('plan: after it is written down')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

const shaOf = ({ input }: NewPartition): string => (input as { readonly sha256: string }).sha256

/** What was live when the run was planned: a run that is gone on with is held against the same. */
async function previousOf({ store, environment }: BatchContext, { batch }: BatchRun): Promise<BatchRun | null> {
  const live = (await store.live(environment)).find((one) => one.batch === batch)
  return live === undefined ? null : store.run(live.run)
}

/** Answers of another model, or to other questions, are not carried on. */
const follows = (previous: BatchRun, run: BatchRun): boolean =>
  previous.definition === run.definition && previous.modelFile === run.modelFile && !previous.retired
