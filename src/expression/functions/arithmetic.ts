/**
 * Arithmetic. Integers: exact, missing beyond 64 bits. Floats: IEEE 754, and missing where the result would not be finite,
 * so that no NaN, infinity or -0 ever exists.
 */
import type { Int64 } from '../../kernel/int64.ts'
import { add, floorDivide, floorModulo, multiply, subtract } from '../../kernel/int64.ts'
import type { Type } from '../node.ts'
import type { Dialect } from '../targets/sql/dialect.ts'
import type { FunctionSpec } from './spec.ts'
import { exactly, numbers, plusZero } from './spec.ts'

/** The one guard behind every float operation. `value - value` is 0 for finite numbers and NaN for all others. */
const finite = (value: number): number | null => (value - value === 0 ? value + 0 : null)
const floats = (takes: readonly Type[]): boolean => takes[0] === 'float64'

const binary = (
  integers: (a: Int64, b: Int64) => Int64 | null,
  float: (a: number, b: number) => number,
  operator: string,
  lowered: 'addIntegers' | 'subtractIntegers' | 'multiplyIntegers',
): FunctionSpec => ({
  signature: numbers((common) => common),
  exact: true,
  javascript: { strict: (takes) => (floats(takes) ? (a: number, b: number) => finite(float(a, b)) : integers) },
  sql: (w, [a, b], takes) =>
    floats(takes)
      ? w.finite(w.of([a!, b!], (x, y) => plusZero(`(${x} ${operator} ${y})`)))
      : w.of([a!, b!], (x, y) => w.dialect[lowered](x, y)),
})

/** A function of one number that stays within its type; `float` never leaves the finite numbers. */
const unary = (
  integer: (x: Int64) => Int64 | null,
  float: (x: number) => number,
  sql: { integer: SqlOfOne; float: SqlOfOne },
): FunctionSpec => ({
  signature: numbers((common) => common, 1),
  exact: true,
  javascript: { strict: (takes) => (floats(takes) ? (x: number) => float(x) + 0 : integer) },
  sql: (w, [x], takes) =>
    w.repeat([x!], (text) => (floats(takes) ? plusZero(sql.float(text, w.dialect)) : sql.integer(text, w.dialect))),
})
type SqlOfOne = (x: string, dialect: Dialect) => string

/** A float function that may have no finite result, and whose last bits are the engine's own. */
const transcendental = (float: (x: number) => number, sql: (x: string, dialect: Dialect) => string): FunctionSpec => ({
  signature: exactly(['float64'], 'float64'),
  exact: false,
  javascript: { strict: () => (x: number) => finite(float(x)) },
  sql: (w, [x]) => w.finite(w.repeat([x!], (text) => sql(text, w.dialect))),
})

const magnitude = (x: Int64): Int64 | null => (x < 0 ? subtract(0, x) : x)
const pickOf = (which: '<=' | '>='): FunctionSpec => ({
  signature: numbers((common) => common),
  exact: true,
  javascript: {
    strict: () =>
      which === '<=' ? (a: Int64, b: Int64) => (a <= b ? a : b) : (a: Int64, b: Int64) => (a >= b ? a : b),
  },
  // Not LEAST or GREATEST, which pass over a missing operand.
  sql: (w, operands) =>
    w.repeat(
      operands,
      (a, b) => `(CASE WHEN ${a} ${which} ${b} THEN ${a} WHEN ${b} IS NOT NULL AND ${a} IS NOT NULL THEN ${b} END)`,
    ),
})

type Name =
  | 'plus'
  | 'minus'
  | 'times'
  | 'dividedBy'
  | 'floorDividedBy'
  | 'modulo'
  | 'negate'
  | 'absolute'
  | 'sign'
  | 'round'
  | 'floor'
  | 'ceiling'
  | 'squareRoot'
  | 'exponential'
  | 'logarithm'
  | 'power'
  | 'least'
  | 'greatest'
  | 'clamp'

export const arithmetic: Readonly<Record<Name, FunctionSpec>> = {
  plus: binary(add, (a, b) => a + b, '+', 'addIntegers'),
  minus: binary(subtract, (a, b) => a - b, '-', 'subtractIntegers'),
  times: binary(multiply, (a, b) => a * b, '*', 'multiplyIntegers'),
  dividedBy: {
    signature: exactly(['float64', 'float64'], 'float64'),
    exact: true,
    javascript: { strict: () => (a: number, b: number) => (b === 0 ? null : finite(a / b)) },
    sql: (w, [a, b]) =>
      w.finite(w.of([a!, w.once(b!)], (x, y) => plusZero(`(CASE WHEN ${y} <> 0 THEN ${x} / ${y} END)`))),
  },
  floorDividedBy: {
    signature: numbers((common) => common),
    exact: true,
    javascript: {
      strict: (takes) =>
        floats(takes) ? (a: number, b: number) => (b === 0 ? null : finite(Math.floor(a / b))) : floorDivide,
    },
    sql: (w, operands, takes) =>
      floats(takes)
        ? w.finite(
            w.repeat(operands, (a, b) =>
              plusZero(`(CASE WHEN ${b} <> 0 THEN ${w.dialect.floor(`(${a} / ${b})`)} END)`),
            ),
          )
        : w.repeat(operands, (a, b) => {
            const rest = w.dialect.remainder(a, b)
            const quotient = w.dialect.divideIntegers(a, b)
            return `(CASE WHEN ${b} = 0 THEN NULL WHEN ${rest} <> 0 AND (${rest} < 0) <> (${b} < 0) THEN ${quotient} - 1 ELSE ${quotient} END)`
          }),
  },
  modulo: {
    signature: numbers((common) => common),
    exact: true,
    javascript: {
      strict: (takes) =>
        floats(takes)
          ? (a: number, b: number) => {
              if (b === 0) return null
              const rest = a % b
              return (rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest) + 0
            }
          : floorModulo,
    },
    sql: (w, operands, takes) =>
      w.repeat(operands, (a, b) => {
        const rest = w.dialect.remainder(a, b)
        const floored = `WHEN ${rest} <> 0 AND (${rest} < 0) <> (${b} < 0) THEN ${rest} + ${b} ELSE ${rest} END`
        if (floats(takes)) return plusZero(`(CASE WHEN ${b} = 0 THEN NULL ${floored})`)
        // By -1 it is 0, where an engine's own remainder of the smallest integer overflows.
        const zero = w.dialect.literal('int64', 0)
        return `(CASE WHEN ${b} = 0 THEN NULL WHEN ${b} = -1 AND ${a} IS NOT NULL THEN ${zero} ${floored})`
      }),
  },
  negate: unary(
    (x) => subtract(0, x),
    (x) => -x,
    { integer: (x, d) => d.subtractIntegers('0', x), float: (x) => `(-${x})` },
  ),
  absolute: unary(magnitude, Math.abs, {
    integer: (x, d) => `(CASE WHEN ${x} < 0 THEN ${d.subtractIntegers('0', x)} ELSE ${x} END)`,
    float: (x) => `abs(${x})`,
  }),
  sign: unary((x) => (x > 0 ? 1 : x < 0 ? -1 : 0), Math.sign, {
    integer: (x, d) =>
      `(CASE WHEN ${x} > 0 THEN ${d.literal('int64', 1)} WHEN ${x} < 0 THEN ${d.literal('int64', -1)} WHEN ${x} = 0 THEN ${d.literal('int64', 0)} END)`,
    float: (x) => `(CASE WHEN ${x} > 0 THEN 1 WHEN ${x} < 0 THEN -1 WHEN ${x} = 0 THEN 0 END)`,
  }),
  round: unary((x) => x, roundHalfAway, {
    integer: (x) => x,
    // Not floor(|x| + 0.5): the sum rounds up for the largest float below one half.
    float: (x, d) => {
      const whole = d.floor(`abs(${x})`)
      return `(sign(${x}) * (${whole} + CASE WHEN abs(${x}) - ${whole} >= 0.5 THEN 1 ELSE 0 END))`
    },
  }),
  floor: unary((x) => x, Math.floor, { integer: (x) => x, float: (x, d) => d.floor(x) }),
  ceiling: unary((x) => x, Math.ceil, { integer: (x) => x, float: (x, d) => `(-${d.floor(`(-${x})`)})` }),
  squareRoot: {
    signature: exactly(['float64'], 'float64'),
    exact: true,
    javascript: { strict: () => (x: number) => (x < 0 ? null : Math.sqrt(x)) },
    sql: (w, [x]) => w.repeat([x!], (text) => `(CASE WHEN ${text} >= 0 THEN ${w.dialect.squareRoot(text)} END)`),
  },
  exponential: transcendental(Math.exp, (x, d) => d.exponential(x)),
  logarithm: transcendental(
    (x) => (x > 0 ? Math.log(x) : Number.NaN),
    (x, d) => `(CASE WHEN ${x} > 0 THEN ${d.logarithm(x)} END)`,
  ),
  power: {
    signature: exactly(['float64', 'float64'], 'float64'),
    exact: false,
    javascript: { strict: () => (base: number, exponent: number) => finite(base ** exponent) },
    sql: (w, operands) => w.finite(w.of(operands, (base, exponent) => plusZero(w.dialect.power(base, exponent)))),
  },
  least: pickOf('<='),
  greatest: pickOf('>='),
  clamp: {
    signature: numbers((common) => common, 3),
    exact: true,
    javascript: { strict: () => (x: Int64, low: Int64, high: Int64) => (x < low ? low : x > high ? high : x) },
    sql: (w, operands) =>
      w.repeat(
        operands,
        (x, low, high) => `(CASE WHEN ${x} < ${low} THEN ${low} WHEN ${x} > ${high} THEN ${high} ELSE ${x} END)`,
      ),
  },
}

function roundHalfAway(x: number): number {
  const size = Math.abs(x)
  const whole = Math.floor(size)
  return Math.sign(x) * (size - whole >= 0.5 ? whole + 1 : whole)
}
