/**
 * The last values under so many keys. What was not set for the longest goes first, in halves: there are two maps, and when the young one
 * is half of the limit the old one is dropped for it. So setting costs one insertion and getting at most two lookups.
 */
import type { Value } from '../expression/node.ts'

export interface Kept<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  clear(): void
}

export function kept<V>(limit: number): Kept<V> {
  const half = Math.max(1, limit >> 1)
  let young = new Map<string, V>()
  let old = new Map<string, V>()
  return {
    get: (key) => young.get(key) ?? old.get(key),
    set: (key, value) => {
      young.set(key, value)
      if (young.size < half) return
      old = young
      young = new Map()
    },
    clear: () => {
      young = new Map()
      old = new Map()
    },
  }
}

/** A text that is the same for the same values alone. */
export function keyOf(values: readonly unknown[], from: number, to: number): string {
  let key = ''
  for (let i = from; i < to; i++) key += partOf(values[i] as Value)
  return key
}

const partOf = (value: Value): string => {
  switch (typeof value) {
    case 'string':
      return `${value.length}"${value}`
    case 'number':
      return `${value},`
    case 'bigint':
      return `${value}n`
    case 'boolean':
      return value ? 't' : 'f'
    default:
      return value === null ? '-' : JSON.stringify(value)
  }
}
