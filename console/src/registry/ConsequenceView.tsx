/** What a step would do, and whether it may be taken. */
import type { Consequence } from '../data/registry.ts'
import type { Refusal } from '../data/server.ts'
import { Refused } from '../parts/Refused.tsx'
import { StageBadge } from '../parts/Stage.tsx'
import { Preconditions } from './Preconditions.tsx'

interface Props {
  readonly consequence: Consequence | null
  readonly refusal: Refusal | null
}

export function ConsequenceView({ consequence, refusal }: Props) {
  if (consequence === null)
    return (
      <div className="consequence">
        {refusal === null ? <p className="calm">Asking what it would do …</p> : <Refused refusal={refusal} />}
      </div>
    )
  const { from, to, effects, preconditions, allowed } = consequence
  return (
    <div className="consequence">
      {refusal !== null && <Refused refusal={refusal} stale />}
      <p className="way">
        <StageBadge stage={from} /> <span aria-hidden="true">→</span>
        <span className="unseen">to</span> <StageBadge stage={to} />
      </p>
      <h4>What happens</h4>
      <ul className="effects" aria-label="What happens">
        {effects.map((effect) => (
          <li key={effect}>{effect}</li>
        ))}
      </ul>
      <h4>
        Preconditions{' '}
        <span className={allowed ? 'verdict met' : 'verdict unmet'}>{allowed ? 'all met' : 'not all met'}</span>
      </h4>
      <Preconditions of={preconditions} label="Preconditions" />
    </div>
  )
}
