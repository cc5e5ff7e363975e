/** The seven facts of a version. What nobody recorded is named, in its place. */
import type { ReactNode } from 'react'
import type { FactName, Facts, Version } from '../data/registry.ts'
import { factNames, factTitles } from '../data/registry.ts'
import { bytes, count, counted, measured } from '../format.ts'
import { Across } from '../parts/Across.tsx'
import { Hash } from '../parts/Hash.tsx'
import { When } from '../parts/When.tsx'

export function FactsSection({ version: { facts, missing } }: { readonly version: Version }) {
  const whole = factNames.filter((name) => missingOf(name, missing).length === 0).length
  return (
    <section aria-labelledby="facts-title">
      <div className="section-head">
        <h3 id="facts-title">Seven facts</h3>
        <p className="calm">{whole === 7 ? 'all recorded' : `${whole} of 7 recorded whole`}</p>
      </div>
      <div className="fact-cards">
        {factNames.map((name) => (
          <Fact key={name} name={name} missing={missingOf(name, missing)}>
            {bodyOf(name, facts)}
          </Fact>
        ))}
      </div>
    </section>
  )
}

/** 'data', or 'data: hash'. */
const missingOf = (name: FactName, missing: readonly string[]): readonly string[] =>
  missing
    .filter((one) => one === name || one.startsWith(`${name}: `))
    .map((one) => (one === name ? 'not recorded' : one.slice(name.length + 2)))

interface FactProps {
  readonly name: FactName
  readonly missing: readonly string[]
  readonly children: ReactNode
}

function Fact({ name, missing, children }: FactProps) {
  const id = `fact-${name}`
  return (
    <article className={`card fact ${name}`} aria-labelledby={id}>
      <header>
        <h4 id={id}>{factTitles[name]}</h4>
        {missing.length === 0 ? (
          <span className="verdict met">recorded</span>
        ) : missing[0] === 'not recorded' ? (
          <span className="verdict unmet">not recorded</span>
        ) : (
          <span className="verdict part">in part</span>
        )}
      </header>
      {missing[0] === 'not recorded' ? <p className="quiet-text">Nobody recorded it.</p> : children}
      {missing.length > 0 && missing[0] !== 'not recorded' && (
        <p className="missing">
          <strong>Missing:</strong> {missing.join(', ')}
        </p>
      )}
    </article>
  )
}

type Line = readonly [name: string, value: ReactNode | null]

/** What there is no value for is left out: that it is missing is said below. */
const Lines = ({ of }: { readonly of: readonly Line[] }) => (
  <dl className="facts">
    {of
      .filter(([, value]) => value !== null)
      .map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
)

function bodyOf(name: FactName, facts: Facts): ReactNode {
  switch (name) {
    case 'artifact':
      return facts.artifact !== null && <Artifact of={facts.artifact} />
    case 'schema':
      return facts.schema !== null && <Schema of={facts.schema} />
    case 'preprocessing':
      return facts.preprocessing !== null && <Preprocessing of={facts.preprocessing} />
    case 'data':
      return facts.data !== null && <Data of={facts.data} />
    case 'configuration':
      return facts.configuration !== null && <Configuration of={facts.configuration} />
    case 'evaluation':
      return facts.evaluation.length > 0 && <Evaluation of={facts.evaluation} />
    case 'dependencies':
      return facts.dependencies !== null && <Dependencies of={facts.dependencies} />
  }
}

const Artifact = ({ of: { format, sha256, bytes: size } }: { readonly of: NonNullable<Facts['artifact']> }) => (
  <Lines
    of={[
      ['Format', format],
      ['Size', bytes(size)],
      ['SHA-256', <code key="sha">{sha256}</code>],
    ]}
  />
)

function Schema({ of: { entries, outputs } }: { readonly of: NonNullable<Facts['schema']> }) {
  return (
    <>
      <Lines
        of={[
          ['Inputs', counted(entries.length, 'entry', 'entries')],
          ['Outputs', outputs.map(({ name, type }) => `${name}: ${type}`).join(', ')],
        ]}
      />
      <details>
        <summary>All {counted(entries.length, 'entry', 'entries')}</summary>
        <Across label="Entries, to be scrolled" className="scroll across">
          <table>
            <thead>
              <tr>
                <th scope="col">Entry</th>
                <th scope="col">Type</th>
                <th scope="col">Range</th>
                <th scope="col">Reads</th>
              </tr>
            </thead>
            <tbody>
              {entries.map(({ name, type, nullable, range, reads }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>
                    {type}
                    {nullable && '?'}
                  </td>
                  <td>{range === null ? '' : `${measured(range[0])} … ${measured(range[1])}`}</td>
                  <td>
                    <code>{reads.join(', ')}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Across>
      </details>
    </>
  )
}

function Preprocessing({ of: { hash, source } }: { readonly of: NonNullable<Facts['preprocessing']> }) {
  const all = Object.entries(source)
  return (
    <>
      <Lines
        of={[
          ['Definition', <Hash key="hash" of={hash} digits={16} />],
          ['Expressions', count(all.length)],
        ]}
      />
      <details>
        <summary>Each, as its author would write it</summary>
        <Across label="Expressions, to be scrolled" className="scroll">
          <dl className="sources">
            {all.map(([name, text]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <code>{text}</code>
                </dd>
              </div>
            ))}
          </dl>
        </Across>
      </details>
    </>
  )
}

const Data = ({ of: data }: { readonly of: NonNullable<Facts['data']> }) => (
  <>
    <Lines
      of={[
        ['Where', <code key="where">{data.pointer}</code>],
        ['Hash', data.hash === null ? null : <Hash key="hash" of={data.hash} digits={16} />],
        ['Rows', data.rows === null ? null : count(data.rows)],
        [
          'Span',
          data.from === null || data.to === null ? null : (
            <span key="span">
              <When at={data.from} exact /> – <When at={data.to} exact />
            </span>
          ),
        ],
      ]}
    />
    {data.query !== null && (
      <details>
        <summary>The query</summary>
        <Across label="Query, to be scrolled" className="scroll">
          <pre>{data.query}</pre>
        </Across>
      </details>
    )}
  </>
)

function Configuration({ of }: { readonly of: NonNullable<Facts['configuration']> }) {
  const { parameters, seeds, hardware, command, commit, dirty } = of
  const all = Object.entries(parameters)
  return (
    <>
      <Lines
        of={[
          ['Command', command === null ? null : <code key="command">{command.join(' ')}</code>],
          [
            'Commit',
            commit === null ? null : (
              <span key="commit">
                <Hash of={commit} /> {dirty === true && <span className="badge warn">with changes</span>}
              </span>
            ),
          ],
          ['Hardware', hardware],
          [
            'Seeds',
            Object.keys(seeds).length === 0
              ? null
              : Object.entries(seeds)
                  .map(([name, seed]) => `${name} ${seed}`)
                  .join(', '),
          ],
        ]}
      />
      {all.length > 0 && (
        <details>
          <summary>{counted(all.length, 'hyper-parameter')}</summary>
          <Across label="Hyper-parameters, to be scrolled" className="scroll">
            <dl className="sources">
              {all.map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          </Across>
        </details>
      )}
    </>
  )
}

const Evaluation = ({ of }: { readonly of: Facts['evaluation'] }) => (
  <Across label="Metrics, to be scrolled" className="scroll across">
    <table>
      <thead>
        <tr>
          <th scope="col">Metric</th>
          <th scope="col" className="number">
            Value
          </th>
          <th scope="col" className="number">
            Interval
          </th>
        </tr>
      </thead>
      <tbody>
        {of.map(({ metric, slice, value, low, high }) => (
          <tr key={`${metric} ${slice}`}>
            <th scope="row">
              {metric}
              {slice !== null && <span className="calm"> of {slice}</span>}
            </th>
            <td className="number">{measured(value)}</td>
            <td className="number">{low === null || high === null ? '–' : `${measured(low)} … ${measured(high)}`}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </Across>
)

function Dependencies({ of }: { readonly of: NonNullable<Facts['dependencies']> }) {
  const { opset, ir, domains, runtime, packages, language } = of
  const others = Object.entries(domains).map(([domain, version]) => `${domain} ${version}`)
  return (
    <>
      <Lines
        of={[
          ['Opset', opset === null ? null : [`${opset}`, ...others].join(', ')],
          ['IR', ir === null ? null : String(ir)],
          ['Runtime', runtime],
          ['Language', language],
        ]}
      />
      {packages.length > 0 && (
        <details>
          <summary>{counted(packages.length, 'package')}</summary>
          <Across label="Packages, to be scrolled" className="scroll">
            <ul className="packages">
              {packages.map((one) => (
                <li key={one}>
                  <code>{one}</code>
                </li>
              ))}
            </ul>
          </Across>
        </details>
      )}
    </>
  )
}
