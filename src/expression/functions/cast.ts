/** Changes of type. None happens by itself but integer to float, and that one is a node like the others. */
import { instantMax, instantMin } from '../../kernel/instant.ts'
import type { Int64 } from '../../kernel/int64.ts'
import { floorOf, parseInt64 } from '../../kernel/int64.ts'
import type { Type, Value } from '../node.ts'
import type { FunctionSpec, Signature } from './spec.ts'
import { exactly, plusZero } from './spec.ts'

const integerText = '[+-]?[0-9]{1,19}'
const floatText = '[+-]?[0-9]{1,300}([.][0-9]{1,300})?([eE][+-]?[0-9]{1,3})?'
const floatPattern = new RegExp(`^${floatText}$`)

const from =
  (gives: Type, ...accepted: readonly Type[]) =>
  (types: readonly Type[]): Signature =>
    types.length === 1 && accepted.includes(types[0]!)
      ? { takes: types, gives }
      : `takes ${accepted.join(' or ')}, not ${types.join(' and ')}`

const same = (x: Value): Value => x

type Name = 'toInteger' | 'toFloat' | 'toBoolean' | 'toText' | 'toTimestamp'

export const cast: Readonly<Record<Name, FunctionSpec>> = {
  toInteger: {
    signature: from('int64', 'int64', 'float64', 'boolean', 'string', 'timestamp'),
    exact: true,
    javascript: {
      strict: ([type]) =>
        type === 'float64'
          ? floorOf
          : type === 'boolean'
            ? (x: boolean) => (x ? 1 : 0)
            : type === 'string'
              ? parseInt64
              : same,
    },
    sql: (w, [x], [type]) => {
      const d = w.dialect
      if (type === 'float64') return w.repeat([x!], (v) => d.floatToInteger(d.floor(v)))
      if (type === 'boolean')
        return w.repeat(
          [x!],
          (v) => `(CASE WHEN ${v} THEN ${d.literal('int64', 1)} WHEN NOT ${v} THEN ${d.literal('int64', 0)} END)`,
        )
      if (type === 'string')
        return w.repeat([x!], (v) => `(CASE WHEN ${d.matches(v, integerText)} THEN ${d.textToInteger(v)} END)`)
      return x!
    },
  },
  toFloat: {
    signature: from('float64', 'float64', 'int64', 'boolean', 'string'),
    exact: true,
    javascript: {
      strict: ([type]) =>
        type === 'int64'
          ? (x: Int64) => Number(x)
          : type === 'boolean'
            ? (x: boolean) => (x ? 1 : 0)
            : type === 'string'
              ? parseFloat64
              : same,
    },
    sql: (w, [x], [type]) => {
      const d = w.dialect
      if (type === 'int64') return w.of([x!], (v) => d.integerToFloat(v))
      if (type === 'boolean')
        return w.repeat([x!], (v) => d.integerToFloat(`(CASE WHEN ${v} THEN 1 WHEN NOT ${v} THEN 0 END)`))
      if (type === 'string')
        return w.finite(
          w.repeat([x!], (v) => plusZero(`(CASE WHEN ${d.matches(v, floatText)} THEN ${d.textToFloat(v)} END)`)),
        )
      return x!
    },
  },
  toBoolean: {
    signature: from('boolean', 'int64', 'float64'),
    exact: true,
    javascript: { strict: () => (x: Int64) => x !== 0 },
    sql: (w, operands) => w.of(operands, (x) => `(${x} <> 0)`),
  },
  toText: {
    signature: from('string', 'int64', 'boolean'),
    exact: true,
    javascript: { strict: () => (x: Int64 | boolean) => String(x) },
    sql: (w, [x], [type]) =>
      type === 'int64'
        ? w.of([x!], (v) => w.dialect.integerToText(v))
        : w.repeat([x!], (v) => `(CASE WHEN ${v} THEN 'true' WHEN NOT ${v} THEN 'false' END)`),
  },
  toTimestamp: {
    signature: exactly(['int64'], 'timestamp'),
    exact: true,
    javascript: { strict: () => (x: Int64) => (x >= instantMin && x <= instantMax ? Number(x) : null) },
    sql: (w, operands) =>
      w.repeat(operands, (x) => `(CASE WHEN ${x} BETWEEN ${instantMin} AND ${instantMax} THEN ${x} END)`),
  },
}

function parseFloat64(text: string): number | null {
  if (!floatPattern.test(text)) return null
  const value = Number(text)
  return Number.isFinite(value) ? value + 0 : null
}
