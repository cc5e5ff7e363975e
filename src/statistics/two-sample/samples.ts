/** Two samples as what tests ask for: numbers in order, or how often each value occurred. */
import { SixfoldError } from '../../kernel/errors.ts'

/** Finite numbers, ascending. Where there are none, or one is not finite, SX_REQUEST_INVALID: what is missing is no part of a sample. */
export function ascending(values: ArrayLike<number>): Float64Array {
  const sorted = Float64Array.from(values)
  if (sorted.length === 0) throw new SixfoldError('SX_REQUEST_INVALID', 'A sample has no values.')
  for (let i = 0; i < sorted.length; i++)
    if (!Number.isFinite(sorted[i]))
      throw new SixfoldError('SX_REQUEST_INVALID', `A sample has ${sorted[i]} at position ${i}.`, {
        fix: 'Leave out what is missing or not finite, and count it apart.',
      })
  return sorted.sort()
}

export type Category = string | number | boolean

/** How often each value occurred, over the values that either sample has, in one order: that of `<`, numbers before texts. */
export function countsOf<T extends Category>(
  reference: ArrayLike<T>,
  current: ArrayLike<T>,
): { readonly values: readonly T[]; readonly reference: Float64Array; readonly current: Float64Array } {
  const counts = [reference, current].map((sample) => {
    const of = new Map<T, number>()
    for (let i = 0; i < sample.length; i++) of.set(sample[i]!, (of.get(sample[i]!) ?? 0) + 1)
    return of
  }) as [Map<T, number>, Map<T, number>]
  const values = [...new Set([...counts[0].keys(), ...counts[1].keys()])].sort((a, b) =>
    typeof a === typeof b ? (a < b ? -1 : 1) : typeof a < typeof b ? -1 : 1,
  )
  const [p, q] = counts.map((of) => Float64Array.from(values, (value) => of.get(value) ?? 0)) as [
    Float64Array,
    Float64Array,
  ]
  return { values, reference: p, current: q }
}
