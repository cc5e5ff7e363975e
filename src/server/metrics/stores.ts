/** Whether stores can be used, how full they are, and what lies before the servers in the log. */
import type { Status } from '../../api/index.ts'
import type { Families } from './families.ts'

export function storeMetrics({ gauge }: Families): (status: Status) => void {
  const up = gauge(
    'sixfold_store_up',
    '1 for a store that can be used, 0 for one that cannot be reached or says why not.',
    'port',
    'technology',
  )
  const lag = gauge(
    'sixfold_log_lag_entries',
    'Entries of the log that the state of a view does not have yet. All servers say the same of it.',
    'view',
  )
  const entries = gauge(
    'sixfold_log_entries',
    'Entries of a topic of the log. All servers say the same of it.',
    'topic',
  )
  const online = gauge(
    'sixfold_online_entries',
    'Entries of the online store. All servers say the same of it.',
    'technology',
  )
  const roundTrip = gauge(
    'sixfold_store_round_trip_seconds',
    'The median of several small questions to a store.',
    'port',
    'technology',
  )
  return ({ views, topics, store, stores }) => {
    for (const { view, behind } of views) if (behind !== null) lag.set({ view }, behind)
    for (const { topic, end } of topics) entries.set({ topic }, end)
    for (const { port, report } of stores) {
      const { technology, roundTripMs, problems } = report
      if (port === 'online' && store !== null) online.set({ technology }, store.entries)
      up.set({ port, technology }, problems.some(({ severity }) => severity === 'error') ? 0 : 1)
      if (roundTripMs !== null) roundTrip.set({ port, technology }, roundTripMs / 1000)
    }
  }
}
