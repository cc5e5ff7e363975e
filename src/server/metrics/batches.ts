/** What is live of each batch, what became of its newest run, and when it is next due. All servers say the same of it. */
import type { Status } from '../../api/index.ts'
import type { Families } from './families.ts'

export function batchMetrics({ gauge, counter }: Families): (status: Status) => void {
  const live = gauge(
    'sixfold_batch_live_version',
    'The version of a batch that is live; left out where none is.',
    'batch',
  )
  const asOf = gauge('sixfold_batch_live_timestamp_seconds', 'The instant that the live version is for.', 'batch')
  const stale = gauge('sixfold_batch_stale', '1 where the live version is older than the batch promises.', 'batch')
  const latest = gauge('sixfold_batch_latest_run', '1 for the state of the newest run.', 'batch', 'state')
  const next = gauge('sixfold_batch_next_due_timestamp_seconds', 'When the schedule wants the next run.', 'batch')
  const lookups = counter('sixfold_batch_lookups_total', 'Keys that were looked up, by what answered.', 'batch', 'rung')
  return ({ batches }) => {
    for (const one of batches) {
      const { batch } = one
      if (one.live !== null) {
        live.set({ batch }, one.live.version)
        asOf.set({ batch }, one.live.at / 1000)
      }
      stale.set({ batch }, one.stale ? 1 : 0)
      if (one.latest !== null) latest.set({ batch, state: one.latest.state }, 1)
      if (one.next !== null) next.set({ batch }, one.next / 1000)
      for (const [rung, count] of Object.entries(one.lookups)) lookups.inc({ batch, rung }, count)
    }
  }
}
