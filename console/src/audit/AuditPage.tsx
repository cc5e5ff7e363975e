/** The audit trail: who changed what, when and why, newest first; and whether it is still the one that was written. */
import { useEffect, useState } from 'react'
import { useStanding } from '../access/access.tsx'
import type { Entry } from '../data/registry.ts'
import { at } from '../data/registry.ts'
import { ask, Refusal } from '../data/server.ts'
import { useAsked } from '../data/useAsked.ts'
import { count, counted } from '../format.ts'
import { Across } from '../parts/Across.tsx'
import { ActionButton } from '../parts/ActionButton.tsx'
import { Hash } from '../parts/Hash.tsx'
import { Page } from '../parts/Page.tsx'
import { Refused, Waiting } from '../parts/Refused.tsx'
import { When } from '../parts/When.tsx'
import { saying, via, who } from '../registry/words.ts'
import { go, hashOf } from '../router.ts'

interface Entries {
  readonly entries: readonly Entry[]
}
interface Verification {
  readonly ok: boolean
  readonly entries: number
  readonly head: string
  readonly problems: readonly string[]
}

const size = 100

export function AuditPage({ model }: { readonly model: string }) {
  const query = `${at.audit}?limit=${size}${model === '' ? '' : `&model=${encodeURIComponent(model)}`}`
  const { value: newest, refusal } = useAsked<Entries>(query, 10_000)
  const [older, setOlder] = useState<{
    readonly of: string
    readonly entries: readonly Entry[]
    readonly ended: boolean
  }>({ of: query, entries: [], ended: false })
  const [failure, setFailure] = useState<Refusal | null>(null)
  const [wanted, setWanted] = useState(model)
  const [kind, setKind] = useState('')
  useEffect(() => setWanted(model), [model])

  const below = older.of === query ? older : { of: query, entries: [], ended: false }
  const least = newest?.entries.at(-1)?.number ?? 0
  // New ones push those that were newest down: between the two lists nothing is shown twice.
  const all = [...(newest?.entries ?? []), ...below.entries.filter(({ number }) => number < least)]
  const kinds = [...new Set(all.map(({ action }) => action))].sort()
  const shown = all.filter(({ action }) => kind === '' || action === kind)
  const last = all.at(-1)?.number ?? 0
  const more = !below.ended && (newest?.entries.length ?? 0) === size && last > 1

  const askOlder = async (): Promise<void> => {
    setFailure(null)
    try {
      const { entries } = await ask<Entries>(`${query}&before=${last}`)
      setOlder({ of: query, entries: [...below.entries, ...entries], ended: entries.length < size })
    } catch (error) {
      setFailure(error instanceof Refusal ? error : new Refusal(0, 'UNKNOWN', String(error), ''))
    }
  }
  return (
    <Page title="Audit trail" beside={<Verified />}>
      <form
        className="tools filters"
        onSubmit={(event) => {
          event.preventDefault()
          go({ page: 'audit', model: wanted.trim() })
        }}
      >
        <label className="search">
          <span>Model</span>
          <input
            type="search"
            value={wanted}
            placeholder="All models"
            maxLength={255}
            onChange={({ target }) => setWanted(target.value)}
          />
        </label>
        <button type="submit" className="button plain">
          Show
        </button>
        <label className="choice">
          <span>What</span>
          <select value={kind} onChange={({ target }) => setKind(target.value)}>
            <option value="">Everything</option>
            {[...new Set([...kinds, ...(kind === '' ? [] : [kind])])].map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      </form>
      {refusal !== null && newest !== null && <Refused refusal={refusal} stale />}
      {failure !== null && <Refused refusal={failure} />}
      {newest === null ? (
        <Waiting refusal={refusal} what="the audit trail" />
      ) : shown.length === 0 ? (
        <p className="card blank">{model === '' ? 'Nothing was changed yet.' : `No entry is about ‘${model}’.`}</p>
      ) : (
        <div className="card audit">
          <ol>
            {shown.map((entry) => (
              <Row key={entry.number} entry={entry} />
            ))}
          </ol>
          {more && (
            <button type="button" className="more" onClick={() => void askOlder()}>
              Show older entries
            </button>
          )}
        </div>
      )}
    </Page>
  )
}

function Row({ entry }: { readonly entry: Entry }) {
  const [open, setOpen] = useState(false)
  const { number, at: when, actor, action, model, version, environment, reason, details, previous, hash, id } = entry
  const panel = `entry-${number}`
  return (
    <li>
      <button type="button" aria-expanded={open} aria-controls={panel} onClick={() => setOpen(!open)}>
        <span className="entry-number">{count(number)}</span>
        <When at={when} exact />
        <span className="about">{model === null ? '' : version === null ? model : `${model} ${version}`}</span>
        <span className="what">{saying(entry)}</span>
        <span className="by">{who(actor)}</span>
        <span className="reason">{reason ?? ''}</span>
      </button>
      {open && (
        <div id={panel} className="entry-details">
          <dl className="facts">
            <div>
              <dt>Action</dt>
              <dd>
                <code>{action}</code>
              </dd>
            </div>
            <div>
              <dt>By</dt>
              <dd>
                <code>{actor}</code> {via(actor)}
              </dd>
            </div>
            {environment !== null && (
              <div>
                <dt>Environment</dt>
                <dd>{environment}</dd>
              </div>
            )}
            {model !== null && (
              <div>
                <dt>About</dt>
                <dd>
                  <a href={hashOf({ page: 'model', model })}>{model}</a>
                  {version !== null && (
                    <>
                      , <a href={hashOf({ page: 'version', model, version: String(version) })}>version {version}</a>
                    </>
                  )}
                </dd>
              </div>
            )}
            {reason !== null && (
              <div>
                <dt>Reason</dt>
                <dd>{reason}</dd>
              </div>
            )}
            <div>
              <dt>Request</dt>
              <dd>
                <code>{id}</code>
              </dd>
            </div>
            <div>
              <dt>Hash</dt>
              <dd>
                <code>{hash}</code>
              </dd>
            </div>
            <div>
              <dt>After</dt>
              <dd>
                <code>{previous}</code>
              </dd>
            </div>
          </dl>
          <Across label={`Details of entry ${number}, to be scrolled`} className="entry-json">
            <pre>{JSON.stringify(details, null, 2)}</pre>
          </Across>
        </div>
      )}
    </li>
  )
}

/** Reading the whole trail takes its time: it is done when somebody wants to know. */
function Verified() {
  const { hinders } = useStanding()
  const [state, setState] = useState<'idle' | 'asking' | Verification | Refusal>('idle')
  const verify = async (): Promise<void> => {
    setState('asking')
    try {
      setState(await ask<Verification>(`${at.audit}/verify`, { patienceMs: 600_000 }))
    } catch (error) {
      setState(error instanceof Refusal ? error : new Refusal(0, 'UNKNOWN', String(error), ''))
    }
  }
  return (
    <span className="verified" role="status">
      {state === 'asking' ? (
        <span className="badge">Verifying the chain …</span>
      ) : state instanceof Refusal ? (
        <span className="badge warn" title={state.fix}>
          Not verified: {state.message}
        </span>
      ) : state === 'idle' ? (
        <ActionButton hindered={hinders('admin', null)} onPress={() => void verify()}>
          Verify the chain
        </ActionButton>
      ) : state.ok ? (
        <span className="badge good">
          ✓ Chain verified: {counted(state.entries, 'entry', 'entries')}, head <Hash of={state.head} />
        </span>
      ) : (
        <span className="badge bad" title={state.problems.join('\n')}>
          ✗ Chain broken: {state.problems[0]}
        </span>
      )}
    </span>
  )
}
