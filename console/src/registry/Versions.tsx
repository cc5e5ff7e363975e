/** All versions of a model, newest first: searched by what stands in a row, narrowed to a stage, and two of them compared. */
import { useState } from 'react'
import type { Model, Stage } from '../data/registry.ts'
import { stages } from '../data/registry.ts'
import { bytes, count, counted } from '../format.ts'
import { StageBadge, stageTitle } from '../parts/Stage.tsx'
import { When } from '../parts/When.tsx'
import { go, hashOf } from '../router.ts'
import { who } from './words.ts'

const atOnce = 25
type Row = Model['list'][number]

export function Versions({ model }: { readonly model: Model }) {
  const [text, setText] = useState('')
  const [stage, setStage] = useState<Stage | ''>('')
  const [most, setMost] = useState(atOnce)
  const [chosen, setChosen] = useState<readonly number[]>([])
  const wanted = text.trim().toLowerCase()
  const found = model.list.filter(
    (row) => (stage === '' || row.stage === stage) && (wanted === '' || textOf(row).includes(wanted)),
  )
  const shown = found.slice(0, most)
  const [a, b] = [...chosen].sort((x, y) => x - y)
  const choose = (version: number): void =>
    setChosen((before) =>
      before.includes(version) ? before.filter((one) => one !== version) : [...before, version].slice(-2),
    )
  return (
    <section aria-labelledby="versions-title">
      <div className="section-head">
        <h3 id="versions-title">Versions</h3>
        <p className="calm" role="status">
          {found.length === model.list.length
            ? counted(found.length, 'version')
            : `${count(found.length)} of ${counted(model.list.length, 'version')}`}
        </p>
        {model.list.length > 0 && (
          <div className="tools">
            <label className="search">
              <span className="unseen">Search in the versions</span>
              <input
                type="search"
                placeholder="Alias, author, run or words"
                value={text}
                onChange={({ target }) => setText(target.value)}
              />
            </label>
            <label className="choice">
              <span className="unseen">Stage</span>
              <select value={stage} onChange={({ target }) => setStage(target.value as Stage | '')}>
                <option value="">All stages</option>
                {stages.map((one) => (
                  <option key={one} value={one}>
                    {stageTitle(one)}
                  </option>
                ))}
              </select>
            </label>
            <button
              type="button"
              className="button plain"
              aria-disabled={b === undefined}
              title={b === undefined ? 'Choose two versions first.' : undefined}
              onClick={() => {
                if (a !== undefined && b !== undefined)
                  go({ page: 'compare', model: model.name, a: String(a), b: String(b) })
              }}
            >
              {b === undefined ? 'Compare two' : `Compare ${a} with ${b}`}
            </button>
          </div>
        )}
      </div>
      {model.list.length === 0 ? (
        <p className="card blank">
          No version yet. Add one with <code>{`sixfold model add ${model.name} FILE.onnx`}</code>, or log one through
          MLflow and register it under this name.
        </p>
      ) : found.length === 0 ? (
        <p className="card blank">No version is like that.</p>
      ) : (
        <div className="card table-card scroll-across">
          <table className="versions-table">
            <caption className="unseen">Versions of {model.name}, newest first</caption>
            <thead>
              <tr>
                <th scope="col">
                  <span className="unseen">Compare</span>
                </th>
                <th scope="col">Version</th>
                <th scope="col">Stage</th>
                <th scope="col">Aliases</th>
                <th scope="col">Registered</th>
                <th scope="col">By</th>
                <th scope="col">Kind</th>
                <th scope="col" className="number">
                  Size
                </th>
                <th scope="col">Missing</th>
                <th scope="col">Description</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <tr key={row.version}>
                  <td>
                    <input
                      type="checkbox"
                      aria-label={`Compare version ${row.version}`}
                      checked={chosen.includes(row.version)}
                      onChange={() => choose(row.version)}
                    />
                  </td>
                  <th scope="row">
                    <a href={hashOf({ page: 'version', model: model.name, version: String(row.version) })}>
                      {row.version}
                    </a>
                  </th>
                  <td>
                    <StageBadge stage={row.stage} />
                  </td>
                  <td>
                    {row.aliases.length === 0 ? (
                      <span className="none">–</span>
                    ) : (
                      <span className="aliases">
                        {row.aliases.map((alias) => (
                          <span key={alias} className="alias-chip">
                            {alias}
                          </span>
                        ))}
                      </span>
                    )}
                  </td>
                  <td>
                    <When at={row.at} />
                  </td>
                  <td>{who(row.actor)}</td>
                  <td>{row.flavor ?? 'file'}</td>
                  <td className="number">{bytes(row.bytes)}</td>
                  <td>
                    {row.missing.length === 0 ? (
                      <span className="none">–</span>
                    ) : (
                      <span title={row.missing.join('\n')}>{counted(row.missing.length, 'fact')}</span>
                    )}
                  </td>
                  <td className="words">
                    <span title={row.description ?? undefined}>{row.description ?? ''}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {found.length > shown.length && (
            <button type="button" className="more" onClick={() => setMost(most + 200)}>
              Show {count(Math.min(200, found.length - shown.length))} more of {count(found.length)}
            </button>
          )}
        </div>
      )}
    </section>
  )
}

const textOf = ({ version, stage, aliases, actor, flavor, run, source, description, manifest }: Row): string =>
  [version, stage, ...aliases, actor, flavor, run, source, description, manifest].join(' ').toLowerCase()
