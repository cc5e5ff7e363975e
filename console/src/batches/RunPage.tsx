/** One run: how far it is, what its gate found, old and new laid over each other, what it cost; and the steps that somebody may take. */
import { useState } from 'react'
import { useStanding } from '../access/access.tsx'
import type { Partition, Run, RunDetail, Verdict } from '../data/batches.ts'
import { batchAt, isGoing, stateWords } from '../data/batches.ts'
import { useAsked } from '../data/useAsked.ts'
import { bytes, count, counted, lasted, percent } from '../format.ts'
import { ActionButton } from '../parts/ActionButton.tsx'
import { Page } from '../parts/Page.tsx'
import { Refused, Waiting } from '../parts/Refused.tsx'
import { Moment } from './Moment.tsx'
import { Overlays } from './Overlays.tsx'
import { StepDialog } from './StepDialog.tsx'

export function RunPage({ batch, version }: { readonly batch: string; readonly version: string }) {
  const { value, refusal, again } = useAsked<RunDetail>(batchAt.run(batch, version), 2_000)
  const { hinders } = useStanding()
  const [step, setStep] = useState<'publish' | 'cancel' | 'rollback' | null>(null)
  const run = value?.run
  const hindered = hinders('approve', run?.model ?? null)
  const mayPublish = run?.state === 'passed' || run?.state === 'refused'
  const mayGoBack = run !== undefined && run.publishedAt !== null && !run.retired && value?.live === false
  return (
    <Page
      above={[
        ['Batches', { page: 'batches' }],
        [batch, { page: 'batch', batch }],
      ]}
      title={`Version ${run?.version ?? version}`}
      beside={
        run !== undefined && (
          <>
            <span className={`badge ${stateWords[run.state][1]}`}>{stateWords[run.state][0]}</span>
            {value?.live === true && <span className="badge accent">live</span>}
          </>
        )
      }
      actions={
        run !== undefined && (
          <>
            {mayPublish && (
              <ActionButton
                kind={run.state === 'refused' ? 'danger' : 'primary'}
                hindered={hindered}
                onPress={() => setStep('publish')}
              >
                {run.state === 'refused' ? 'Publish all the same' : 'Publish'}
              </ActionButton>
            )}
            {mayGoBack && (
              <ActionButton kind="danger" hindered={hindered} onPress={() => setStep('rollback')}>
                Back to this version
              </ActionButton>
            )}
            {(isGoing(run) || run.state === 'failed') && (
              <ActionButton hindered={hindered} onPress={() => setStep('cancel')}>
                Cancel the run
              </ActionButton>
            )}
          </>
        )
      }
    >
      {refusal !== null && value !== null && <Refused refusal={refusal} stale />}
      {value === null ? <Waiting refusal={refusal} what="the run" /> : <Shown detail={value} />}
      {step === 'publish' && run !== undefined && (
        <StepDialog
          title={`Publish version ${run.version} of ${batch}`}
          verb={run.state === 'refused' ? 'Publish all the same' : 'Publish'}
          danger={run.state === 'refused'}
          path={batchAt.step(batch, run.version, 'publish')}
          body={{ override: run.state === 'refused' }}
          onClose={() => setStep(null)}
          onDone={again}
        >
          {run.state === 'refused' && (
            <p className="notice bad">
              Its gate refused it: {refusalsOf(run.verdict)} Whoever publishes it all the same answers for it.
            </p>
          )}
          <p>
            All of its {count(run.plan?.rows ?? 0)} rows go live at once, in place of what is live now. They are brought
            into the cache before.
          </p>
        </StepDialog>
      )}
      {step === 'rollback' && run !== undefined && (
        <StepDialog
          title={`Roll ${batch} back to version ${run.version}`}
          verb="Roll back"
          danger
          path={batchAt.rollback(batch)}
          body={{ version: run.version }}
          onClose={() => setStep(null)}
          onDone={again}
        >
          <p>
            It answers all look-ups from then on, as a whole, as of {new Date(run.at).toISOString().slice(0, 16)} UTC.
          </p>
        </StepDialog>
      )}
      {step === 'cancel' && run !== undefined && (
        <StepDialog
          title={`Cancel version ${run.version} of ${batch}`}
          verb="Cancel the run"
          danger
          path={batchAt.step(batch, run.version, 'cancel')}
          body={{}}
          onClose={() => setStep(null)}
          onDone={again}
        >
          <p>Whoever works on it stops. What is live stays live; `sixfold batch resume` can go on with what is done.</p>
        </StepDialog>
      )}
    </Page>
  )
}

const refusalsOf = (verdict: Verdict | null): string =>
  (verdict?.checks ?? [])
    .filter(({ outcome }) => outcome === 'refused')
    .slice(0, 3)
    .map(({ words }) => words)
    .join(' ')

function Shown({ detail: { run, partitions, holder, use } }: { readonly detail: RunDetail }) {
  return (
    <>
      <Facts run={run} holder={holder} use={use} />
      {run.error !== null && (
        <div className="notice bad" role="alert">
          <p className="what">{run.error.message}</p>
          <p>
            Mend what it names, then <code>sixfold batch resume</code>. <code>{run.error.code}</code>
          </p>
        </div>
      )}
      {partitions.length > 0 && <Timeline run={run} partitions={partitions} />}
      {run.verdict !== null && <Gate verdict={run.verdict} />}
      {run.verdict !== null && run.verdict.overlays.length > 0 && <Overlays overlays={run.verdict.overlays} />}
    </>
  )
}

function Facts({ run, holder, use }: Pick<RunDetail, 'run' | 'holder' | 'use'>) {
  const { cost } = run
  const all: readonly (readonly [string, React.ReactNode])[] = [
    ['For', <Moment key="for" at={run.at} exact />],
    ['Begun', <Moment key="begun" at={run.beganAt} exact />],
    ['By', `${run.actor}, ${run.reason}`],
    ['Model', `${run.model} ${run.modelVersion}`],
    ['Rows', run.plan === null ? '–' : count(run.plan.rows)],
    ['Engine', run.engine],
    ...(holder === null ? [] : [['Worked on by', holder] as const]),
    ...(cost === null
      ? []
      : ([
          ['Took', lasted(cost.wallMs)],
          ['Processor', `${cost.cpuSeconds.toFixed(1)} s`],
          ['Written', bytes(cost.bytesWritten)],
          ...(cost.price === null ? [] : [['Price', `${cost.price.total} ${cost.price.currency}`] as const]),
        ] as const)),
    ...(use === null || run.plan === null
      ? []
      : ([
          ['Looked up', counted(use.lookups, 'time')],
          [
            'Never looked up',
            `${percent(use.wasted.share)}${use.wasted.error > 0 ? `, within ${percent(use.wasted.error)}` : ''}${
              use.wasted.price === null || !run.cost?.price
                ? ''
                : `: ${use.wasted.price.toPrecision(3)} ${run.cost.price.currency}`
            }`,
          ],
        ] as const)),
  ]
  return (
    <section className="card padded" aria-label="Facts">
      <dl className="figures">
        {all.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

/** Partitions on one line of time each, from the beginning of the run to its end or now. */
function Timeline({ run, partitions }: { readonly run: Run; readonly partitions: readonly Partition[] }) {
  const done = partitions.filter(({ state }) => state === 'done')
  const rows = done.reduce((sum, { output }) => sum + (output?.rows ?? 0), 0)
  const all = partitions.reduce((sum, one) => sum + one.rows, 0)
  const until = isGoing(run) ? Date.now() : Math.max(run.updatedAt, ...partitions.map(({ endedAt }) => endedAt ?? 0))
  const span = Math.max(1, until - run.beganAt)
  const place = (at: number): number => Math.min(100, Math.max(0, ((at - run.beganAt) / span) * 100))
  const took = done.reduce((sum, { output }) => sum + (output?.cost.wallMs ?? 0), 0)
  return (
    <section className="card padded" aria-labelledby="timeline-title">
      <h3 id="timeline-title">
        Partitions{' '}
        <span className="aside calm">
          {`${done.length} of ${partitions.length} done, ${percent(all === 0 ? 1 : rows / all)} of the rows`}
          {took > 0 && `, ${count(Math.round((rows / took) * 1000))} rows a second each`}
        </span>
      </h3>
      <ol className="timeline">
        {partitions.slice(0, 200).map(({ index, state, beganAt, endedAt, attempts, error, rows: of }) => (
          <li key={index}>
            <span className="strip-name">{index}</span>
            <span className="strip">
              {beganAt !== null && (
                <i
                  className={`part ${state}`}
                  style={{ left: `${place(beganAt)}%`, right: `${100 - place(endedAt ?? until)}%` }}
                />
              )}
              <span className="unseen">
                {`partition ${index}: ${state}, ${count(of)} rows, ${counted(attempts, 'attempt')}`}
              </span>
            </span>
            {(attempts > 1 || error !== null) && (
              <span className="calm">{error?.message ?? counted(attempts, 'attempt')}</span>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}

const order = ['refused', 'not enough data', 'nothing to compare with', 'passed'] as const
const signs = { refused: '✗', 'not enough data': '?', 'nothing to compare with': '–', passed: '✓' } as const
const shownAtFirst = 40

function Gate({ verdict: { passed, checks, override, at } }: { readonly verdict: Verdict }) {
  const [whole, setWhole] = useState(false)
  const sorted = [...checks].sort((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome))
  return (
    <section className="card evidence" aria-label="What the gate found">
      <header>
        <span className={passed ? 'verdict met' : 'verdict unmet'}>{passed ? 'Passed' : 'Refused'}</span>
        <span className="calm">
          <Moment at={at} exact />, {counted(checks.length, 'check')}
        </span>
      </header>
      {override !== null && (
        <p className="notice warn override">
          Published all the same by {override.actor}: {override.reason}
        </p>
      )}
      <div className="evidence-body whole">
        <ul className="checks" aria-label="Checks">
          {sorted
            .slice(0, whole ? undefined : shownAtFirst)
            .map(({ kind, of, segment, against, measure, outcome, words }) => (
              <li
                key={[kind, of, segment, against, measure].join('\u0000')}
                className={outcome === 'refused' ? 'failed' : outcome.replaceAll(' ', '-')}
              >
                <span className="sign" aria-hidden="true">
                  {signs[outcome]}
                </span>
                <span className="name">
                  {measure ?? kind}
                  <span className="unseen">: {outcome}</span>
                </span>
                <span className="words">{words}</span>
              </li>
            ))}
        </ul>
        {!whole && sorted.length > shownAtFirst && (
          <button type="button" className="button plain" onClick={() => setWhole(true)}>
            Show all {count(sorted.length)}
          </button>
        )}
      </div>
    </section>
  )
}
