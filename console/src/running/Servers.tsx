/** The servers that share these stores. Their instants are those of their machines' clocks, which replays do not move. */
import type { Status } from '../data/wire.ts'
import { instant, wallTime } from '../format.ts'

export function Servers({ servers }: Pick<Status, 'servers'>) {
  if (servers.length === 0)
    return <p className="empty">Which servers run cannot be told while the online store does not answer.</p>
  const several = new Set(servers.map(({ platform }) => platform)).size > 1
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section className="card scroll-across" aria-label="Servers" tabIndex={0}>
      <table>
        <caption className="unseen">Servers that share these stores</caption>
        <thead>
          <tr>
            <th scope="col">Server</th>
            <th scope="col">Machine and process</th>
            <th scope="col">Address</th>
            <th scope="col">Version</th>
            <th scope="col">Definitions</th>
            <th scope="col">Since</th>
            <th scope="col">Last seen</th>
          </tr>
        </thead>
        <tbody>
          {servers.map(({ id, host, pid, url, version, platform, startedAt, seenAt }) => (
            <tr key={id}>
              <th scope="row">
                <code>{id}</code>
              </th>
              <td>
                {host}, {pid}
              </td>
              <td>{url ?? 'does not listen yet'}</td>
              <td>{version}</td>
              <td>
                <code title={platform}>{platform.slice(0, 10)}</code>
                {several && <span className="unseen"> of several in force</span>}
              </td>
              <td>{instant(startedAt)} UTC</td>
              <td>{wallTime(seenAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
