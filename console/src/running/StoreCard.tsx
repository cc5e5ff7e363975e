/** One store: what it is, how fast it answers, what it says of itself, and what is wrong with it. */
import type { Status } from '../data/wire.ts'
import { milliseconds } from '../format.ts'

export function StoreCard({ port, report }: Status['stores'][number]) {
  const { technology, version, where, roundTripMs, facts, problems } = report
  return (
    <article className="card store" aria-labelledby={`store-${port}`}>
      <header>
        <h3 id={`store-${port}`}>{port}</h3>
        <p className="badge">{version === null ? technology : `${technology} ${version}`}</p>
        <p className="round-trip">
          {roundTripMs === null ? 'No answer was measured' : `${milliseconds(roundTripMs)} ms a round trip`}
        </p>
      </header>
      <dl className="facts">
        <div>
          <dt>Where</dt>
          <dd>
            <code>{where}</code>
          </dd>
        </div>
        {facts.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {problems.length > 0 && (
        <ul className="problems" aria-label={`What is wrong with ${port}`}>
          {problems.map(({ severity, what, fix }) => (
            <li key={what} className={severity}>
              <span className="what">
                <span aria-hidden="true">{severity === 'error' ? '✗' : '!'}</span>
                <span className="unseen">{severity === 'error' ? 'Error: ' : 'Warning: '}</span> {what}
              </span>
              <span className="fix">{fix}</span>
            </li>
          ))}
        </ul>
      )}
    </article>
  )
}
