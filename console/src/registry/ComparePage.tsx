/** Two versions over the seven facts: what differs, and what does not. */
import { useState } from 'react'
import type { FactDiff, Model, VersionDiff } from '../data/registry.ts'
import { at, factTitles } from '../data/registry.ts'
import { useAsked } from '../data/useAsked.ts'
import { count, counted, instant } from '../format.ts'
import { Page } from '../parts/Page.tsx'
import { Refused, Waiting } from '../parts/Refused.tsx'
import { stageTitle } from '../parts/Stage.tsx'
import { go, hashOf } from '../router.ts'

interface Props {
  readonly model: string
  readonly a: string
  readonly b: string
}

export function ComparePage({ model, a, b }: Props) {
  const { value: diff, refusal } = useAsked<VersionDiff>(at.diff(model, a, b))
  const { value: whole } = useAsked<Model>(at.model(model))
  const differing = diff?.facts.filter(({ equal }) => !equal).length ?? 0
  const choice = (label: string, value: string, choose: (version: string) => void) => (
    <label className="choice of-version">
      <span>{label}</span>
      <select value={value} onChange={({ target }) => choose(target.value)}>
        {whole?.list.every(({ version }) => String(version) !== value) !== false && (
          <option value={value}>{value}</option>
        )}
        {whole?.list.map(({ version, stage, aliases }) => (
          <option key={version} value={version}>
            {[`${version}, ${stageTitle(stage).toLowerCase()}`, ...aliases].join(', ')}
          </option>
        ))}
      </select>
    </label>
  )
  return (
    <Page
      above={[
        ['Models', { page: 'models' }],
        [model, { page: 'model', model }],
      ]}
      title={`Version ${diff?.a ?? a} and version ${diff?.b ?? b}`}
      actions={
        <>
          {choice('From', String(diff?.a ?? a), (version) => go({ page: 'compare', model, a: version, b }))}
          {choice('To', String(diff?.b ?? b), (version) => go({ page: 'compare', model, a, b: version }))}
          <button type="button" className="button plain" onClick={() => go({ page: 'compare', model, a: b, b: a })}>
            Swap
          </button>
        </>
      }
    >
      {refusal !== null && diff !== null && <Refused refusal={refusal} stale />}
      {diff === null ? (
        <Waiting refusal={refusal} what="the comparison" />
      ) : (
        <>
          <p className="lead" role="status">
            {differing === 0
              ? 'They are equal in all seven facts.'
              : `They differ in ${count(differing)} of seven facts.`}
          </p>
          <div className="diffs">
            {diff.facts.map((fact) => (
              <Fact key={fact.fact} of={fact} model={model} a={diff.a} b={diff.b} />
            ))}
          </div>
        </>
      )}
    </Page>
  )
}

interface FactProps {
  readonly of: FactDiff
  readonly model: string
  readonly a: number
  readonly b: number
}

const atOnce = 30

function Fact({ of: { fact, equal, changes }, model, a, b }: FactProps) {
  const [most, setMost] = useState(atOnce)
  const id = `diff-${fact}`
  const link = (version: number) => (
    <a href={hashOf({ page: 'version', model, version: String(version) })}>{`Version ${version}`}</a>
  )
  return (
    <section className="card diff" aria-labelledby={id}>
      <header>
        <h3 id={id}>{factTitles[fact]}</h3>
        <span className={equal ? 'verdict met' : 'verdict part'}>
          {equal ? 'equal' : counted(changes.length, 'difference')}
        </span>
      </header>
      {!equal && (
        <div className="scroll-across">
          <table>
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">{link(a)}</th>
                <th scope="col">{link(b)}</th>
              </tr>
            </thead>
            <tbody>
              {changes.slice(0, most).map(({ path, a: before, b: after, words }) => (
                <tr key={path}>
                  <th scope="row">
                    <code>{path === '' ? fact : path}</code>
                    <span className="line">{words}</span>
                  </th>
                  <td className="before">
                    <Value of={before} name={path} />
                  </td>
                  <td className="after">
                    <Value of={after} name={path} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {changes.length > most && (
            <button type="button" className="more" onClick={() => setMost(most + 300)}>
              Show {count(Math.min(300, changes.length - most))} more of {count(changes.length)}
            </button>
          )}
        </div>
      )}
    </section>
  )
}

interface ValueProps {
  readonly of: unknown
  readonly name: string
}

function Value({ of, name }: ValueProps) {
  if (of === null || of === undefined) return <span className="none">not recorded</span>
  if (typeof of === 'object' && !Array.isArray(of))
    return (
      <dl className="value-lines">
        {Object.entries(of)
          .filter(([, member]) => member !== null)
          .map(([member, value]) => (
            <div key={member}>
              <dt>{member}</dt>
              <dd>
                <code>{textOf(value, member)}</code>
              </dd>
            </div>
          ))}
      </dl>
    )
  const text = textOf(of, name)
  const hash = /^[0-9a-f]{40,}$/.test(text)
  return <code title={hash ? text : undefined}>{hash ? text.slice(0, 16) : text}</code>
}

function textOf(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  // The ends of the time span of training data: milliseconds, where everything else is a number as it is.
  if (typeof value === 'number')
    return /^(data\.)?(from|to)$/.test(name) && value > 1e9 ? instant(value) : String(Number(value.toPrecision(10)))
  return JSON.stringify(value)
}
