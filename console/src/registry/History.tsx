/** What happened to a version: its entries of the audit, newest first. */
import type { Entry } from '../data/registry.ts'
import { counted } from '../format.ts'
import { When } from '../parts/When.tsx'
import { saying, via, who } from './words.ts'

export function History({ entries }: { readonly entries: readonly Entry[] }) {
  return (
    <section aria-labelledby="history-title">
      <div className="section-head">
        <h3 id="history-title">History</h3>
        <p className="calm">{counted(entries.length, 'entry', 'entries')} of the audit trail</p>
      </div>
      {entries.length === 0 ? (
        <p className="card blank">No entry is of this version.</p>
      ) : (
        <ol className="card history">
          {entries.map((entry) => (
            <li key={entry.number}>
              <When at={entry.at} exact />
              <span className="what">{saying(entry)}</span>
              <span className="by">
                {who(entry.actor)} <span className="calm">{via(entry.actor)}</span>
              </span>
              <span className="reason">{entry.reason ?? ''}</span>
              <span className="calm entry-number">№ {entry.number}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
