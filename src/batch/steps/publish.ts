/** A version goes live, for the first time or again: brought to where it is looked up, and then named by one pointer. */
import { batchNamed } from '../../definition/graph.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { hashOf } from '../../kernel/hash.ts'
import type { BatchRun } from '../../ports/batch-store.ts'
import type { BatchContext } from '../context.ts'
import { definitionOf, liveOf, ofRun, runOf } from '../context.ts'
import type { Verdict } from '../documents.ts'
import { lostError, underLease } from '../lease.ts'
import type { Watched, Who } from '../service.ts'
import { fillTable, publicationOf, showLive, showTable } from './table.ts'

export interface PublishOptions extends Who, Watched {
  readonly override: boolean
  readonly rollback: boolean
}

export async function publish(context: BatchContext, run: BatchRun, options: PublishOptions): Promise<void> {
  const { registry, published } = context
  const { actor, reason, progress } = options
  // What is gone back to may have been made by another definition: its answers are what they were.
  const batch = options.rollback ? definitionNow(context, run) : definitionOf(context, run)
  const override = mayPublish(run, options)
  await underLease(context, publicationOf(run), options.signal, async (lease, until) => {
    const share = batch.publish.table === null ? 1 : 0.5
    await published.warm(batch, run, (done) => progress?.('passed', done * share), until)
    failpoint('publish: warm')
    await fillTable(context, batch, run, (done) => progress?.('passed', share + done * (1 - share)), until)
    failpoint('publish: table filled')
    until.throwIfAborted()
    if (override && !(await overridden(context, run, options))) throw lostError(lease)
    const live = await liveOf(context, run.batch)
    // Filling took its time: it may have been cancelled since.
    if (batch.publish.table !== null) mayPublish(await runOf(context, run.id), options)
    await showTable(context, batch, run, lease, until)
    failpoint('publish: table shown')
    if (live?.run !== run.id) {
      failpoint('publish: before the pointer')
      const flipped = registry.change(
        {
          kind: 'batch.published',
          ...ofRun(run),
          replaces: live?.version ?? null,
          verdict: override || (run.verdict as Verdict | null)?.override ? 'overridden' : 'passed',
          rollback: options.rollback || run.publishedAt !== null,
        },
        // The same publication, asked for again because its answer was lost, is made once.
        {
          id: hashOf(['batch', run.id, live?.run ?? null, live?.at ?? null]).slice(0, 32),
          actor,
          reason,
          at: context.now(),
        },
      )
      await flipped.catch(async (error: unknown) => {
        // It cannot go live after all: whoever reads the table is given back what is. Otherwise nobody knows yet whether it has.
        if (isSixfoldError(error) && !error.retry) await showLive(context, batch, lease, until).catch(() => {})
        throw error
      })
      failpoint('publish: after the pointer')
    }
    await published.flipped()
  })
}

const definitionNow = ({ platform }: BatchContext, { batch }: BatchRun) => batchNamed(platform, batch)

/** Whether it takes an override. Throws where it cannot go live. */
function mayPublish(run: BatchRun, { override, reason, rollback }: PublishOptions): boolean {
  const told = `Version ${run.version} of '${run.batch}'`
  if (run.retired) throw new SixfoldError('SX_BATCH_STATE', `${told} is not kept any more.`, { fix: 'Run it again.' })
  if (rollback || run.state === 'published' || run.state === 'passed') return false
  if (run.state !== 'refused')
    throw new SixfoldError('SX_BATCH_STATE', `${told} is ${run.state}: there is nothing to publish.`, {
      fix: run.state === 'failed' ? 'Resume it first.' : 'Let it end first.',
    })
  if (!override) {
    const [first] = (run.verdict as Verdict).checks.filter(({ outcome }) => outcome === 'refused')
    throw new SixfoldError('SX_BATCH_REFUSED', `${told} was refused: ${first?.words ?? 'see its report'}`, {
      details: { checks: (run.verdict as Verdict).checks.filter(({ outcome }) => outcome === 'refused').slice(0, 20) },
    })
  }
  if (reason === null || reason.trim() === '')
    throw new SixfoldError('SX_REQUEST_INVALID', `${told} was refused; to publish it all the same takes a reason.`, {
      fix: 'Give one: it stands in the audit.',
    })
  return true
}

/** Written into the verdict, beside what it found. */
async function overridden(context: BatchContext, run: BatchRun, { actor, reason }: PublishOptions): Promise<boolean> {
  const verdict: Verdict = { ...(run.verdict as Verdict), override: { actor, reason: reason!, at: context.now() } }
  return underLease(context, `run/${run.id}`, undefined, (lease) =>
    context.store.advance(run.id, lease, 'refused', 'refused', { verdict }),
  )
}
