/** How much has to be moved how far to make one distribution of the other. */
import { ascending } from './samples.ts'

/** The area between the two distribution functions, in the values' own unit (Wasserstein's distance of order 1). Throws SX_REQUEST_INVALID. */
export function wasserstein(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [ascending(a), ascending(b)]
  const [n, m] = [x.length, y.length]
  let [i, j, area] = [0, 0, 0]
  let before = Math.min(x[0]!, y[0]!)
  while (i < n || j < m) {
    const value = i < n && (j >= m || x[i]! <= y[j]!) ? x[i]! : y[j]!
    area += Math.abs(i / n - j / m) * (value - before)
    before = value
    while (i < n && x[i] === value) i++
    while (j < m && y[j] === value) j++
  }
  return area
}
