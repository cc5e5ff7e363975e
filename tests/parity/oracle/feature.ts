/**
 * What a feature is, by brute force: take all events of the entity, keep those that the moment may see and the window holds, put
 * them in order, and compute. Beside each value the oracle says by how much an engine may differ from it.
 */
import { createHash } from 'node:crypto'
import type { Source } from '../../../src/definition/source.ts'
import type { AnyView } from '../../../src/definition/view.ts'
import type { Node } from '../../../src/expression/node.ts'
import { durationMs } from '../../../src/kernel/duration.ts'
import type { Plain } from './evaluate.ts'
import { evaluate } from './evaluate.ts'

/** A row of the source's fields by name; integers are bigint. */
export type Row = Readonly<Record<string, Plain>>

export interface Expected {
  readonly value: Plain
  /** The greatest difference allowed, for numbers; 0 means to the last bit. */
  readonly within: number
}

export function feature(view: AnyView, name: string, history: readonly Row[], key: Row, moment: number): Expected {
  const { source, on } = view.basis
  const mine = oncePerId(history, source)
    .filter(
      (row) =>
        row[source.time] !== null &&
        Object.entries(on).every(([part, column]) => row[column] !== null && row[column] === key[part]),
    )
    .filter((row) => isVisible(row, source, moment))
    .sort((a, b) => compareRows(a, b, source))
  let within = 0
  const value = evaluate(view.basis.features[name]!.node, (leaf) => {
    if (leaf.kind === 'moment') return moment
    const result = windowValue(leaf as Node<'window'>, mine, view, moment)
    within = Math.max(within, result.within)
    return result.value
  })
  return { value, within }
}

/** Of rows with one id only the first to be known counts. */
function oncePerId(history: readonly Row[], source: Source): readonly Row[] {
  const { id } = source
  if (id === null) return history
  const events = history.filter((row) => knownAt(row, source) !== null)
  const firstOf = new Map<Plain, Row>()
  for (const row of [...events].sort(
    (a, b) => visibleAt(a, source) - visibleAt(b, source) || compareRows(a, b, source),
  ))
    if (!firstOf.has(row[id]!)) firstOf.set(row[id]!, row)
  return events.filter((row) => row[id] === null || firstOf.get(row[id]!) === row)
}

const knownAt = (row: Row, { time, known }: Source): number | null => {
  const happened = row[time] as number | null
  if (happened === null) return null
  if (known === null) return happened
  return 'after' in known ? happened + durationMs(known.after) : (row[known.at] as number | null)
}
const visibleAt = (row: Row, source: Source): number =>
  Math.max((row[source.time] as number) + (source.asOf === 'inclusive' ? 0 : 1), knownAt(row, source)!)

function isVisible(row: Row, source: Source, moment: number): boolean {
  const happened = row[source.time] as number
  const known = knownAt(row, source)
  if (known === null || known > moment) return false
  return source.asOf === 'inclusive' ? happened <= moment : happened < moment
}

/** Time, arrival, sequence, then all fields in the order declared; missing first. */
export function compareRows(a: Row, b: Row, source: Source): number {
  const columns = [
    source.time,
    source.known !== null && 'at' in source.known ? source.known.at : null,
    source.sequence,
    ...Object.keys(source.fields),
  ]
  for (const column of columns) {
    if (column === null) continue
    const order = compare(a[column]!, b[column]!)
    if (order !== 0) return order
  }
  return 0
}
function compare(a: Plain, b: Plain): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
  return a < b ? -1 : a > b ? 1 : 0
}

function hopOf(length: number): number {
  if (length < durationMs('5m')) return 1
  if (length < durationMs('12h')) return durationMs('5m')
  return length < durationMs('12d') ? durationMs('1h') : durationMs('1d')
}

function windowValue(node: Node<'window'>, visible: readonly Row[], view: AnyView, moment: number): Expected {
  const { function: name, of, where, options } = node.aggregate
  const { source, ttl } = view.basis
  const chooses = ['first', 'last', 'firstN', 'lastN'].includes(name)
  let left = Number.NEGATIVE_INFINITY
  if (node.length !== 'ever') {
    const length = durationMs(node.length)
    const hop = node.hop === null ? hopOf(length) : node.hop === '0' ? 1 : durationMs(node.hop)
    left = Math.floor((moment - length) / hop) * hop
  } else if (chooses && ttl !== null) left = moment - durationMs(ttl)

  const rows = visible
    .filter((row) => (row[source.time] as number) >= left)
    .filter((row) => where === null || evaluate(where, (leaf) => row[(leaf as Node<'column'>).name]!) === true)
  const all = rows.map((row) => ({
    time: row[source.time] as number,
    value: of === null ? true : evaluate(of, (leaf) => row[(leaf as Node<'column'>).name]!),
  }))
  const present = all.filter(({ value }) => value !== null)
  const chosen = (options.skipNulls ? present : all).map(({ value }) => value)
  const values = present.map(({ value }) => value)

  switch (name) {
    case 'count':
      return exactly(BigInt(of === null ? all.length : present.length))
    case 'sum':
      return sum(values)
    case 'mean':
      return mean(values)
    case 'min':
      return exactly(values.length === 0 ? null : values.reduce((a, b) => (b! < a! ? b : a)))
    case 'max':
      return exactly(values.length === 0 ? null : values.reduce((a, b) => (b! > a! ? b : a)))
    case 'variance':
      return variance(values)
    case 'stddev': {
      const { value, within } = variance(values)
      if (value === null) return exactly(null)
      // The root of an interval: near 0 its width is the root of the variance's.
      return {
        value: Math.sqrt(value as number),
        within: Math.min(Math.sqrt(within), within / Math.sqrt(value as number) || Number.POSITIVE_INFINITY) + 1e-300,
      }
    }
    case 'first':
      return exactly(chosen[0] ?? null)
    case 'last':
      return exactly(chosen.at(-1) ?? null)
    case 'firstN':
      return exactly(chosen.length === 0 ? null : chosen.slice(0, options.n))
    case 'lastN':
      return exactly(chosen.length === 0 ? null : chosen.reverse().slice(0, options.n))
    case 'distinct':
      return exactly(distinct(values))
    case 'quantile':
      return quantile(values.map(Number), options.q!)
    case 'topN': {
      const counts = new Map<Plain, number>()
      for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
      const order = [...counts].sort(([a, n], [b, m]) => m - n || compare(a, b)).map(([value]) => value)
      return exactly(order.length === 0 || order.length > 4096 ? null : order.slice(0, options.n))
    }
    case 'decayedSum':
    case 'decayedCount': {
      const terms = present.map(({ time, value }: { time: number; value: Plain }) => {
        const lives = (moment - time) / durationMs(options.halfLife!)
        // In two steps: the weight alone may underflow where the product does not.
        const term = (of === null ? 1 : Number(value)) * 2 ** (-lives / 2) * 2 ** (-lives / 2)
        return { lives, term, size: Math.abs(term) }
      })
      if (terms.length === 0) return exactly(name === 'decayedCount' ? 0 : null)
      const total = finite(terms.reduce((sum, { term }) => sum + term, 0))
      // Powers of 2 differ in their last bits; DuckDB's blocks lose terms below 2^-850, and leave out what is older than 1,120 lives.
      const leftOut = terms.reduce((sum, { lives, size }) => sum + (lives > 1120 ? size : 0), 0)
      return { value: total, within: terms.reduce((sum, { size }) => sum + size, 0) * 1e-11 + leftOut + 1e-250 }
    }
  }
}

const exactly = (value: Plain): Expected => ({ value, within: 0 })
const finite = (value: number): number | null => (Number.isFinite(value) ? value + 0 : null)
const magnitude = (values: readonly Plain[]): number =>
  values.reduce<number>((a, b) => a + Math.abs(Number(b)) * 2 ** -64, 0) * 2 ** 64

function sum(values: readonly Plain[]): Expected {
  if (values.length === 0) return exactly(null)
  if (typeof values[0] === 'bigint') {
    const total = (values as bigint[]).reduce((a, b) => a + b, 0n)
    return exactly(total >= -(2n ** 63n) && total < 2n ** 63n ? total : null)
  }
  const total = (values as number[]).reduce((a, b) => a + b * 2 ** -64, 0) * 2 ** 64
  return { value: finite(total), within: 2 * values.length * 2 ** -53 * magnitude(values) + 1e-290 }
}

function mean(values: readonly Plain[]): Expected {
  if (values.length === 0) return exactly(null)
  if (typeof values[0] !== 'number') {
    const total = values.reduce<bigint>((a, b) => a + BigInt(b as bigint | boolean), 0n)
    return exactly(nearestQuotient(total, BigInt(values.length)))
  }
  const scaled = (values as number[]).reduce((a, b) => a + b * 2 ** -64, 0)
  return { value: finite((scaled / values.length) * 2 ** 64), within: 4 * 2 ** -53 * magnitude(values) + 1e-290 }
}

/** The float nearest to a quotient of integers, by comparing the two floats around it. */
function nearestQuotient(total: bigint, count: bigint): number {
  if (total < 0n) return -nearestQuotient(-total, count)
  let power = 0
  while (total >> BigInt(power) > 2n ** 60n * count) power++
  // total / count = (total << 70) / count / 2^70, cut off; the cut-off part decides ties.
  const scaled = (total << 80n) / count
  const rest = (total << 80n) % count
  const length = scaled.toString(2).length
  if (length <= 53) return Number(scaled) * 2 ** -80
  const drop = BigInt(length - 53)
  let kept = scaled >> drop
  const cut = scaled & ((1n << drop) - 1n)
  const half = 1n << (drop - 1n)
  if (cut > half || (cut === half && (rest > 0n || kept % 2n === 1n))) kept += 1n
  return Number(kept) * 2 ** (Number(drop) - 80)
}

/** Two passes; the bound is that of Chan, Golub and LeVeque for the one-pass methods of the engines. */
function variance(values: readonly Plain[]): Expected {
  const n = values.length
  if (n < 2) return exactly(null)
  const numbers = values.map(Number)
  const center = numbers.reduce((a, b) => a + b / n, 0)
  const squares = numbers.reduce((a, b) => a + (b - center) ** 2, 0)
  const value = squares / (n - 1)
  if (!Number.isFinite(value)) return { value: null, within: Number.POSITIVE_INFINITY }
  const largest = Math.max(...numbers.map(Math.abs))
  return {
    value,
    within: 64 * n * 2 ** -53 * (Math.sqrt(value) * largest + n * 2 ** -53 * largest ** 2 + value) + 1e-290,
  }
}

function distinct(values: readonly Plain[]): bigint {
  const different = new Set(values)
  if (different.size <= 1024) return BigInt(different.size)
  const hashes = [...different]
    .map((value) => Number.parseInt(createHash('md5').update(hashText(value)).digest('hex').slice(0, 13), 16))
    .sort((a, b) => a - b)
  return BigInt(Math.floor(1024 / ((hashes[1024]! + 1) / 2 ** 52) + 0.5))
}
function hashText(value: Plain): string {
  if (typeof value !== 'number') return String(value)
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  return String(bits.getBigInt64(0))
}

function quantile(values: readonly number[], q: number): Expected {
  if (values.length === 0) return exactly(null)
  const rounded = values.map(nineBits).sort((a, b) => a - b)
  const position = (rounded.length - 1) * q
  const [low, high] = [rounded[Math.floor(position)]!, rounded[Math.ceil(position)]!]
  const part = position - Math.floor(position)
  return {
    value: finite(low * (1 - part) + high * part),
    within: 4 * 2 ** -53 * Math.max(Math.abs(low), Math.abs(high)),
  }
}
function nineBits(x: number): number {
  if (x === 0) return 0
  let exponent = Math.floor(Math.log2(Math.abs(x)))
  if (2 ** exponent > Math.abs(x)) exponent--
  // Subnormal numbers have fewer bits, at fixed places. A power beyond 2^1000 is taken in two steps.
  const places = 8 - Math.max(exponent, -1022)
  const [first, second] = [2 ** Math.min(places, 1000), 2 ** Math.max(places - 1000, 0)]
  return Math.trunc(x * first * second) / second / first
}
