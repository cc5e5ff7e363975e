/** What was in production, from when to when, and why it came there. */
import type { Model } from '../data/registry.ts'
import { counted, lasted } from '../format.ts'
import { When } from '../parts/When.tsx'
import { hashOf } from '../router.ts'
import { who } from './words.ts'

const atOnce = 10

export function Productions({ model: { name, productions } }: { readonly model: Model }) {
  const row = ({ version, from, until, actor, reason, rollback }: Model['productions'][number]) => (
    <li key={from} className={until === null ? 'now' : undefined}>
      <a className="version" href={hashOf({ page: 'version', model: name, version: String(version) })}>
        Version {version}
      </a>
      <span className="span">
        <When at={from} exact /> –{' '}
        {until === null ? (
          <strong>now</strong>
        ) : (
          <>
            <When at={until} exact /> <span className="calm">{lasted(Date.parse(until) - Date.parse(from))}</span>
          </>
        )}
      </span>
      <span className="by">
        {rollback && <span className="badge warn">rolled back</span>} {who(actor)}
      </span>
      <span className="reason">{reason ?? ''}</span>
    </li>
  )
  return (
    <section aria-labelledby="productions-title">
      <div className="section-head">
        <h3 id="productions-title">Production history</h3>
        <p className="calm">{counted(productions.length, 'period')}</p>
      </div>
      {productions.length === 0 ? (
        <p className="card blank">No version was in production yet.</p>
      ) : (
        <div className="card periods">
          <ol>{productions.slice(0, atOnce).map(row)}</ol>
          {productions.length > atOnce && (
            <details>
              <summary>{counted(productions.length - atOnce, 'earlier period')}</summary>
              <ol>{productions.slice(atOnce).map(row)}</ol>
            </details>
          )}
        </div>
      )}
    </section>
  )
}
