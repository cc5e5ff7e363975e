/**
 * How long each stage takes, against its budget: a line from the median to the 99th percentile, and a mark where the budget ends. The
 * scale is logarithmic, because a stage may take a thousandth of another.
 */
import type { ModelStatus } from '../data/wire.ts'
import { milliseconds } from '../format.ts'

const stages = ['gateway', 'features', 'assembly', 'queue', 'inference', 'post', 'total'] as const
/** Milliseconds at the ends of the scale, and where it has lines. */
const [least, most] = [0.001, 1000]
const lines = [0.01, 0.1, 1, 10, 100]

const place = (ms: number): number =>
  (100 * Math.log(Math.min(most, Math.max(least, ms)) / least)) / Math.log(most / least)

export function StageTimes({ status: { model, budget, measures } }: { readonly status: ModelStatus }) {
  return (
    <>
      <h4>
        Stage times <span className="aside">since the start, in milliseconds</span>
      </h4>
      <table className="stages">
        <caption className="unseen">Milliseconds in each stage of {model}, and its budget</caption>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col" className="track-head">
              <span className="scale" aria-hidden="true">
                {lines.map((ms) => (
                  <span key={ms} style={{ left: `${place(ms)}%` }}>
                    {ms}
                  </span>
                ))}
              </span>
              <span className="unseen">Against the budget</span>
            </th>
            <th scope="col" className="number">
              p50
            </th>
            <th scope="col" className="number">
              p99
            </th>
            <th scope="col" className="number">
              Budget
            </th>
          </tr>
        </thead>
        <tbody>
          {stages.map((stage) => (
            <Stage key={stage} name={stage} {...measures.stages[stage]} budget={budget[stage] ?? null} />
          ))}
        </tbody>
      </table>
      <p className="key" aria-hidden="true">
        <span className="key-range" /> p50 to p99 <span className="key-budget" /> budget
      </p>
    </>
  )
}

interface StageProps {
  readonly name: string
  readonly p50: number | null
  readonly p99: number | null
  readonly budget: number | null
}

function Stage({ name, p50, p99, budget }: StageProps) {
  const over = p99 !== null && budget !== null && p99 > budget
  return (
    <tr className={name === 'total' ? 'sum' : undefined}>
      <th scope="row">{name}</th>
      <td className="track-cell">
        <div className="track">
          {lines.map((ms) => (
            <i key={ms} className="line" style={{ left: `${place(ms)}%` }} />
          ))}
          {p50 !== null && p99 !== null && (
            <i
              className={over ? 'range over' : 'range'}
              style={{ left: `${place(p50)}%`, width: `${place(p99) - place(p50)}%` }}
            />
          )}
          {budget !== null && <i className="budget" style={{ left: `${place(budget)}%` }} />}
        </div>
        <span className="unseen">
          {p99 === null ? 'nothing measured' : over ? 'p99 is over the budget' : 'p99 is within the budget'}
        </span>
      </td>
      <td className="number">{milliseconds(p50)}</td>
      <td className={over ? 'number over' : 'number'}>{over ? `▲ ${milliseconds(p99)}` : milliseconds(p99)}</td>
      <td className="number dim">{budget === null ? '–' : budget}</td>
    </tr>
  )
}
