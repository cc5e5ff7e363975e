/**
 * The way of a version through its lifecycle. Where it was: who moved it, when, why, and what was found then. Where it can go: what that asks
 * now, and what of it is met.
 */
import { useStanding } from '../access/access.tsx'
import type { Consequence, Entry, Precondition, Stage, Version } from '../data/registry.ts'
import { stages } from '../data/registry.ts'
import { ActionButton } from '../parts/ActionButton.tsx'
import { stageTitle } from '../parts/Stage.tsx'
import { When } from '../parts/When.tsx'
import { Preconditions } from './Preconditions.tsx'
import { verbOf, who } from './words.ts'

interface Props {
  readonly version: Version
  readonly onMove: (to: Stage) => void
  readonly onApprove: (to: Stage) => void
}

export function VersionRail({ version, onMove, onApprove }: Props) {
  const moved = (to: Stage): Entry | null =>
    version.history.find(({ action, details }) => action === 'stage.changed' && details['to'] === to) ?? null
  const registered = version.history.find(({ action }) => action === 'version.registered') ?? null
  return (
    <section aria-labelledby="version-rail-title" className="card rail-card">
      <header>
        <h3 id="version-rail-title">Lifecycle</h3>
        <p className="calm">What each gate found, and what stands before the next</p>
      </header>
      <ol className="rail">
        {stages.map((stage) => {
          const entry = stage === 'registered' ? registered : moved(stage)
          const current = version.stage === stage
          const was = entry !== null || (stage === 'validated' && version.validated)
          const way = version.ways.find(({ to }) => to === stage) ?? null
          return (
            <li
              key={stage}
              className={`rail-stop ${stage}${current ? ' current' : was ? ' passed' : ' vacant'}`}
              aria-current={current ? 'step' : undefined}
            >
              <div className="rail-mark" aria-hidden="true" />
              <h4>
                {stageTitle(stage)}
                <span className="unseen">{current ? ': it is here' : was ? ': it was here' : ': not yet'}</span>
              </h4>
              {entry !== null && <Passed entry={entry} />}
              {way !== null && <Gate way={way} onMove={onMove} onApprove={onApprove} />}
            </li>
          )
        })}
      </ol>
    </section>
  )
}

function Passed({ entry }: { readonly entry: Entry }) {
  const found = (entry.details['preconditions'] ?? []) as readonly Precondition[]
  return (
    <div className="passage">
      <p className="calm">
        <When at={entry.at} /> by {who(entry.actor)}
        {entry.details['rollback'] === true && ', rolled back'}
      </p>
      {entry.reason !== null && <p className="reason">{entry.reason}</p>}
      {found.length > 0 && (
        <details>
          <summary>
            {found.filter(({ met }) => met).length} of {found.length} were met
          </summary>
          <Preconditions of={found} label="What was found then" />
        </details>
      )}
    </div>
  )
}

interface GateProps {
  readonly way: Consequence
  readonly onMove: (to: Stage) => void
  readonly onApprove: (to: Stage) => void
}

function Gate({ way: { model, from, to, preconditions, allowed }, onMove, onApprove }: GateProps) {
  const { hinders } = useStanding()
  const hindered = hinders('approve', model)
  const met = preconditions.filter((one) => one.met).length
  const approval = preconditions.find((one) => one.name.startsWith('approval') && !one.met)
  return (
    <div className="way">
      {preconditions.length > 0 && (
        <details open={!allowed}>
          <summary>
            <span className={allowed ? 'verdict met' : 'verdict unmet'}>
              {met} of {preconditions.length} met
            </span>
          </summary>
          <Preconditions of={preconditions} label={`What ${to} asks`} />
        </details>
      )}
      <div className="way-actions">
        {approval !== undefined && (
          <ActionButton hindered={hindered} onPress={() => onApprove(to)}>
            Approve …
          </ActionButton>
        )}
        {to !== 'production' && (to !== 'validated' || from === 'staging' || allowed) && (
          <ActionButton hindered={hindered} onPress={() => onMove(to)}>
            {`${verbOf(from, to)} …`}
          </ActionButton>
        )}
      </div>
    </div>
  )
}
