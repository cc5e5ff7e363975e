/** Answers that were not what they should be, and questions that got none. */
import type { ModelStatus } from '../data/wire.ts'
import { count, percent } from '../format.ts'

export function Troubles({ measures: { predictions, degraded, refused } }: Pick<ModelStatus, 'measures'>) {
  const rows = [
    ...Object.entries(degraded).map(([reason, n]) => ({ kind: 'Degraded', reason, n })),
    ...Object.entries(refused).map(([reason, n]) => ({ kind: 'Refused', reason, n })),
  ]
  if (rows.length === 0) return <p className="calm">Nothing degraded, nothing refused.</p>
  return (
    <table className="troubles">
      <caption className="unseen">Degraded answers and refused questions, since the start</caption>
      <thead className="unseen">
        <tr>
          <th scope="col">What</th>
          <th scope="col">Why</th>
          <th scope="col">How many</th>
          <th scope="col">Share</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ kind, reason, n }) => (
          <tr key={`${kind} ${reason}`}>
            <td>{kind}</td>
            <td>{reason}</td>
            <td className="number">{count(n)}</td>
            <td className="number">
              {percent(kind === 'Degraded' ? n / Math.max(1, predictions) : n / (predictions + n))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
