/** What an application gets that looks a key up. */
import { useId, useState } from 'react'
import type { Answer } from '../data/batches.ts'
import { batchAt } from '../data/batches.ts'
import { ask, Refusal } from '../data/server.ts'
import { ago } from '../format.ts'
import { Refused } from '../parts/Refused.tsx'

export function Lookup({ batch, parts }: { readonly batch: string; readonly parts: readonly string[] }) {
  const id = useId()
  const [key, setKey] = useState<{ readonly [part: string]: string }>({})
  const [answer, setAnswer] = useState<Answer | null>(null)
  const [refused, setRefused] = useState<Refusal | null>(null)
  const look = async (): Promise<void> => {
    try {
      const asked = Object.fromEntries(parts.map((part) => [part, key[part] ?? '']))
      const { answers } = await ask<{ readonly answers: readonly Answer[] }>(batchAt.lookup(batch), {
        method: 'POST',
        body: { keys: [asked] },
      })
      setAnswer(answers[0] ?? null)
      setRefused(null)
    } catch (error) {
      setAnswer(null)
      setRefused(error instanceof Refusal ? error : new Refusal(0, 'UNKNOWN', String(error), ''))
    }
  }
  return (
    <section className="card padded" aria-labelledby={id}>
      <h3 id={id}>Look up a key</h3>
      <form
        className="lookup"
        onSubmit={(event) => {
          event.preventDefault()
          void look()
        }}
      >
        {parts.map((part) => (
          <label key={part}>
            <span>{part}</span>
            <input
              value={key[part] ?? ''}
              maxLength={500}
              onChange={({ target }) => setKey((before) => ({ ...before, [part]: target.value }))}
            />
          </label>
        ))}
        <button type="submit" className="button primary">
          Look up
        </button>
      </form>
      {refused !== null && <Refused refusal={refused} />}
      <div role="status">{answer !== null && <Said answer={answer} />}</div>
    </section>
  )
}

function Said({ answer: { outputs, rung, decision, version, asOf, stale } }: { readonly answer: Answer }) {
  if (outputs === null)
    return <p>Nothing answers for this key: the live version does not have it, and no rung below does.</p>
  return (
    <dl className="figures">
      {Object.entries(outputs).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === 'number' ? Number(value.toPrecision(6)) : String(value)}</dd>
        </div>
      ))}
      {decision !== null && (
        <div>
          <dt>decision</dt>
          <dd>{String(decision)}</dd>
        </div>
      )}
      <div>
        <dt>answered by</dt>
        <dd>{rung === 'exact' ? `version ${version}` : `${rung}, since version ${version ?? '–'} lacks the key`}</dd>
      </div>
      <div>
        <dt>as of</dt>
        <dd>
          {asOf === null ? '–' : ago(Date.parse(asOf), Date.now())}
          {stale && <span className="badge warn">older than promised</span>}
        </dd>
      </div>
    </dl>
  )
}
