/**
 * Comparison, three-valued logic, and what may see a missing operand. A comparison with something missing is missing; strings
 * are compared by their UTF-8 bytes, after both were brought to NFC at the door.
 */
import type { Int64 } from '../../kernel/int64.ts'
import type { Type, Value } from '../node.ts'
import type { Evaluate, FunctionSpec, Signature } from './spec.ts'
import { alike, exactly, infix, numbers } from './spec.ts'

/** A float compared with an integer is compared as a float; `numbers` has cast it. */
const ordered = (operator: '<' | '<=' | '>' | '>=', holds: (a: Int64, b: Int64) => boolean): FunctionSpec => ({
  signature: numbers(() => 'boolean'),
  exact: true,
  javascript: { strict: () => holds },
  sql: infix(operator),
})
const instants = (operator: '<' | '>', holds: (a: number, b: number) => boolean): FunctionSpec => ({
  signature: exactly(['timestamp', 'timestamp'], 'boolean'),
  exact: true,
  javascript: { strict: () => holds },
  sql: infix(operator),
})

type Name =
  | 'gt'
  | 'gte'
  | 'lt'
  | 'lte'
  | 'eq'
  | 'ne'
  | 'between'
  | 'oneOf'
  | 'before'
  | 'after'
  | 'and'
  | 'or'
  | 'not'
  | 'choose'
  | 'orElse'
  | 'isMissing'

export const logic: Readonly<Record<Name, FunctionSpec>> = {
  gt: ordered('>', (a, b) => a > b),
  gte: ordered('>=', (a, b) => a >= b),
  lt: ordered('<', (a, b) => a < b),
  lte: ordered('<=', (a, b) => a <= b),
  eq: {
    signature: alike(() => 'boolean'),
    exact: true,
    javascript: { strict: () => (a: Value, b: Value) => a === b },
    sql: infix('='),
  },
  ne: {
    signature: alike(() => 'boolean'),
    exact: true,
    javascript: { strict: () => (a: Value, b: Value) => a !== b },
    sql: infix('<>'),
  },
  between: {
    signature: numbers(() => 'boolean', 3),
    exact: true,
    javascript: { strict: () => (x: Int64, low: Int64, high: Int64) => x >= low && x <= high },
    sql: (w, operands) => w.of(operands, (x, low, high) => `(${x} BETWEEN ${low} AND ${high})`),
  },
  oneOf: {
    signature: alike(() => 'boolean'),
    exact: true,
    javascript: {
      strict: (_, [, ...values]) => {
        const members = new Set(values)
        return (x: Value) => members.has(x)
      },
    },
    sql: (w, operands) => w.of(operands, (x, ...values) => `(${x} IN (${values.join(', ')}))`),
  },
  before: instants('<', (a, b) => a < b),
  after: instants('>', (a, b) => a > b),
  and: {
    signature: exactly(['boolean', 'boolean'], 'boolean'),
    exact: true,
    javascript: {
      lazy:
        ([a, b]) =>
        (row) => {
          const left = a!(row)
          if (left === false) return false
          const right = b!(row)
          return right === false ? false : left === null || right === null ? null : true
        },
    },
    sql: infix('AND'),
  },
  or: {
    signature: exactly(['boolean', 'boolean'], 'boolean'),
    exact: true,
    javascript: {
      lazy:
        ([a, b]) =>
        (row) => {
          const left = a!(row)
          if (left === true) return true
          const right = b!(row)
          return right === true ? true : left === null || right === null ? null : false
        },
    },
    sql: infix('OR'),
  },
  not: {
    signature: exactly(['boolean'], 'boolean'),
    exact: true,
    javascript: { strict: () => (x: boolean) => !x },
    sql: (w, operands) => w.of(operands, (x) => `(NOT ${x})`),
  },
  choose: {
    signature: chooses,
    exact: true,
    javascript: {
      lazy:
        ([test, yes, no]) =>
        (row) =>
          test!(row) === true ? yes!(row) : no!(row),
    },
    sql: (w, operands) => w.of(operands, (test, yes, no) => `(CASE WHEN ${test} THEN ${yes} ELSE ${no} END)`),
  },
  orElse: {
    signature: alike((common) => common),
    exact: true,
    javascript: {
      lazy:
        ([a, b]) =>
        (row) =>
          a!(row) ?? b!(row),
    },
    sql: (w, operands) => w.of(operands, (a, b) => `coalesce(${a}, ${b})`),
  },
  isMissing: {
    signature: (types) => (types.length === 1 ? { takes: types, gives: 'boolean' } : 'takes one operand'),
    exact: true,
    javascript: {
      lazy:
        ([x]): Evaluate =>
        (row) =>
          x!(row) === null,
    },
    sql: (w, operands) => w.of(operands, (x) => `(${x} IS NULL)`),
  },
}

function chooses(types: readonly Type[]): Signature {
  const [test, ...branches] = types
  if (test !== 'boolean' || branches.length !== 2) return `takes a condition and two values, not ${types.join(' and ')}`
  const branch = alike((common) => common)(branches)
  return typeof branch === 'string' ? branch : { takes: ['boolean', ...branch.takes], gives: branch.gives }
}
