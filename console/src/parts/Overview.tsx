/** All models together, and the state they read. */
import type { Status } from '../data/wire.ts'
import { bytes, count, counted, percent, rate } from '../format.ts'
import { degradedShare, perSecondNow } from '../models/figures.ts'
import { Figure } from './Figure.tsx'

export function Overview({ status: { models, views, store, topics } }: { readonly status: Status }) {
  const measures = models.map((model) => model.measures)
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const behind = sum(views.map((view) => view.behind))
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
          value={count(behind)}
          note={behind === 0 ? 'every view is up to date' : 'logged, not yet in the state'}
        />
        <Figure name="Online state" value={bytes(store.bytes)} note={counted(store.entries, 'entry', 'entries')} />
        <Figure
          name="Log"
          value={bytes(sum(topics.map((topic) => topic.bytes)))}
          note={`${counted(sum(topics.map(({ end }) => end)), 'entry', 'entries')}, ${counted(topics.length, 'topic')}`}
        />
      </dl>
    </section>
  )
}
