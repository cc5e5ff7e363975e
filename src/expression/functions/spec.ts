/**
 * What one function of the language is: what it takes and gives, and how each kind of target computes it. A function that
 * lacks a part does not compile; a function that a target cannot do says so through its dialect.
 */
import type { Type, Value } from '../node.ts'
import type { DialectName } from '../targets/sql/dialect.ts'
import type { Fragment, Writer } from '../targets/sql/writer.ts'

/** A compiled operand: a row's values in, one value out. */
export type Evaluate = (row: readonly Value[]) => Value

/** What the function makes of operands of these types: what they are cast to and what comes out, or a sentence why not. */
export type Signature = { readonly takes: readonly Type[]; readonly gives: Type } | string

export interface FunctionSpec {
  readonly signature: (types: readonly Type[]) => Signature
  /**
   * Whether every engine gives the same bits. Functions that call the engine's mathematics library (exp, ln, power) agree to a
   * relative 1e-12 only.
   */
  readonly exact: boolean
  readonly javascript:
    | {
        /** Called only when no operand is missing. `constants` holds the value of every operand that is a literal. */
        readonly strict: (takes: readonly Type[], constants: readonly Value[]) => (...values: never[]) => Value
      }
    | { readonly lazy: (operands: readonly Evaluate[]) => Evaluate }
  readonly sql: (writer: Writer, operands: readonly Fragment[], takes: readonly Type[]) => Fragment
}

export interface Cannot {
  readonly cannot: string
}
/** Marks a function as impossible in one engine, with the reason; the planner turns it into an error naming both. */
export const cannot = (why: string): Cannot => Object.freeze({ cannot: why })
export type { DialectName }

// --- signatures

const isNumber = (type: Type): boolean => type === 'int64' || type === 'float64'
const list = (types: readonly Type[]): string => types.join(' and ')

/** Exactly these types. */
export const exactly =
  (takes: readonly Type[], gives: Type) =>
  (types: readonly Type[]): Signature =>
    types.length === takes.length &&
    types.every((type, i) => type === takes[i] || (takes[i] === 'float64' && type === 'int64'))
      ? { takes, gives }
      : `takes ${list(takes)}, not ${list(types)}`

/** Numbers brought to one type: integers stay integers, a float among them makes all of them floats. */
export const numbers =
  (gives: (common: 'int64' | 'float64') => Type, count: number | 'any' = 2) =>
  (types: readonly Type[]): Signature => {
    if (!types.every(isNumber) || (count !== 'any' && types.length !== count))
      return `takes numbers, not ${list(types)}`
    const common = types.includes('float64') ? 'float64' : 'int64'
    return { takes: types.map(() => common), gives: gives(common) }
  }

/** Operands of one type, which may be any; numbers are brought together. */
export const alike =
  (gives: (common: Type) => Type) =>
  (types: readonly Type[]): Signature => {
    if (types.every(isNumber)) return numbers(gives, 'any')(types)
    return types.every((type) => type === types[0])
      ? { takes: types, gives: gives(types[0]!) }
      : `takes operands of one type, not ${list(types)}`
  }

// --- small helpers for lowerings

export const infix =
  (operator: string): FunctionSpec['sql'] =>
  (writer, operands) =>
    writer.of(operands, (a, b) => `(${a} ${operator} ${b})`)

/** Turns -0 into 0: `-0 + 0` is 0 in IEEE arithmetic, and in every engine. */
export const plusZero = (text: string): string => `(${text} + CAST(0 AS DOUBLE))`
