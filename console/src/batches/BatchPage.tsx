/** One batch: its runs as a calendar and as a list, what is live, and how to go back. */
import { useState } from 'react'
import { useStanding } from '../access/access.tsx'
import type { BriefRun, RunDetail, Standing } from '../data/batches.ts'
import { batchAt, isGoing, stateWords } from '../data/batches.ts'
import type { Live } from '../data/poll.ts'
import { useAsked } from '../data/useAsked.ts'
import { lasted } from '../format.ts'
import { ActionButton } from '../parts/ActionButton.tsx'
import { Page } from '../parts/Page.tsx'
import { Refused, Waiting } from '../parts/Refused.tsx'
import { hashOf } from '../router.ts'
import { Calendar } from './Calendar.tsx'
import { Lookup } from './Lookup.tsx'
import { Moment } from './Moment.tsx'
import { StepDialog } from './StepDialog.tsx'

export function BatchPage({ batch, live }: { readonly batch: string; readonly live: Live }) {
  const { value, refusal, again } = useAsked<{ readonly runs: readonly BriefRun[] }>(batchAt.runs(batch), 4_000)
  const { value: all } = useAsked<{ readonly batches: readonly Standing[] }>(batchAt.all, 5_000)
  const standing = all?.batches.find((one) => one.batch === batch)
  const { hinders } = useStanding()
  const [step, setStep] = useState<'rollback' | 'hold' | 'release' | null>(null)
  const now = live.seen?.status.now ?? Date.now()
  const liveVersion = standing?.live?.version ?? null
  const before = value?.runs.find(
    ({ version, publishedAt, retired }) => publishedAt !== null && !retired && version !== liveVersion,
  )
  return (
    <Page
      above={[['Batches', { page: 'batches' }]]}
      title={batch}
      beside={
        <>
          {standing?.stale === true && <span className="badge warn">Older than promised</span>}
          {standing?.hold && <span className="badge warn">Held</span>}
        </>
      }
      actions={
        <>
          <ActionButton
            hindered={standing?.latest ? hinders('approve', standing.model) : 'It never ran: there is nothing to hold.'}
            onPress={() => setStep(standing?.hold ? 'release' : 'hold')}
          >
            {standing?.hold ? 'Release' : 'Hold'}
          </ActionButton>
          <ActionButton
            kind="danger"
            hindered={
              before === undefined
                ? 'No other version was published and is still kept.'
                : hinders('approve', standing?.model ?? null)
            }
            onPress={() => setStep('rollback')}
          >
            Roll back
          </ActionButton>
        </>
      }
    >
      {refusal !== null && value !== null && <Refused refusal={refusal} stale />}
      {standing?.hold && (
        <p className="card padded">
          Held by {standing.hold.actor} <Moment at={standing.hold.at} />: nothing goes live but what somebody publishes
          or rolls back to.{standing.hold.reason === null ? '' : ` ‘${standing.hold.reason}’`}
        </p>
      )}
      {value === null ? (
        <Waiting refusal={refusal} what="the runs" />
      ) : value.runs.length === 0 ? (
        <p className="card blank">
          It never ran. Run it with <code>sixfold batch run {batch}</code>
          {standing?.schedule ? ', or wait for its schedule.' : '.'}
        </p>
      ) : (
        <>
          <section className="card padded" aria-label="Calendar">
            <Calendar batch={batch} runs={value.runs} now={now} />
            <Legend />
          </section>
          <Runs batch={batch} runs={value.runs} live={liveVersion} />
          <Keys batch={batch} version={liveVersion} />
        </>
      )}
      {step === 'rollback' && (
        <StepDialog
          title={`Roll back ${batch}`}
          verb="Roll back"
          danger
          path={batchAt.rollback(batch)}
          body={{}}
          onClose={() => setStep(null)}
          onDone={again}
        >
          <p>
            Version {liveVersion ?? '–'} is live. The version that was live before it answers all look-ups from then on,
            as a whole; its values are brought into the cache first where they are not there any more.
          </p>
        </StepDialog>
      )}
      {step === 'hold' && (
        <StepDialog
          title={`Hold ${batch}`}
          verb="Hold"
          path={batchAt.hold(batch)}
          body={{}}
          onClose={() => setStep(null)}
          onDone={again}
        >
          <p>
            Runs go on and are looked at by the gate, and what passes waits. What is live stays live until somebody
            publishes another version, or releases the batch.
          </p>
        </StepDialog>
      )}
      {step === 'release' && (
        <StepDialog
          title={`Release ${batch}`}
          verb="Release"
          path={batchAt.release(batch)}
          body={{}}
          onClose={() => setStep(null)}
          onDone={again}
        >
          <p>
            What its schedule has brought past the gate meanwhile goes live within seconds, and what comes next too.
          </p>
        </StepDialog>
      )}
    </Page>
  )
}

/** The parts of the key are told with the live version. */
function Keys({ batch, version }: { readonly batch: string; readonly version: number | null }) {
  const { value } = useAsked<RunDetail>(version === null ? null : batchAt.run(batch, version))
  return value === null ? null : <Lookup batch={batch} parts={value.key} />
}

const Legend = () => (
  <p className="legend calm">
    {(['published', 'refused', 'passed', 'scoring', 'failed', 'cancelled'] as const).map((state) => (
      <span key={state}>
        <i className={`square ${stateWords[state][1]}`} aria-hidden="true" /> {stateWords[state][0]}
      </span>
    ))}
  </p>
)

function Runs({
  batch,
  runs,
  live,
}: {
  readonly batch: string
  readonly runs: readonly BriefRun[]
  readonly live: number | null
}) {
  return (
    <div className="card table-card scroll-across">
      <table className="runs-table">
        <caption className="unseen">Runs of {batch}, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">For</th>
            <th scope="col">State</th>
            <th scope="col">Begun by</th>
            <th scope="col">Took</th>
            <th scope="col">Error</th>
          </tr>
        </thead>
        <tbody>
          {runs.slice(0, 100).map((run) => (
            <tr key={run.id}>
              <th scope="row">
                <a href={hashOf({ page: 'run', batch, version: String(run.version) })}>{run.version}</a>
                {run.version === live && <span className="badge accent">live</span>}
              </th>
              <td>
                <Moment at={run.at} exact />
              </td>
              <td>
                <i className={`square ${stateWords[run.state][1]}`} aria-hidden="true" /> {stateWords[run.state][0]}
              </td>
              <td>{run.actor}</td>
              <td>{isGoing(run) ? 'going on' : lasted(Math.max(0, run.updatedAt - run.beganAt))}</td>
              <td className="says">{run.error?.message ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
