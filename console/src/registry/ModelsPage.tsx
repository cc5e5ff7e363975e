/** All models: how far each has come, and what should be looked at. */
import { useDeferredValue, useState } from 'react'
import type { Models, Summary } from '../data/registry.ts'
import { at } from '../data/registry.ts'
import { useAsked } from '../data/useAsked.ts'
import { count, counted } from '../format.ts'
import { Page } from '../parts/Page.tsx'
import { Refused, Waiting } from '../parts/Refused.tsx'
import { When } from '../parts/When.tsx'
import { hashOf } from '../router.ts'

export function ModelsPage() {
  const [search, setSearch] = useState('')
  const wanted = useDeferredValue(search.trim())
  const { value: all, refusal } = useAsked<Models>(at.models(''), 5_000)
  // Of models that are all here the page searches itself; only of more the server has to.
  const { value: found } = useAsked<Models>(all?.more === true && wanted !== '' ? at.models(wanted) : null, 5_000)
  const shown = found ?? (all === null ? null : { ...all, models: all.models.filter(named(wanted)) })
  return (
    <Page
      title="Models"
      beside={shown !== null && <span className="badge">{`Environment ${shown.environment}`}</span>}
      actions={
        <label className="search">
          <span className="unseen">Search by name</span>
          <input
            type="search"
            placeholder="Search by name"
            value={search}
            maxLength={200}
            onChange={({ target }) => setSearch(target.value)}
          />
        </label>
      }
    >
      {refusal !== null && shown !== null && <Refused refusal={refusal} stale />}
      {shown === null ? (
        <Waiting refusal={refusal} what="the models" />
      ) : shown.models.length === 0 ? (
        <p className="card blank">
          {wanted === ''
            ? 'No model is defined or registered yet. Define one with model(…), or register one through MLflow.'
            : `No name holds ‘${wanted}’.`}
        </p>
      ) : (
        <div className="card table-card scroll-across">
          <table className="models-table">
            <caption className="unseen">Models, how far each has come, and what should be looked at</caption>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col" className="number">
                  Versions
                </th>
                <th scope="col">Newest</th>
                <th scope="col">Staging</th>
                <th scope="col">Production</th>
                <th scope="col">Aliases</th>
                <th scope="col">Changed</th>
                <th scope="col">To look at</th>
              </tr>
            </thead>
            <tbody>
              {shown.models.map((model) => (
                <Row key={model.name} model={model} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {shown?.more === true && (
        <p className="calm">The first {count(shown.models.length)} by name are shown. Search for others.</p>
      )}
    </Page>
  )
}

const named =
  (wanted: string) =>
  ({ name }: Summary): boolean =>
    name.toLowerCase().includes(wanted.toLowerCase())

function Row({ model }: { readonly model: Summary }) {
  const { name, description, versions, newest, staging, production, aliases, updatedAt } = model
  const notes = notesOf(model)
  return (
    <tr>
      <th scope="row" className="model-name">
        <a href={hashOf({ page: 'model', model: name })}>{name}</a>
        {description !== null && <span className="line">{description}</span>}
      </th>
      <td className="number">{count(versions)}</td>
      <td>
        <Stop model={name} versions={newest === null ? [] : [newest]} kind="registered" />
      </td>
      <td>
        <Stop model={name} versions={staging} kind="staging" />
      </td>
      <td>
        <Stop model={name} versions={production === null ? [] : [production]} kind="production" />
      </td>
      <td>
        <AliasList model={name} aliases={aliases} />
      </td>
      <td>
        <When at={updatedAt} />
      </td>
      <td>
        {notes.length === 0 ? (
          <span className="none">–</span>
        ) : (
          notes.map(([text, kind]) => (
            <span key={text} className={`badge ${kind}`}>
              {text}
            </span>
          ))
        )}
      </td>
    </tr>
  )
}

interface StopProps {
  readonly model: string
  readonly versions: readonly number[]
  readonly kind: string
}

/** One place of the rail, with the versions that are there. */
const Stop = ({ model, versions, kind }: StopProps) => (
  <span className={versions.length === 0 ? `stop ${kind} vacant` : `stop ${kind}`}>
    {versions.length === 0 ? (
      <span className="none">–</span>
    ) : (
      <>
        {versions.slice(0, 3).map((version) => (
          <a key={version} href={hashOf({ page: 'version', model, version: String(version) })}>
            {version}
          </a>
        ))}
        {versions.length > 3 && <span className="calm">+{versions.length - 3}</span>}
      </>
    )}
  </span>
)

interface AliasListProps {
  readonly model: string
  readonly aliases: Summary['aliases']
}

export function AliasList({ model, aliases }: AliasListProps) {
  const all = Object.entries(aliases)
  if (all.length === 0) return <span className="none">–</span>
  return (
    <span className="aliases">
      {all.slice(0, 4).map(([alias, version]) => (
        <a key={alias} className="alias-chip" href={hashOf({ page: 'version', model, version: String(version) })}>
          <span>{alias}</span> {version}
        </a>
      ))}
      {all.length > 4 && <span className="calm">+{all.length - 4}</span>}
    </span>
  )
}

function notesOf({ defined, versions, newest, production, staging }: Summary): readonly (readonly [string, string])[] {
  if (!defined) return [['No gate: no platform defines it', '']]
  if (versions === 0) return [['No version: the fallback answers', 'warn']]
  if (production === null) return [['None in production: the fallback answers', 'warn']]
  const waiting = newest! - production
  return [
    ...(staging.length > 0 ? [[`${counted(staging.length, 'version')} in staging`, 'accent'] as const] : []),
    ...(waiting > 0 ? [[`${count(waiting)} newer`, ''] as const] : []),
  ]
}
