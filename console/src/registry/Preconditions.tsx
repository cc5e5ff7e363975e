/** What a step asks, and what of it is met. */
import type { Precondition } from '../data/registry.ts'

/** What is not met comes first: it is what is to be done. */
export function Preconditions({ of, label }: { readonly of: readonly Precondition[]; readonly label: string }) {
  if (of.length === 0) return <p className="calm">Nothing is asked for.</p>
  const sorted = [...of].sort((a, b) => Number(a.met) - Number(b.met))
  return (
    <ul className="preconditions" aria-label={label}>
      {sorted.map(({ name, met, words }) => (
        <li key={name} className={met ? 'met' : 'unmet'}>
          <span className="sign" aria-hidden="true">
            {met ? '✓' : '✗'}
          </span>
          <span className="unseen">{met ? 'Met' : 'Not met'}: </span>
          <span className="words">{words}</span>
          <span className="name">{name}</span>
        </li>
      ))}
    </ul>
  )
}
