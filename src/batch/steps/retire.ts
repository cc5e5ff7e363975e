/** What is kept: so many versions that were published, what is live, what is compared with, and the latest that were not published. */

import { batchNamed } from '../../definition/graph.ts'
import type { BatchRun } from '../../ports/batch-store.ts'
import type { BatchContext } from '../context.ts'
import { liveOf } from '../context.ts'

/** Runs looked at in one go. */
const page = 500

export async function retire(context: BatchContext, name: string): Promise<readonly number[]> {
  const { store, environment, published, tables } = context
  const batch = batchNamed(context.platform, name)
  const { keep } = batch.publish
  const live = await liveOf(context, name)
  const runs = (await store.runs({ batch: name, environment, limit: page })).filter(({ retired }) => !retired)
  // Of what was live, the latest: by when it was published, not by its number.
  const once = runs
    .filter(({ publishedAt }) => publishedAt !== null)
    .toSorted((a, b) => b.publishedAt! - a.publishedAt!)
  const never = runs.filter(({ publishedAt, state }) => publishedAt === null && ended(state))
  const gone = [...once.slice(keep), ...never.slice(keep)].filter(
    ({ id, version }) => id !== live?.run && version !== live?.previous && version !== batch.gate.reference,
  )
  const versions: number[] = []
  for (const run of gone) {
    await published.drop(batch, run)
    if (batch.publish.table !== null) await tables!.drop(run.id)
    if (await store.retire(run.id)) versions.push(run.version)
  }
  return versions
}

const ended = (state: BatchRun['state']): boolean => ['refused', 'passed', 'failed', 'cancelled'].includes(state)
