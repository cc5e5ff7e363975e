/** All batches: what is live of each, how old that is, and what became of the newest run. */
import type { Standing } from '../data/batches.ts'
import { batchAt, stateWords } from '../data/batches.ts'
import { useAsked } from '../data/useAsked.ts'
import { Page } from '../parts/Page.tsx'
import { Refused, Waiting } from '../parts/Refused.tsx'
import { hashOf } from '../router.ts'
import { Moment } from './Moment.tsx'

export function BatchesPage() {
  const { value, refusal } = useAsked<{ readonly batches: readonly Standing[] }>(batchAt.all, 5_000)
  return (
    <Page title="Batches">
      {refusal !== null && value !== null && <Refused refusal={refusal} stale />}
      {value === null ? (
        <Waiting refusal={refusal} what="the batches" />
      ) : value.batches.length === 0 ? (
        <p className="card blank">
          No batch is defined. Define one with <code>batch(…)</code>, and it stands here.
        </p>
      ) : (
        <div className="card table-card scroll-across">
          <table className="models-table">
            <caption className="unseen">Batches, what is live of each, and their newest runs</caption>
            <thead>
              <tr>
                <th scope="col">Batch</th>
                <th scope="col">Live</th>
                <th scope="col">As of</th>
                <th scope="col">Newest run</th>
                <th scope="col">Next</th>
                <th scope="col">To look at</th>
              </tr>
            </thead>
            <tbody>
              {value.batches.map((one) => (
                <Row key={one.batch} standing={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Page>
  )
}

function Row({ standing: { batch, model, live, latest, schedule, stale, hold } }: { readonly standing: Standing }) {
  const notes = [
    ...(live === null ? ['Nothing is published'] : []),
    ...(hold === null ? [] : ['Held']),
    ...(stale ? ['Older than promised'] : []),
    ...(latest?.state === 'refused' ? ['Its gate refused the newest'] : []),
    ...(latest?.state === 'failed' ? ['The newest run failed'] : []),
  ]
  return (
    <tr>
      <th scope="row" className="model-name">
        <a href={hashOf({ page: 'batch', batch })}>{batch}</a>
        <span className="line">{`by the model ${model}`}</span>
      </th>
      <td>
        {live === null ? (
          <span className="none">–</span>
        ) : (
          <a href={hashOf({ page: 'run', batch, version: String(live.version) })}>{live.version}</a>
        )}
      </td>
      <td>{live === null ? <span className="none">–</span> : <Moment at={live.at} />}</td>
      <td>
        {latest === null ? (
          <span className="none">never run</span>
        ) : (
          <a href={hashOf({ page: 'run', batch, version: String(latest.version) })}>
            {`${latest.version}, ${stateWords[latest.state][0]}`}
          </a>
        )}
      </td>
      <td>
        {schedule === null ? <span className="calm">when it is told to</span> : <Moment at={schedule.next} exact />}
      </td>
      <td>
        {notes.length === 0 ? (
          <span className="none">–</span>
        ) : (
          notes.map((text) => (
            <span key={text} className="badge warn">
              {text}
            </span>
          ))
        )}
      </td>
    </tr>
  )
}
