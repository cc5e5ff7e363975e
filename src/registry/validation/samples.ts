/**
 * Vectors that are made up, where there are no recorded ones: each entry by itself, as its expression and its range allow. They say whether a
 * model answers and holds its invariants, and nothing of how good it is.
 */
import type { Model } from '../../definition/model.ts'
import type { Node, Value } from '../../expression/node.ts'
import { typeOf, walk } from '../../expression/node.ts'
import { isNullable } from '../../expression/nullable.ts'
import type { Facts } from '../../ports/registry-store.ts'
import type { Row } from './scorer.ts'

/** Always the same: what fails once fails again. */
export const seed = 20_231

export function madeUp(model: Model, schema: Facts['schema'], count: number): readonly Row[] {
  let state = seed
  /** Of Park and Miller, from 0 up to and without 1. */
  const next = (): number => {
    state = (state * 48_271) % 2_147_483_647
    return (state - 1) / 2_147_483_646
  }
  const ranges = new Map(schema?.entries.map(({ name, range }) => [name, range]))
  const entries = Object.entries(model.vector)
  return Array.from({ length: count }, () =>
    entries.map(([name, node]) =>
      isNullable(node) && next() < 0.1 ? null : plausible(node, ranges.get(name) ?? null, next),
    ),
  )
}

const between = (low: number, high: number, next: () => number): number => low + next() * (high - low)
const whole = (low: number, high: number, next: () => number): number => Math.floor(between(low, high + 1, next))

function plausible(node: Node, range: readonly [number, number] | null, next: () => number): Value {
  const type = typeOf(node)
  const known = type === 'int64' || type === 'float64' ? (range ?? rangeOf(node)) : null
  if (known !== null)
    return type === 'int64' ? whole(Math.ceil(known[0]), Math.floor(known[1]), next) : between(...known, next)
  switch (type) {
    case 'boolean':
      return next() < 0.5
    case 'string': {
      const texts = textsIn(node)
      return texts[Math.floor(next() * texts.length)]!
    }
    case 'int64':
      return Math.round(wide(next))
    default:
      return wide(next)
  }
}

/** Small and large, of both signs. */
const wide = (next: () => number): number => (next() < 0.3 ? -1 : 1) * 10 ** between(-1, 3, next)

/** Between which values functions give theirs; the constants stand behind the first operand. */
function rangeOf(node: Node): readonly [number, number] | null {
  if (node.kind !== 'call') return null
  const [first, ...rest] = node.arguments
  const constants = rest.flatMap((each) =>
    each.kind === 'literal' && typeof each.value === 'number' ? each.value : [],
  )
  switch (node.function) {
    case 'ordinal':
      return [0, rest.length - 1]
    case 'bucket':
      return [0, rest.length]
    case 'hashBucket':
      return constants.length === 1 ? [0, constants[0]! - 1] : null
    case 'clamp':
      return constants.length === 2 ? [constants[0]!, constants[1]!] : null
    case 'hour':
      return [0, 23]
    case 'weekday':
      return [1, 7]
    case 'month':
      return [1, 12]
    case 'day':
      return [1, 31]
    case 'toInteger':
    case 'toFloat':
      return first !== undefined && typeOf(first) === 'boolean' ? [0, 1] : first === undefined ? null : rangeOf(first)
    case 'orElse':
      return first === undefined ? null : rangeOf(first)
    case 'rescale':
    case 'standardize': {
      const inner = first === undefined ? null : rangeOf(first)
      if (inner === null || constants.length !== 2) return null
      const [a, b] = constants as [number, number]
      const ends = inner.map((x) => (node.function === 'rescale' ? (x - a) / (b - a) : (x - a) / b))
      return [Math.min(...ends), Math.max(...ends)]
    }
    default:
      return null
  }
}

/** Those that its expression knows, and some that none knows. */
const textsIn = (node: Node): readonly string[] => [
  ...[...walk(node)].flatMap((each) =>
    each.kind === 'literal' && each.type === 'string' && typeof each.value === 'string' ? each.value : [],
  ),
  'a',
  'another word',
  'Zürich',
  '',
]
