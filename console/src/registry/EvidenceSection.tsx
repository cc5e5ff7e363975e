/** What validations found: each check in a sentence, and what was measured as plots, with the figures beside them. */
import { useState } from 'react'
import type { Check, Evidence, Version } from '../data/registry.ts'
import { counted, milliseconds } from '../format.ts'
import { Hash } from '../parts/Hash.tsx'
import { When } from '../parts/When.tsx'
import { checksOf, comparisonsOf, latencyOf, reliabilityOf } from './figures-of.ts'
import { Intervals, Latency, Reliability } from './plots.tsx'
import { who } from './words.ts'

export function EvidenceSection({ version: { evidence, version } }: { readonly version: Version }) {
  const [chosen, setChosen] = useState<string | null>(null)
  const shown = evidence.find(({ id }) => id === chosen) ?? evidence[0]
  return (
    <section aria-labelledby="evidence-title">
      <div className="section-head">
        <h3 id="evidence-title">Evidence</h3>
        <p className="calm">{evidence.length === 0 ? 'never validated' : counted(evidence.length, 'validation')}</p>
        {evidence.length > 1 && (
          <div className="tools">
            <label className="choice">
              <span className="unseen">Which validation</span>
              <select value={shown!.id} onChange={({ target }) => setChosen(target.value)}>
                {evidence.map(({ id, at, passed }, i) => (
                  <option key={id} value={id}>
                    {`${at.slice(0, 16).replace('T', ' ')} ${passed ? 'passed' : 'failed'}${i === 0 ? ', newest' : ''}`}
                  </option>
                ))}
              </select>
            </label>
          </div>
        )}
      </div>
      {shown === undefined ? (
        <p className="card blank">
          Nothing was checked yet. Validate version {version} here, or with <code>sixfold model validate</code>.
        </p>
      ) : (
        <One evidence={shown} />
      )}
    </section>
  )
}

const order: readonly Check['outcome'][] = ['failed', 'not possible', 'passed', 'not asked']
const signs = { passed: '✓', failed: '✗', 'not asked': '–', 'not possible': '!' } as const

function One({ evidence }: { readonly evidence: Evidence }) {
  const { passed, actor, at, id } = evidence
  const checks = checksOf(evidence)
  const sorted = [...checks].sort((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome))
  const [comparisons, reliability, latency] = [comparisonsOf(checks), reliabilityOf(checks), latencyOf(checks)]
  return (
    <div className="card evidence">
      <header>
        <span className={passed ? 'verdict met' : 'verdict unmet'}>{passed ? 'Passed' : 'Failed'}</span>
        <span className="calm">
          <When at={at} exact /> by {who(actor)}, evidence <Hash of={id} />
        </span>
      </header>
      <div className="evidence-body">
        <ul className="checks" aria-label="Checks">
          {sorted.map(({ name, outcome, words, milliseconds: took }) => (
            <li key={name} className={outcome.replace(' ', '-')}>
              <span className="sign" aria-hidden="true">
                {signs[outcome]}
              </span>
              <span className="name">
                {name}
                <span className="unseen">: {outcome}</span>
              </span>
              <span className="words">{words}</span>
              <span className="calm took">{took > 0 ? `${milliseconds(took)} ms` : ''}</span>
            </li>
          ))}
        </ul>
        {(comparisons.length > 0 || reliability.length > 0 || latency.length > 0) && (
          <div className="plots">
            {comparisons.length > 0 && <Intervals of={comparisons} />}
            {reliability.length > 0 && <Reliability of={reliability} />}
            {latency.length > 0 && <Latency of={latency} />}
          </div>
        )}
      </div>
    </div>
  )
}
