/** Which platform this is, what time it is there, and whether it answers. */
import type { Trouble } from '../data/poll.ts'
import type { PlatformDescription } from '../data/wire.ts'
import { instant, wallTime } from '../format.ts'

interface Props {
  readonly platform: PlatformDescription | null
  readonly now: number | null
  readonly trouble: Trouble | null
}

export function Header({ platform, now, trouble }: Props) {
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
      <p role="status" className={trouble === null ? 'connection' : 'connection broken'}>
        {trouble !== null
          ? `No answer since ${wallTime(trouble.since)}${platform === null ? '' : '. Figures are from then.'}`
          : platform === null
            ? 'Connecting'
            : 'Live'}
      </p>
    </header>
  )
}
