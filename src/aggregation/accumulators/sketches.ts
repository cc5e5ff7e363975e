/** Aggregates whose state grows with the number of different values: distinct, quantiles and the most frequent. */
import type { Type, Value } from '../../expression/node.ts'
import { md5Hash52 } from '../../kernel/hash.ts'
import { bounds } from '../../kernel/limits.ts'
import type { Accumulator, Cells } from '../accumulator.ts'
import { asFloat } from '../accumulator.ts'

// --- distinct

/** The values kept: one more than are counted exactly, which shows that there are more. */
const kept = bounds.distinctValues + 1

/**
 * One rich value: the `kept` least hashes, ascending. While there are fewer, each is a different value and the count is exact;
 * beyond, the k-th least of uniform hashes tells how dense they lie (Bar-Yossef et al., "Counting distinct elements in a data
 * stream", 2002, algorithm 1), with a standard error of 1 / sqrt(k - 2). The least hashes of a union are among the least of
 * its parts, so that merging loses nothing and every engine comes to the same state.
 */
export const distinct = (of: number): Accumulator => ({
  slots: 0,
  rich: 1,
  clear: ({ rich }, _f, r) => {
    rich[r] = null
  },
  add: ({ rich }, _f, r, { args }) => {
    rich[r] = union((rich[r] as readonly number[] | null) ?? [], [hashOfValue(args[of]!)])
  },
  merge: ({ rich }, _f, r, { rich: from }, _g, q, _stride, strideR, n) => {
    for (let i = 0; i < n; i++, q += strideR) {
      const part = from[q] as readonly number[] | null
      if (part !== null) rich[r] = union((rich[r] as readonly number[] | null) ?? [], part)
    }
  },
})

/** A value's hash, from the same text in every engine: decimal digits, true or false, the bits of a float as an integer. */
function hashOfValue(value: Value): number {
  return md5Hash52(typeof value === 'string' ? value : String(value))
}

/** A float's text is the decimal number of its IEEE 754 bits. */
function hashOfFloat(value: number): number {
  bits.setFloat64(0, value)
  return md5Hash52(String(bits.getBigInt64(0)))
}
const bits = new DataView(new ArrayBuffer(8))

export const distinctFloats = (of: number): Accumulator => {
  const general = distinct(of)
  return {
    ...general,
    add: ({ rich }, _f, r, { args }) => {
      rich[r] = union((rich[r] as readonly number[] | null) ?? [], [hashOfFloat(args[of] as number)])
    },
  }
}

function union(a: readonly number[], b: readonly number[]): readonly number[] {
  if (b.length === 1) {
    const [value] = b as [number]
    let low = 0
    let high = a.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (a[middle]! < value) low = middle + 1
      else high = middle
    }
    if (a[low] === value || (low === a.length && a.length === kept)) return a
    return [...a.slice(0, low), value, ...a.slice(low, kept - 1)]
  }
  const merged: number[] = []
  for (let i = 0, j = 0; merged.length < kept && (i < a.length || j < b.length); ) {
    const next = j === b.length || (i < a.length && a[i]! <= b[j]!) ? a[i]! : b[j]!
    if (a[i] === next) i++
    if (b[j] === next) j++
    merged.push(next)
  }
  return merged
}

export function distinctAt({ rich }: Cells, r: number): number {
  const hashes = (rich[r] as readonly number[] | null) ?? []
  return hashes.length < kept ? hashes.length : estimateDistinct(hashes.at(-1)!)
}

/** From the greatest of the `kept` least hashes. */
const estimateDistinct = (greatest: number): number => Math.floor((kept - 1) / ((greatest + 1) / 2 ** 52) + 0.5)

// --- quantiles

/**
 * One rich value: how often each value occurs, the values rounded toward zero to 9 significant bits. The exact quantile of the
 * rounded values is within 2^-8 of the true one, relative, and whole numbers below 512 are not rounded at all. Counts add
 * up, so that every engine comes to the same state.
 */
export const rounded = (of: number): Accumulator => tally((args) => roundToNineBits(asFloat(args[of]!)))

const words = new DataView(new ArrayBuffer(8))
function roundToNineBits(value: number): number {
  words.setFloat64(0, value)
  words.setUint32(0, words.getUint32(0) & 0xfffff000)
  words.setUint32(4, 0)
  return words.getFloat64(0) + 0
}

/** Linear between neighbours: type 7 of Hyndman and Fan, "Sample quantiles in statistical packages", 1996. */
export function quantileAt({ rich }: Cells, r: number, q: number): Value {
  const counts = rich[r] as ReadonlyMap<number, number> | null
  if (counts === null) return null
  const values = [...counts].sort(([a], [b]) => a - b)
  const total = values.reduce((sum, [, n]) => sum + n, 0)
  const position = (total - 1) * q
  const below = Math.floor(position)
  const [low, high] = [nth(values, below), nth(values, Math.ceil(position))]
  return low === high ? low : low * (1 - (position - below)) + high * (position - below)
}
function nth(values: readonly (readonly [number, number])[], n: number): number {
  let passed = 0
  for (const [value, count] of values) {
    passed += count
    if (n < passed) return value
  }
  return values.at(-1)![0]
}

// --- most frequent

/** One rich value: how often each value occurs, of at most `frequentValues` + 1 of them; more cannot be told apart from that. */
export const frequent = (of: number): Accumulator => tally((args) => args[of]!, bounds.frequentValues + 1)

/** By count descending, then by value: strings by their UTF-8 bytes, false before true. Null beyond `frequentValues` values. */
export function frequentAt({ rich }: Cells, r: number, n: number, type: Type): Value {
  const counts = rich[r] as ReadonlyMap<Value, number> | null
  if (counts === null || counts.size > bounds.frequentValues) return null
  const order = type === 'string[]' ? compareText : (a: Value, b: Value) => (a! < b! ? -1 : a! > b! ? 1 : 0)
  return [...counts]
    .sort(([a, m], [b, k]) => k - m || order(a, b))
    .slice(0, n)
    .map(([value]) => value)
}
/** UTF-16 order differs from that of code points only where surrogates meet what lies above them. */
const compareText = (a: Value, b: Value): number => Buffer.compare(Buffer.from(a as string), Buffer.from(b as string))

function tally(read: (args: readonly Value[]) => Value, most = Number.POSITIVE_INFINITY): Accumulator {
  const put = (cells: Cells, r: number, value: Value, n: number): void => {
    let counts = cells.rich[r] as Map<Value, number> | null
    if (counts === null) {
      counts = new Map()
      cells.rich[r] = counts
    }
    const held = counts.get(value)
    if (held !== undefined || counts.size < most) counts.set(value, (held ?? 0) + n)
  }
  return {
    slots: 0,
    rich: 1,
    clear: ({ rich }, _f, r) => {
      rich[r] = null
    },
    add: (cells, _f, r, { args }) => put(cells, r, read(args), 1),
    merge: (cells, _f, r, { rich: from }, _g, q, _stride, strideR, n) => {
      for (let i = 0; i < n; i++, q += strideR)
        for (const [value, times] of (from[q] as ReadonlyMap<Value, number> | null) ?? []) put(cells, r, value, times)
    },
  }
}
