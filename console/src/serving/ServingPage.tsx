/** How a model is served by this server, now: its time against its budget, what waits, what was degraded, and the last predictions. */
import type { Live } from '../data/poll.ts'
import type { ModelStatus } from '../data/wire.ts'
import { counted } from '../format.ts'
import { Page } from '../parts/Page.tsx'
import { hashOf } from '../router.ts'
import { QueueDepth } from './QueueDepth.tsx'
import { Recent } from './Recent.tsx'
import { Scheduling } from './Scheduling.tsx'
import type { Times } from './stages.ts'
import { Troubled } from './Troubled.tsx'
import { Waterfall } from './Waterfall.tsx'

interface Props {
  readonly name: string
  readonly live: Live
}

export function ServingPage({ name, live: { seen, trouble } }: Props) {
  const status = seen?.status.models.find(({ model }) => model === name)
  return (
    <Page
      above={[
        ['Models', { page: 'models' }],
        [name, { page: 'model', model: name }],
      ]}
      title="Serving"
      beside={
        status !== undefined && (
          <span className={status.version === null ? 'badge warn' : 'badge'}>
            {status.version === null ? 'No version: the fallback answers' : `Version ${status.version} answers`}
          </span>
        )
      }
    >
      {seen === null ? (
        <p className="page-state" role="status">
          {trouble === null ? 'Asking the server …' : `The server ${trouble.reason}. Asked again every second.`}
        </p>
      ) : status === undefined ? (
        <div className="notice warn">
          <p className="what">This server does not serve '{name}'.</p>
          <p>It is not defined in the platform that runs here, or your key may not read it.</p>
        </div>
      ) : (
        <Served status={status} at={seen.at} />
      )}
    </Page>
  )
}

function Served({ status, at }: { readonly status: ModelStatus; readonly at: number }) {
  const { model, version, measures, scheduling, budget } = status
  const line = (of: 'p50' | 'p99'): Times =>
    Object.fromEntries(Object.entries(measures.stages).map(([stage, times]) => [stage, times[of]]))
  return (
    <>
      {version === null && (
        <div className="notice warn">
          <p className="what">No version is in production: the fallback answers.</p>
          <p>
            Add one with <code>sixfold model add {model} FILE.onnx --to production</code>, or promote one on the{' '}
            <a href={hashOf({ page: 'model', model })}>page of the model</a>.
          </p>
        </div>
      )}
      <section aria-labelledby="budget-title" className="card padded">
        <h3 id="budget-title">
          Time against the budget{' '}
          <span className="aside">{counted(measures.predictions, 'prediction')} since the start of this server</span>
        </h3>
        <Waterfall
          label={`Stages of ${model} against the budget`}
          budget={budget}
          lines={[
            { name: 'Median', times: line('p50') },
            { name: 'p99', times: line('p99') },
          ]}
        />
      </section>
      <QueueDepth status={status} at={at} />
      <section aria-labelledby="loaded-title">
        <div className="section-head">
          <h3 id="loaded-title">Versions that are loaded</h3>
        </div>
        {scheduling.length === 0 && <p className="card blank">None is loaded.</p>}
        {scheduling.map((one) => (
          <Scheduling key={one.version} model={model} answers={one.version === version} {...one} />
        ))}
      </section>
      <section aria-labelledby="troubled-title">
        <div className="section-head">
          <h3 id="troubled-title">Degraded and turned away</h3>
          <p className="calm">since the start</p>
        </div>
        <Troubled status={status} />
      </section>
      <Recent status={status} />
    </>
  )
}
