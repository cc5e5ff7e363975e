/** A version that is loaded: where it is computed, how busy its workers are, what waits, and how rows went together. */
import type { ModelStatus } from '../data/wire.ts'
import { count, counted, milliseconds } from '../format.ts'
import { Figure } from '../parts/Figure.tsx'

type Snapshot = ModelStatus['scheduling'][number]['snapshot']
type Remote = NonNullable<ModelStatus['scheduling'][number]['remote']>

const places: { readonly [place: string]: string } = {
  inline: 'on the thread that receives requests',
  thread: 'in threads of its own',
  process: 'in processes of its own',
  remote: 'on another server',
}

interface Props {
  readonly model: string
  readonly version: string
  readonly answers: boolean
  readonly snapshot: Snapshot
  /** Null of a version that is computed by this server. */
  readonly remote: Remote | null
}

export function Scheduling({ model, version, answers, snapshot, remote }: Props) {
  const { place, workers, queuedRows, runningRows, queueLimit, concurrencyLimit, predictedWaitMs, cost, counts } =
    snapshot
  return (
    <article className="card" aria-label={`Version ${version} of ${model}`}>
      <header>
        <h4>Version {version}</h4>
        <p className={answers ? 'badge good' : 'badge'}>{answers ? 'Answers' : 'For those who name it'}</p>
        <p className="calm">Computed {places[place] ?? place}</p>
      </header>
      <div className="scheduling">
        <dl className="figures">
          <Figure
            name="Workers"
            value={`${workers.busy} of ${workers.ready}`}
            note={`busy; ${workers.wanted} wanted, ${workers.min} to ${workers.max}`}
          />
          <Figure name="Rows waiting" value={count(queuedRows)} note={`of ${count(queueLimit)}`} />
          <Figure
            name="Rows computed now"
            value={count(runningRows)}
            note={
              concurrencyLimit === null ? 'no limit found yet' : `limit ${count(concurrencyLimit)} with those waiting`
            }
          />
          <Figure
            name="Predicted wait"
            value={milliseconds(predictedWaitMs)}
            {...(predictedWaitMs === null ? {} : { unit: 'ms' })}
            note={
              cost === null
                ? 'no cost known yet'
                : `a call: ${milliseconds(cost.fixedMs)} + ${milliseconds(cost.perRowMs)} ms a row`
            }
          />
          <Figure
            name="Rows a call"
            value={counts.calls === 0 ? '–' : (counts.rows / counts.calls).toFixed(1)}
            note={counted(counts.calls, 'call')}
          />
          <Figure
            name="Restarts"
            value={count(counts.restarts)}
            note={counts.failed === 0 ? 'no call failed' : `${counted(counts.failed, 'request')} failed`}
          />
          {remote !== null && <Server remote={remote} />}
        </dl>
        <Batches model={model} version={version} snapshot={snapshot} />
      </div>
    </article>
  )
}

const stands: { readonly [breaker: string]: string } = {
  closed: 'answers',
  open: 'not asked: it failed',
  'half-open': 'tried again',
}

/** The server on which a version is. */
function Server({
  remote: { url, breaker, calls, failures, refused, hedges, hedgesWon, p95Ms },
}: {
  readonly remote: Remote
}) {
  return (
    <>
      <Figure name="Its server" value={stands[breaker] ?? breaker} note={url} />
      <Figure
        name="Calls of it"
        value={count(calls)}
        note={`${count(failures)} failed, ${count(refused)} not made meanwhile`}
      />
      <Figure
        name="95 of 100 calls within"
        value={milliseconds(p95Ms)}
        {...(p95Ms === null ? {} : { unit: 'ms' })}
        note={`sent twice ${count(hedges)}, the second first ${count(hedgesWon)}`}
      />
    </>
  )
}

const bounds = [1, 2, 4, 8, 16, 32, 64, 128, Number.POSITIVE_INFINITY]

function Batches({ model, version, snapshot: { counts } }: Omit<Props, 'answers' | 'remote'>) {
  const { released, batches } = counts
  const buckets = bounds
    .map((most, i) => {
      const least = (bounds[i - 1] ?? 0) + 1
      const calls = batches.reduce((sum, { rows, calls }) => (rows >= least && rows <= most ? sum + calls : sum), 0)
      return {
        name: most === Number.POSITIVE_INFINITY ? `${least} +` : least === most ? `${most}` : `${least}–${most}`,
        calls,
      }
    })
    .filter(({ calls }) => calls > 0)
  const most = Math.max(1, ...buckets.map(({ calls }) => calls))
  return (
    <section aria-label={`Batches of version ${version} of ${model}`}>
      <h5>
        Rows that went together{' '}
        <span className="aside">
          released as a worker was idle {count(released.idle)}, became so {count(released.busy)}, at a full call{' '}
          {count(released.full)}
        </span>
      </h5>
      {buckets.length === 0 ? (
        <p className="empty">No call yet.</p>
      ) : (
        <table className="batches">
          <caption className="unseen">
            Calls of version {version} of {model} by their rows
          </caption>
          <thead>
            <tr>
              <th scope="col">Rows</th>
              <th scope="col">
                <span className="unseen">Against the most</span>
              </th>
              <th scope="col" className="number">
                Calls
              </th>
            </tr>
          </thead>
          <tbody>
            {buckets.map(({ name, calls }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  <i className="bar" style={{ width: `${(100 * calls) / most}%` }} />
                </td>
                <td className="number">{count(calls)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
