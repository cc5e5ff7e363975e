/** All models together, and the state they read. */
import type { Status } from '../data/wire.ts'
import { bytes, count, counted, percent, rate } from '../format.ts'
import { degradedShare, perSecondNow } from '../models/figures.ts'
import { Figure } from './Figure.tsx'

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** The sum, where all are known. */
const known = (values: readonly (number | null)[]): number | null =>
  values.reduce<number | null>((total, value) => (total === null || value === null ? null : total + value), 0)

export function Overview({ status: { models, views, store, topics, servers, stores } }: { readonly status: Status }) {
  const measures = models.map((model) => model.measures)
  const behind = known(views.map((view) => view.behind))
  const logged = known(topics.map((topic) => topic.bytes))
  const entries = counted(sum(topics.map(({ end }) => end)), 'entry', 'entries')
  const problems = stores.flatMap(({ report }) => report.problems)
  return (
    <section aria-label="Overview">
      <dl className="figures overview">
        <Figure
          name="Predictions per second"
          value={rate(sum(measures.map(perSecondNow)))}
          note={`${count(sum(measures.map(({ predictions }) => predictions)))} since the start`}
        />
        <Figure
          name="Degraded answers"
          value={percent(degradedShare(measures))}
          note={`${counted(sum(measures.flatMap(({ refused }) => Object.values(refused))), 'question')} refused`}
        />
        <Figure
          name="Outcomes joined"
          value={count(sum(models.map(({ quality }) => quality.outcomes)))}
          note={`to answers of ${counted(models.length, 'model')}`}
        />
        <Figure
          name="Events waiting"
          value={behind === null ? '–' : count(behind)}
          note={
            behind === null
              ? 'the stores do not say'
              : behind === 0
                ? 'every view is up to date'
                : 'logged, not yet in the state'
          }
        />
        <Figure
          name="Online state"
          value={store === null ? '–' : bytes(store.bytes)}
          note={store === null ? 'the store does not answer' : counted(store.entries, 'entry', 'entries')}
        />
        <Figure
          name="Log"
          value={logged === null ? '–' : bytes(logged)}
          note={`${entries}, ${counted(topics.length, 'topic')}`}
        />
        <Figure
          name="Servers"
          value={servers.length === 0 ? '–' : count(servers.length)}
          note={problems.length === 0 ? 'the stores are well' : `${counted(problems.length, 'problem')} of stores`}
        />
      </dl>
    </section>
  )
}
