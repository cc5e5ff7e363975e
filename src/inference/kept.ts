/**
 * The last values for so many questions, each a part of a row. What was not set for the longest goes first, in halves: there are two maps,
 * and when the young one is half of the limit the old one is dropped for it. A question is found by a hash of 32 bits and then compared, so
 * that setting, which every prediction does, costs no more than a look at each of its values.
 */
import type { Value } from '../expression/node.ts'

type Row = readonly Value[]

export interface Kept<V> {
  /** Of what was set for a row that is the same between `from` and `to`. */
  get(row: Row): V | undefined
  /** The row must stay as it is. */
  set(row: Row, value: V): void
}

/** Of rows of which the values from `from` on and before `to` count. */
export function kept<V>(limit: number, from: number, to: number): Kept<V> {
  const half = Math.max(1, limit >> 1)
  let young = new Map<number, { readonly row: Row; readonly value: V }>()
  let old = new Map<number, { readonly row: Row; readonly value: V }>()
  return {
    get: (row) => {
      const hash = hashOf(row, from, to)
      const found = young.get(hash) ?? old.get(hash)
      return found !== undefined && isSame(found.row, row, from, to) ? found.value : undefined
    },
    set: (row, value) => {
      young.set(hashOf(row, from, to), { row, value })
      if (young.size < half) return
      old = young
      young = new Map()
    },
  }
}

function isSame(a: Row, b: Row, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!Object.is(a[i], b[i]) && !isSameList(a[i]!, b[i]!)) return false
  return true
}
const isSameList = (a: Value, b: Value): boolean =>
  Array.isArray(a) && Array.isArray(b) && a.length === b.length && isSame(a, b, 0, a.length)

const float = new Float64Array(1)
const words = new Uint32Array(float.buffer)
/** Drawn by each process, so that nobody can send questions that all have the same hash. */
const seed = (crypto.getRandomValues(new Uint32Array(1))[0]! | 1) >>> 0

function hashOf(row: Row, from: number, to: number): number {
  let hash = seed
  for (let i = from; i < to; i++) hash = mixed(hash, row[i]!)
  return hash ^ (hash >>> 15)
}

function mixed(before: number, value: Value): number {
  let hash = before
  if (typeof value === 'number') {
    float[0] = value
    hash = Math.imul(hash ^ words[0]!, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13) ^ words[1]!, 0xc2b2ae35)
  } else if (typeof value === 'string') {
    hash = Math.imul(hash ^ value.length, 0x9e3779b1)
    for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 0x85ebca6b)
  } else if (Array.isArray(value)) hash = hashOf(value, 0, value.length) ^ Math.imul(hash, 0x27d4eb2f)
  else if (typeof value === 'bigint') hash = Math.imul(hash ^ 0x5bd1e995 ^ Number(BigInt.asIntN(32, value)), 0x27d4eb2f)
  else hash = Math.imul(hash ^ (value === null ? 1 : value === true ? 2 : 3), 0x27d4eb2f)
  return hash ^ (hash >>> 16)
}
