/**
 * What a call costs: so much, and so much a row, by least squares over the last calls. One call in twenty may be far off, because a
 * neighbour had the processor; what lies far from the rest is left out. Where all calls had about the same number of rows, which tells
 * nothing of what a row costs, the shape is that of the calls that warmed the model, and only its size is fitted.
 */
export interface CostModel {
  /** `probe`: it was called although it was predicted to take too long. */
  add(rows: number, milliseconds: number, probe?: boolean): void
  /** Milliseconds of a call with so many rows; null before anything is known. */
  of(rows: number): number | null
  /** The same, and what calls have lately taken longer than that. */
  atMost(rows: number): number | null
  /** The most rows of which a call takes at most so long; 0 where one row takes longer, infinite where nothing is known. */
  rowsWithin(milliseconds: number): number
  readonly fitted: { readonly fixedMs: number; readonly perRowMs: number } | null
}

const remembered = 50
/** Calls after which it is fitted anew, and before which nothing is known: one alone may have waited for a neighbour. */
const every = 8
const enough = 3

export function costModel(warmed: readonly { readonly rows: number; readonly milliseconds: number }[]): CostModel {
  const rows = new Float64Array(remembered)
  const took = new Float64Array(remembered)
  let count = 0
  let at = 0
  let since = 0
  let fixed = 0
  let perRow = 0
  let spread = 0
  let known = false

  const set = (a: number, b: number): void => {
    fixed = Math.max(0, a)
    perRow = Math.max(0, b)
    known = true
  }
  const first = warmed[0]
  const last = warmed.at(-1)
  if (first !== undefined && last !== undefined) {
    const b = last.rows > first.rows ? (last.milliseconds - first.milliseconds) / (last.rows - first.rows) : 0
    set(first.milliseconds - Math.max(0, b) * first.rows, b)
    // What the warm-up showed is not forgotten over the first call that a neighbour holds up.
    for (let i = 0; i < every; i++) {
      const { rows: n, milliseconds } = i % 2 === 0 ? first : last
      rows[i] = n
      took[i] = milliseconds
      count = at = i + 1
    }
  }

  const refit = (): void => {
    since = 0
    if (count < enough) return
    const used = new Uint8Array(count).fill(1)
    for (let pass = 0; pass < 2; pass++) {
      solve(used)
      const off = Array.from({ length: count }, (_, i) => Math.abs(took[i]! - fixed - perRow * rows[i]!))
      const middle = off.toSorted((x, y) => x - y)[count >> 1]!
      // Of a normal spread: three standard deviations, and never so near that half of it is left out.
      const far = Math.max(middle * 4.5, 0.05 * (fixed + perRow))
      spread = middle * 1.48
      for (let i = 0; i < count; i++) used[i] = off[i]! <= far ? 1 : 0
    }
  }
  const solve = (used: Uint8Array): void => {
    let n = 0
    let sumX = 0
    let sumY = 0
    let sumXX = 0
    let sumXY = 0
    for (let i = 0; i < count; i++) {
      if (used[i] === 0) continue
      const x = rows[i]!
      const y = took[i]!
      n++
      sumX += x
      sumY += y
      sumXX += x * x
      sumXY += x * y
    }
    if (n < 1) return
    const variance = sumXX / n - (sumX / n) ** 2
    if (variance > Math.max(1, 0.05 * (sumX / n) ** 2)) {
      const b = (sumXY / n - (sumX / n) * (sumY / n)) / variance
      if (b >= 0) {
        set(sumY / n - b * (sumX / n), b)
        return
      }
    }
    const before = fixed + perRow * (sumX / n)
    const scale = before > 0 ? sumY / n / before : 0
    if (known && scale > 0) set(fixed * scale, perRow * scale)
    else set(sumY / n, 0)
  }

  return {
    add: (n, milliseconds, probe = false) => {
      // Times have changed for the better: what was slow is no measure any more, and would keep work away that could be done.
      if (probe && milliseconds * 2 < fixed + perRow * n) {
        const scale = milliseconds / (fixed + perRow * n)
        set(fixed * scale, perRow * scale)
        spread *= scale
        count = 0
        at = 0
      }
      rows[at] = n
      took[at] = milliseconds
      at = (at + 1) % remembered
      count = Math.min(remembered, count + 1)
      if (++since >= every || count < every) refit()
    },
    of: (n) => (known ? fixed + perRow * n : null),
    atMost: (n) => (known ? fixed + perRow * n + 2 * spread : null),
    rowsWithin: (milliseconds) => {
      if (!known) return Number.POSITIVE_INFINITY
      const left = milliseconds - fixed - 2 * spread
      if (left < perRow) return perRow === 0 && left >= 0 ? Number.POSITIVE_INFINITY : 0
      return perRow === 0 ? Number.POSITIVE_INFINITY : Math.floor(left / perRow)
    },
    get fitted() {
      return known ? { fixedMs: fixed, perRowMs: perRow } : null
    },
  }
}
