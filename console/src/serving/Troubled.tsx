/** What was answered by something else, and what was not taken: how often, why, and what to do. */
import type { ModelStatus } from '../data/wire.ts'
import { count, percent } from '../format.ts'
import { Across } from '../parts/Across.tsx'
import { adviceFor, notTaken } from './advice.ts'

const standIn: { readonly [by: string]: string } = {
  'last known': 'The values last known',
  missing: 'Nothing: they are missing',
  cache: 'An earlier answer',
  batch: 'What a batch said',
  rule: 'The fallback',
  default: 'The default',
  unlogged: 'No entry in the log',
}

export function Troubled({ status: { model, measures, scheduling } }: { readonly status: ModelStatus }) {
  const { degradations, predictions } = measures
  const shed = notTaken
    .map(([reason, name, advice]) => ({
      name,
      advice,
      n: scheduling.reduce((sum, { snapshot: { counts } }) => sum + of(counts, reason), 0),
    }))
    .filter(({ n }) => n > 0)
  if (degradations.length === 0 && shed.length === 0)
    return <p className="card blank">Nothing was degraded, and nothing was turned away.</p>
  return (
    <Across label={`Degradations of ${model}, to be scrolled`} className="card table-card scroll-across">
      <table>
        <caption className="unseen">What was degraded or turned away at {model}, and what to do</caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Why</th>
            <th scope="col">In its place</th>
            <th scope="col" className="number">
              How many
            </th>
            <th scope="col" className="number">
              Share
            </th>
            <th scope="col">What to do</th>
          </tr>
        </thead>
        <tbody>
          {[...degradations]
            .sort((a, b) => b.count - a.count)
            .map(({ stage, by, reason, count: n }) => (
              <tr key={`${stage} ${by} ${reason}`}>
                <th scope="row">{stage}</th>
                <td>{reason}</td>
                <td>{standIn[by] ?? by}</td>
                <td className="number">{count(n)}</td>
                <td className="number">{percent(n / Math.max(1, predictions))}</td>
                <td className="advice">{adviceFor(stage, reason) ?? '–'}</td>
              </tr>
            ))}
          {shed.map(({ name, advice, n }) => (
            <tr key={name}>
              <th scope="row">turned away</th>
              <td>{name}</td>
              <td>The fallback, or 503 to clients that send tensors</td>
              <td className="number">{count(n)}</td>
              <td className="number">–</td>
              <td className="advice">{advice}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Across>
  )
}

type Counts = ModelStatus['scheduling'][number]['snapshot']['counts']
const of = ({ refused, expired }: Counts, reason: (typeof notTaken)[number][0]): number =>
  reason === 'expired' ? expired : refused[reason]
