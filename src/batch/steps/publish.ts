/** A version goes live, for the first time or again: brought to where it is looked up, and then named by one pointer. */
import { batchNamed } from '../../definition/graph.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { hashOf } from '../../kernel/hash.ts'
import type { BatchRun, LiveBatch } from '../../ports/batch-store.ts'
import type { BatchContext } from '../context.ts'
import { definitionOf, ofRun } from '../context.ts'
import type { Verdict } from '../documents.ts'
import { lostError, underLease } from '../lease.ts'
import type { Watched, Who } from '../service.ts'

export interface PublishOptions extends Who, Watched {
  readonly override: boolean
  readonly rollback: boolean
}

export const liveOf = async ({ store, environment }: BatchContext, batch: string): Promise<LiveBatch | null> =>
  (await store.live(environment)).find((one) => one.batch === batch) ?? null

export async function publish(context: BatchContext, run: BatchRun, options: PublishOptions): Promise<void> {
  const { registry, published } = context
  const { actor, reason, progress } = options
  // What is gone back to may have been made by another definition: its answers are what they were.
  const batch = options.rollback ? definitionNow(context, run) : definitionOf(context, run)
  const override = mayPublish(run, options)
  // One at a time for the whole batch: two versions that want to go live go one after another.
  await underLease(context, `publish/${run.environment}/${run.batch}`, options.signal, async (lease, until) => {
    await published.warm(batch, run, (done) => progress?.('passed', done), until)
    failpoint('publish: warm')
    until.throwIfAborted()
    if (override && !(await overridden(context, run, options))) throw lostError(lease)
    const live = await liveOf(context, run.batch)
    if (live?.run !== run.id) {
      failpoint('publish: before the pointer')
      await registry.change(
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
