/** Shapley values of what is linear: a weight times how far a value is from its mean over the background. Exact, as nothing interacts. */
import type { LinearStructure } from '../../ports/model-structure.ts'

export function linearShares(
  { weight, columns }: LinearStructure,
  margin: number,
  row: Float64Array,
  background: readonly Float64Array[],
): Float64Array {
  return row.map((value, i) => {
    let sum = 0
    for (const other of background) sum += value - other[i]!
    return weight[margin * columns + i]! * (sum / background.length)
  })
}
