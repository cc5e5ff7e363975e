/** Which platform this is, its pages, what time it is there, whether it answers, and who the reader is to it. */
import { useStanding } from '../access/access.tsx'
import type { Trouble } from '../data/poll.ts'
import { setKey, useKey } from '../data/server.ts'
import type { PlatformDescription } from '../data/wire.ts'
import { instant, wallTime } from '../format.ts'
import type { Place } from '../router.ts'
import { hashOf } from '../router.ts'

interface Props {
  readonly place: Place
  readonly platform: PlatformDescription | null
  readonly now: number | null
  readonly trouble: Trouble | null
  /** A key is wanted first. */
  readonly locked: boolean
}

const pages: readonly (readonly [title: string, place: Place, also: readonly Place['page'][]])[] = [
  ['Overview', { page: 'overview' }, ['overview']],
  ['Models', { page: 'models' }, ['models', 'model', 'serving', 'prediction', 'version', 'card', 'compare']],
  ['Batches', { page: 'batches' }, ['batches', 'batch', 'run']],
  ['Lineage', { page: 'lineage', of: 'version', value: '' }, ['lineage']],
  ['Audit', { page: 'audit', model: '' }, ['audit']],
]

export function Header({ place, platform, now, trouble, locked }: Props) {
  return (
    <header className="top">
      <h1>
        <svg viewBox="0 0 24 24" aria-hidden="true" className="mark">
          <path d="M12 2.5 20.2 7.25v9.5L12 21.5 3.8 16.75v-9.5Z" />
          <path d="M12 12V2.5M12 12l8.2 4.75M12 12l-8.2 4.75" />
        </svg>
        <span className="brand">Sixfold</span>
        <span className="platform">{platform?.name ?? ''}</span>
      </h1>
      <nav aria-label="Pages" className="pages">
        {pages.map(([title, to, also]) => (
          <a key={title} href={hashOf(to)} aria-current={also.includes(place.page) ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <dl>
        <div>
          <dt>Definitions</dt>
          <dd>
            <code title={platform?.hash}>{platform?.hash.slice(0, 10) ?? '–'}</code>
          </dd>
        </div>
        <div className="clock">
          <dt>Server’s clock</dt>
          <dd>{now === null ? '–' : <time dateTime={new Date(now).toISOString()}>{instant(now)} UTC</time>}</dd>
        </div>
      </dl>
      <Identity />
      <p
        role="status"
        className={`connection ${trouble !== null ? 'broken' : locked || platform === null ? 'waiting' : 'live'}`}
      >
        {locked
          ? 'Key wanted'
          : trouble !== null
            ? `No answer since ${wallTime(trouble.since)}${platform === null ? '' : '. Figures are from then.'}`
            : platform === null
              ? 'Connecting'
              : 'Live'}
      </p>
    </header>
  )
}

/** Nothing where nobody needs a key and nobody gave one. */
function Identity() {
  const { access } = useStanding()
  const key = useKey()
  if (access === null || (!access.required && key === null)) return null
  return (
    <p className="identity">
      <span title={access.models.length === 0 ? undefined : `Confined to ${access.models.join(', ')}`}>
        {access.actor.replace(/^key:/, '')} <span className="badge">{access.role}</span>
      </span>
      {key !== null && (
        <button type="button" className="quiet" onClick={() => setKey(null)}>
          Forget the key
        </button>
      )}
    </p>
  )
}
