/** Servers on which models are: whether they are asked, and what became of it. */
import type { ModelStatus } from '../../api/index.ts'
import type { Families } from './families.ts'

export function remoteMetrics({ gauge, counter }: Families): (models: readonly ModelStatus[]) => void {
  const of = ['model', 'version', 'url'] as const
  const open = gauge(
    'sixfold_remote_breaker_open',
    '1 while the server of a version failed so often that it is not asked, 0.5 while the next call finds out.',
    ...of,
  )
  const p95 = gauge('sixfold_remote_p95_seconds', 'Of the latest calls of a server that were answered.', ...of)
  const calls = counter('sixfold_remote_calls_total', 'Calls of a server, without second requests.', ...of)
  const failures = counter('sixfold_remote_failures_total', 'Calls without an answer that is one, in time.', ...of)
  const refused = counter('sixfold_remote_refused_total', 'Calls that the breaker did not let through.', ...of)
  const hedges = counter(
    'sixfold_remote_hedges_total',
    'Second requests, sent because the first took longer than usual, by which of the two answered first.',
    ...of,
    'first',
  )
  const states = { closed: 0, 'half-open': 0.5, open: 1 } as const
  return (models) => {
    for (const { model, scheduling } of models)
      for (const { version, remote } of scheduling) {
        if (remote === null) continue
        const labels = { model, version, url: remote.url }
        open.set(labels, states[remote.breaker])
        if (remote.p95Ms !== null) p95.set(labels, remote.p95Ms / 1000)
        calls.inc(labels, remote.calls)
        failures.inc(labels, remote.failures)
        refused.inc(labels, remote.refused)
        hedges.inc({ ...labels, first: 'second' }, remote.hedgesWon)
        hedges.inc({ ...labels, first: 'other' }, remote.hedges - remote.hedgesWon)
      }
  }
}
