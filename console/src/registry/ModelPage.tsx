/** One model: where its versions stand, what each gate asks, all versions, and what was in production when. */
import { useState } from 'react'
import { useStanding } from '../access/access.tsx'
import type { Live } from '../data/poll.ts'
import type { Model } from '../data/registry.ts'
import { at, stages } from '../data/registry.ts'
import { useAsked } from '../data/useAsked.ts'
import { counted } from '../format.ts'
import { ActionButton } from '../parts/ActionButton.tsx'
import { Page } from '../parts/Page.tsx'
import { Refused, Waiting } from '../parts/Refused.tsx'
import { stageTitle } from '../parts/Stage.tsx'
import { When } from '../parts/When.tsx'
import { hashOf } from '../router.ts'
import { Notices } from '../serving/Notices.tsx'
import { AliasList } from './ModelsPage.tsx'
import { Productions } from './Productions.tsx'
import { RollbackDialog } from './RollbackDialog.tsx'
import { Versions } from './Versions.tsx'

export function ModelPage({ name, live }: { readonly name: string; readonly live: Live }) {
  const { value: model, refusal, again } = useAsked<Model>(at.model(name), 5_000)
  const { hinders } = useStanding()
  const [rollingBack, setRollingBack] = useState(false)
  const earlier = model === null ? 0 : new Set(model.productions.map(({ version }) => version)).size
  return (
    <Page
      above={[['Models', { page: 'models' }]]}
      title={name}
      beside={
        model !== null && (
          <>
            {!model.defined && <span className="badge">No gate: kept as MLflow keeps it</span>}
            {model.defined && model.production === null && (
              <span className="badge warn">None in production: the fallback answers</span>
            )}
          </>
        )
      }
      actions={
        model === null ? (
          refusal?.code === 'SX_STORE_UNAVAILABLE' && (
            <ActionButton kind="danger" hindered={hinders('approve', name)} onPress={() => setRollingBack(true)}>
              Roll back to the version before …
            </ActionButton>
          )
        ) : (
          <>
            {model.defined && (
              <a className="button plain" href={hashOf({ page: 'serving', model: name })}>
                Serving
              </a>
            )}
            <a className="button plain" href={hashOf({ page: 'audit', model: name })}>
              Audit trail
            </a>
            <ActionButton
              kind="danger"
              hindered={
                hinders('approve', name) ??
                (earlier < (model.production === null ? 1 : 2) ? 'No earlier version was in production.' : null)
              }
              onPress={() => setRollingBack(true)}
            >
              Roll back …
            </ActionButton>
          </>
        )
      }
    >
      <Notices model={name} live={live} />
      {refusal !== null && model !== null && <Refused refusal={refusal} stale />}
      {model === null ? (
        <Waiting refusal={refusal} what={`the model ${name}`} />
      ) : (
        <>
          {model.description !== null && <p className="lead">{model.description}</p>}
          {model.pending !== null && (
            <div className="notice warn">
              <p className="what">
                Version {model.pending.version} answers: rolled back by {model.pending.actor}{' '}
                <When at={model.pending.at} />, while the metadata store was away.
              </p>
              <p>It is written down there as soon as the store answers.</p>
            </div>
          )}
          <ModelRail model={model} />
          <Versions model={model} />
          <Productions model={model} />
        </>
      )}
      {rollingBack && <RollbackDialog name={name} model={model} onClose={() => setRollingBack(false)} onDone={again} />}
    </Page>
  )
}

function ModelRail({ model }: { readonly model: Model }) {
  return (
    <section aria-labelledby="rail-title" className="card rail-card">
      <header>
        <h3 id="rail-title">Lifecycle</h3>
        <p className="calm">{counted(model.versions, 'version')}</p>
        {Object.keys(model.aliases).length > 0 && <AliasList model={model.name} aliases={model.aliases} />}
      </header>
      <ol className="rail">
        {stages.map((stage) => {
          const here = model.list.filter((version) => version.stage === stage)
          const asks = model.gate.find((gate) => gate.stage === stage)?.asks ?? []
          return (
            <li key={stage} className={here.length === 0 ? `rail-stop ${stage} vacant` : `rail-stop ${stage}`}>
              <div className="rail-mark" aria-hidden="true" />
              <h4>{stageTitle(stage)}</h4>
              <p className="rail-versions">
                {here.length === 0 ? (
                  <span className="none">none</span>
                ) : (
                  <>
                    {here.slice(0, 4).map(({ version }) => (
                      <a key={version} href={hashOf({ page: 'version', model: model.name, version: String(version) })}>
                        {version}
                      </a>
                    ))}
                    {here.length > 4 && <span className="calm">and {here.length - 4} more</span>}
                  </>
                )}
              </p>
              {asks.length > 0 && (
                <ul className="asks" aria-label={`What ${stage} asks`}>
                  {asks.map((ask) => (
                    <li key={ask}>{ask}</li>
                  ))}
                </ul>
              )}
            </li>
          )
        })}
      </ol>
    </section>
  )
}
