/** One version: how far it has come and what stands before its next step, its seven facts, its evidence, files and history. */
import { useState } from 'react'
import { useStanding } from '../access/access.tsx'
import type { Model, Stage, Version } from '../data/registry.ts'
import { at } from '../data/registry.ts'
import { ask, Refusal } from '../data/server.ts'
import { useAsked } from '../data/useAsked.ts'
import { bytes, counted } from '../format.ts'
import { Across } from '../parts/Across.tsx'
import { ActionButton } from '../parts/ActionButton.tsx'
import { Hash } from '../parts/Hash.tsx'
import { Page } from '../parts/Page.tsx'
import { Refused, Waiting } from '../parts/Refused.tsx'
import { StageBadge } from '../parts/Stage.tsx'
import { When } from '../parts/When.tsx'
import { hashOf } from '../router.ts'
import { ApproveDialog } from './ApproveDialog.tsx'
import { EvidenceSection } from './EvidenceSection.tsx'
import { FactsSection } from './FactsSection.tsx'
import { History } from './History.tsx'
import { MoveDialog } from './MoveDialog.tsx'
import { RollbackDialog, targetsOf } from './RollbackDialog.tsx'
import { VersionRail } from './VersionRail.tsx'
import { verbOf, who } from './words.ts'

type Open = { readonly move: Stage } | { readonly approve: Stage } | 'rollback' | null

interface Props {
  readonly model: string
  readonly which: string
}

export function VersionPage({ model, which }: Props) {
  const { value, refusal, again } = useAsked<Version>(at.version(model, which), 5_000)
  const { value: whole, refusal: wholeRefusal, again: modelAgain } = useAsked<Model>(at.model(model), 15_000)
  // Shown together, so that nothing is pushed aside by what comes later.
  const version = whole === null && wholeRefusal === null ? null : value
  const { hinders } = useStanding()
  const [open, setOpen] = useState<Open>(null)
  const [validating, setValidating] = useState(false)
  const [failure, setFailure] = useState<Refusal | null>(null)
  const refresh = (): void => {
    again()
    modelAgain()
  }
  const validate = async (): Promise<void> => {
    setValidating(true)
    setFailure(null)
    try {
      await ask(`${at.version(model, version!.version)}/validate`, { method: 'POST', body: {}, patienceMs: 600_000 })
    } catch (error) {
      setFailure(error instanceof Refusal ? error : new Refusal(0, 'UNKNOWN', String(error), ''))
    }
    setValidating(false)
    refresh()
  }
  const canGoBack =
    version !== null && whole !== null && targetsOf(whole).some((period) => period.version === version.version)
  const forward = version?.ways.find(({ to }) => to === 'staging' || to === 'production')
  return (
    <Page
      above={[
        ['Models', { page: 'models' }],
        [model, { page: 'model', model }],
      ]}
      title={`Version ${version?.version ?? which}`}
      beside={
        version !== null && (
          <>
            <StageBadge stage={version.stage} />
            {version.aliases.map((alias) => (
              <span key={alias} className="alias-chip">
                {alias}
              </span>
            ))}
          </>
        )
      }
      actions={
        version !== null && (
          <>
            {whole !== null && whole.production !== null && whole.production !== version.version && (
              <a
                className="button plain"
                href={hashOf({ page: 'compare', model, a: String(whole.production), b: String(version.version) })}
              >
                Compare with production
              </a>
            )}
            <a
              className="button plain"
              href={hashOf({ page: 'lineage', of: 'version', value: `${model}/${version.version}` })}
            >
              Lineage
            </a>
            <a className="button plain" href={hashOf({ page: 'card', model, version: String(version.version) })}>
              Model card
            </a>
            <ActionButton
              hindered={
                hinders('write', model) ??
                (version.definition === null
                  ? 'No platform defines this model: there is nothing to hold it against.'
                  : null) ??
                (validating ? 'A validation is under way.' : null)
              }
              onPress={() => void validate()}
            >
              {validating ? 'Validating …' : version.evidence.length === 0 ? 'Validate' : 'Validate again'}
            </ActionButton>
            {canGoBack && (
              <ActionButton kind="danger" hindered={hinders('approve', model)} onPress={() => setOpen('rollback')}>
                Roll back to this …
              </ActionButton>
            )}
            {forward !== undefined && (
              <ActionButton
                kind="primary"
                hindered={hinders('approve', model)}
                onPress={() => setOpen({ move: forward.to })}
              >
                {`${verbOf(version.stage, forward.to)} …`}
              </ActionButton>
            )}
          </>
        )
      }
    >
      {failure !== null && <Refused refusal={failure} />}
      {refusal !== null && version !== null && <Refused refusal={refusal} stale />}
      {version === null ? (
        <Waiting refusal={refusal} what={`version ${which} of ${model}`} />
      ) : (
        <>
          {version.description !== null && <p className="lead">{version.description}</p>}
          <Origin version={version} />
          <VersionRail
            version={version}
            onMove={(to) => setOpen({ move: to })}
            onApprove={(to) => setOpen({ approve: to })}
          />
          <FactsSection version={version} />
          <EvidenceSection version={version} />
          <Files version={version} />
          <History entries={version.history} />
        </>
      )}
      {version !== null && open !== null && open !== 'rollback' && 'move' in open && (
        <MoveDialog
          model={model}
          version={version.version}
          from={version.stage}
          to={open.move}
          gated={version.definition !== null}
          onClose={() => setOpen(null)}
          onDone={refresh}
        />
      )}
      {version !== null && open !== null && open !== 'rollback' && 'approve' in open && (
        <ApproveDialog
          model={model}
          version={version.version}
          to={open.approve}
          onClose={() => setOpen(null)}
          onDone={refresh}
        />
      )}
      {version !== null && whole !== null && open === 'rollback' && (
        <RollbackDialog
          name={model}
          model={whole}
          to={version.version}
          onClose={() => setOpen(null)}
          onDone={refresh}
        />
      )}
    </Page>
  )
}

function Origin({ version }: { readonly version: Version }) {
  const { at: registered, source, run, runLink, manifest, flavor, history } = version
  const author = history.find(({ action }) => action === 'version.registered')?.actor
  return (
    <dl className="origin">
      <div>
        <dt>Registered</dt>
        <dd>
          <When at={registered} exact />
          {author !== undefined && ` by ${who(author)}`}
        </dd>
      </div>
      <div>
        <dt>Manifest</dt>
        <dd>
          <Hash of={manifest} />
        </dd>
      </div>
      <div>
        <dt>Kind</dt>
        <dd>{flavor ?? 'file'}</dd>
      </div>
      <div>
        <dt>Run</dt>
        <dd>
          {run === null ? (
            <span className="none">–</span>
          ) : (
            <a href={hashOf({ page: 'lineage', of: 'run', value: run })} title={run}>
              <code>{run.slice(0, 12)}</code>
            </a>
          )}
          {runLink !== null && /^https?:/.test(runLink) && (
            <>
              {' '}
              <a href={runLink} rel="noreferrer">
                its page
              </a>
            </>
          )}
        </dd>
      </div>
      <div className="wide">
        <dt>From</dt>
        <dd>
          <code>{source}</code>
        </dd>
      </div>
    </dl>
  )
}

function Files({ version: { files, entry } }: { readonly version: Version }) {
  return (
    <section aria-labelledby="files-title">
      <div className="section-head">
        <h3 id="files-title">Files</h3>
        <p className="calm">
          {counted(files.length, 'file')}, {bytes(files.reduce((sum, file) => sum + file.bytes, 0))}
        </p>
      </div>
      {files.length === 0 ? (
        <p className="card blank">It has no file.</p>
      ) : (
        <Across label="Files, to be scrolled" className="card table-card scroll-across">
          <table>
            <caption className="unseen">Files of this version, with their SHA-256</caption>
            <thead>
              <tr>
                <th scope="col">Path</th>
                <th scope="col" className="number">
                  Size
                </th>
                <th scope="col">SHA-256</th>
              </tr>
            </thead>
            <tbody>
              {files.map((file) => (
                <tr key={file.path}>
                  <th scope="row">
                    <code>{file.path}</code>
                    {file.path === entry && <span className="badge entry">the model</span>}
                  </th>
                  <td className="number">{bytes(file.bytes)}</td>
                  <td>
                    <code className="digest">{file.sha256}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Across>
      )}
    </section>
  )
}
