/** What waits in the log, by view; and the log itself, by topic. */
import type { Status } from '../data/wire.ts'
import { bytes, count, instant } from '../format.ts'

const counted = (n: number | null): string => (n === null ? '–' : count(n))

export function Lag({ status: { views, topics } }: { readonly status: Status }) {
  return (
    <div className="lag">
      <section className="card" aria-label="Views and their lag">
        {views.length === 0 ? (
          <p className="empty">No view is defined.</p>
        ) : (
          <table>
            <caption className="unseen">How far each view is behind the log</caption>
            <thead>
              <tr>
                <th scope="col">View</th>
                <th scope="col">History through</th>
                <th scope="col" className="number">
                  Entries taken in
                </th>
                <th scope="col" className="number">
                  Behind
                </th>
              </tr>
            </thead>
            <tbody>
              {views.map(({ view, through, position, behind }) => (
                <tr key={view}>
                  <th scope="row">{view}</th>
                  <td>{through === null ? 'none' : instant(through)}</td>
                  <td className="number">{counted(position)}</td>
                  <td className="number">{counted(behind)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section className="card" aria-label="Topics of the log">
        {topics.length === 0 ? (
          <p className="empty">The log has no topic yet.</p>
        ) : (
          <table>
            <caption className="unseen">Entries and size of each topic</caption>
            <thead>
              <tr>
                <th scope="col">Topic</th>
                <th scope="col" className="number">
                  Entries
                </th>
                <th scope="col" className="number">
                  Size
                </th>
              </tr>
            </thead>
            <tbody>
              {topics.map(({ topic, end, bytes: size }) => (
                <tr key={topic}>
                  <th scope="row">{topic}</th>
                  <td className="number">{count(end)}</td>
                  <td className="number">{size === null ? '–' : bytes(size)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
    </div>
  )
}
