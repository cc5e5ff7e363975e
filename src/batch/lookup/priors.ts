/** What answers for keys that a batch does not have: of numbers the mean, of labels the most frequent, over all rows and by segment. */
import type { ColumnProfile } from '../../statistics/sketches/profile.ts'
import type { ProfileSet } from '../profile-set.ts'

export interface Prior {
  readonly [output: string]: number | string
}
export interface Priors {
  /** Null where an output has no value in any row. */
  readonly popular: Prior | null
  readonly segments: { readonly [value: string]: Prior }
}

/** With fewer rows a segment says little of the next one. */
const rowsLeast = 5

export function priorsOf({ outputs, unknown }: ProfileSet<ColumnProfile>): Priors {
  const segments = Object.entries(unknown).flatMap(([value, { rows, outputs: of }]) => {
    const prior = rows < rowsLeast || value === '' ? null : priorOf(of)
    return prior === null ? [] : [[value, prior] as const]
  })
  return { popular: priorOf(outputs), segments: Object.fromEntries(segments) }
}

function priorOf(outputs: { readonly [output: string]: ColumnProfile }): Prior | null {
  const prior: { [output: string]: number | string } = {}
  for (const [name, profile] of Object.entries(outputs)) {
    if (profile.kind === 'number') {
      if (profile.moments.count === 0) return null
      prior[name] = profile.moments.mean
    } else {
      const [most] = [...profile.counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      if (most === undefined) return null
      prior[name] = most[0]
    }
  }
  return prior
}
