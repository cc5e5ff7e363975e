/** What each entry of the vector added to one answer, to either side of nothing; or why that cannot be said. It is worked out when it is asked for. */
import { useState } from 'react'
import { path } from '../data/server.ts'
import { useAsked } from '../data/useAsked.ts'
import type { Explanation } from '../data/wire.ts'
import { Across } from '../parts/Across.tsx'

interface Props {
  readonly id: string
  readonly vector: { readonly [entry: string]: unknown }
}

export function Shares({ id, vector }: Props) {
  const [of, setOf] = useState<string | null>(null)
  const wanted = of === id
  const { value, refusal } = useAsked<Explanation>(wanted ? `${path`/v1/predictions/${id}`}?attributions=true` : null)
  const found = wanted ? (value?.attributions ?? null) : null
  return (
    <section aria-labelledby="shares-title" className="card padded">
      <h3 id="shares-title">
        What each entry added{' '}
        {found !== null && (
          <span className="aside">
            to {number(found.base)}, the mean over {found.background} other vectors
          </span>
        )}
      </h3>
      {!wanted ? (
        <p>
          <button type="button" className="button plain" onClick={() => setOf(id)}>
            Take the answer apart
          </button>
        </p>
      ) : found !== null ? (
        <Table attributions={found} vector={vector} />
      ) : (
        <p className="empty" role="status">
          {refusal === null ? 'Asking …' : `${refusal.message} ${refusal.fix}`}
        </p>
      )}
    </section>
  )
}

interface TableProps {
  readonly attributions: NonNullable<Explanation['attributions']>
  readonly vector: Props['vector']
}

function Table({ attributions: { output, place, link, margin, answer, entries }, vector }: TableProps) {
  const all = Object.entries(entries).sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))
  const most = Math.max(...all.map(([, share]) => Math.abs(share))) || 1
  return (
    <>
      <Across label="What each entry added, to be scrolled" className="scroll-across">
        <table className="shares">
          <caption className="unseen">What each entry added</caption>
          <thead>
            <tr>
              <th scope="col">Entry</th>
              <th scope="col" className="number">
                Value
              </th>
              <th scope="col" className="number">
                Added
              </th>
              <th scope="col">
                <span className="unseen">Drawn</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {all.map(([name, share]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="number">{vector[name] === null ? 'missing' : number(vector[name])}</td>
                <td className="number">
                  {share > 0 ? '+' : ''}
                  {number(share)}
                </td>
                <td aria-hidden="true">
                  <span
                    className={share < 0 ? 'bar down' : 'bar'}
                    style={{ width: `${(50 * Math.abs(share)) / most}%` }}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Across>
      <p>
        Together {number(margin)}
        {link === 'identity' ? '' : `, by the ${link} function ${number(answer)}`}: {output}[{place}].
      </p>
    </>
  )
}

const number = (value: unknown): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(5))) : String(value)
