/**
 * What a user writes in a callback: typed faces over nodes, one interface a family, so that an editor offers `hour()` on an
 * instant and nothing else. Two type parameters carry the meaning:
 *   G, the grain: 'event' (one row of a source) or 'moment' (a value at the instant asked about). The two never mix.
 *   N, missing:   `null` where the value may be missing, `never` where it cannot be. Nullability of a result is `N | M`.
 *
 * The faces are written by hand because they are the documentation; one generated prototype (`builder.ts`) implements them all,
 * and `functions/standard.ts` is typed over their methods, so that the two cannot drift apart.
 *
 * Rules for all of them (docs/explanation/time-and-values.md): a missing operand makes the result missing unless the method
 * says otherwise; whatever has no finite result (division by zero, the root of -1, an overflow) is missing.
 */
import type { Node, Scalar } from './node.ts'

export type Grain = 'event' | 'moment'
export type Family = 'boolean' | 'number' | 'string' | 'timestamp' | 'duration' | 'list'
declare const meaning: unique symbol

export interface Expression<out G extends Grain, out F extends Family, out V> {
  readonly node: Node
  /** Exists for the type checker alone. */
  readonly [meaning]: { readonly grain: G; readonly family: F; readonly value: V }
}
export type AnyExpression<G extends Grain> = Expression<G, Family, unknown>
export type ValueOf<E extends AnyExpression<Grain>> = E[typeof meaning]['value']
export type FamilyOf<E extends AnyExpression<Grain>> = E[typeof meaning]['family']

export type Numeric<G extends Grain, N extends null> = number | NumberExpression<G, N>
export type Logical<G extends Grain, N extends null> = boolean | BooleanExpression<G, N>
export type Textual<G extends Grain, N extends null, T extends string = string> = T | StringExpression<G, N, T>
export type Instant<G extends Grain, N extends null> = Date | TimestampExpression<G, N>

export interface NumberExpression<out G extends Grain, out N extends null> extends Expression<G, 'number', number | N> {
  isMissing(): BooleanExpression<G, never>
  orElse<M extends null = never>(other: Numeric<G, M>): NumberExpression<G, M>

  /** Integers give an integer, which is missing beyond int64; with a float among them, a float. */
  plus<M extends null = never>(other: Numeric<G, M>): NumberExpression<G, N | M>
  minus<M extends null = never>(other: Numeric<G, M>): NumberExpression<G, N | M>
  times<M extends null = never>(other: Numeric<G, M>): NumberExpression<G, N | M>
  /** Always a float. Division by zero is missing, so the result may always be. */
  dividedBy(other: Numeric<G, null>): NumberExpression<G, null>
  /** Rounded down: -7 by 2 is -4. By zero: missing. */
  floorDividedBy(other: Numeric<G, null>): NumberExpression<G, null>
  /** With the sign of the divisor: -7 modulo 3 is 2. By zero: missing. */
  modulo(other: Numeric<G, null>): NumberExpression<G, null>
  negate(): NumberExpression<G, N>
  absolute(): NumberExpression<G, N>
  /** -1, 0 or 1. */
  sign(): NumberExpression<G, N>
  /** Halves away from zero. */
  round(): NumberExpression<G, N>
  floor(): NumberExpression<G, N>
  ceiling(): NumberExpression<G, N>
  /** Of a negative number: missing. */
  squareRoot(): NumberExpression<G, null>
  /** e to this power; missing when too large. */
  exponential(): NumberExpression<G, null>
  /** Natural logarithm; of zero or less: missing. */
  logarithm(): NumberExpression<G, null>
  power(exponent: Numeric<G, null>): NumberExpression<G, null>
  /** The smaller of the two. */
  least<M extends null = never>(other: Numeric<G, M>): NumberExpression<G, N | M>
  greatest<M extends null = never>(other: Numeric<G, M>): NumberExpression<G, N | M>
  clamp(low: number, high: number): NumberExpression<G, N>

  /** (x - mean) / deviation, with constants from training. */
  standardize(mean: number, deviation: number): NumberExpression<G, N>
  /** (x - low) / (high - low): 0 at `low`, 1 at `high`; not clipped. */
  rescale(low: number, high: number): NumberExpression<G, N>
  /** How many of the edges, which ascend, are at or below: 0 for the first bucket, and so on. */
  bucket(...edges: readonly [number, ...number[]]): NumberExpression<G, N>

  gt<M extends null = never>(other: Numeric<G, M>): BooleanExpression<G, N | M>
  gte<M extends null = never>(other: Numeric<G, M>): BooleanExpression<G, N | M>
  lt<M extends null = never>(other: Numeric<G, M>): BooleanExpression<G, N | M>
  lte<M extends null = never>(other: Numeric<G, M>): BooleanExpression<G, N | M>
  eq<M extends null = never>(other: Numeric<G, M>): BooleanExpression<G, N | M>
  ne<M extends null = never>(other: Numeric<G, M>): BooleanExpression<G, N | M>
  /** Both ends included. */
  between(low: number, high: number): BooleanExpression<G, N>
  oneOf(...values: readonly [number, ...number[]]): BooleanExpression<G, N>

  /** Rounded down; missing beyond int64. */
  toInteger(): NumberExpression<G, null>
  toFloat(): NumberExpression<G, N>
  /** False for 0, true for all else. */
  toBoolean(): BooleanExpression<G, N>
  /** Digits of an integer. Floats have no text that every engine agrees on: round and `toInteger` first. */
  toText(): StringExpression<G, N>
  /** Whole milliseconds since the epoch as an instant; missing outside the years that an instant can have. */
  toTimestamp(): TimestampExpression<G, null>
}

export interface BooleanExpression<out G extends Grain, out N extends null>
  extends Expression<G, 'boolean', boolean | N> {
  isMissing(): BooleanExpression<G, never>
  orElse<M extends null = never>(other: Logical<G, M>): BooleanExpression<G, M>
  /** Three-valued: false and missing is false. */
  and<M extends null = never>(other: Logical<G, M>): BooleanExpression<G, N | M>
  /** Three-valued: true or missing is true. */
  or<M extends null = never>(other: Logical<G, M>): BooleanExpression<G, N | M>
  not(): BooleanExpression<G, N>
  eq<M extends null = never>(other: Logical<G, M>): BooleanExpression<G, N | M>
  /** A missing condition chooses `no`. Not called `then`: that would make an expression awaitable. */
  choose<M extends null = never>(yes: Numeric<G, M>, no: Numeric<G, M>): NumberExpression<G, M>
  choose<const T extends string, M extends null = never>(
    yes: Textual<G, M, T>,
    no: Textual<G, M, T>,
  ): StringExpression<G, M, T>
  /** 1 and 0, as an integer. */
  toInteger(): NumberExpression<G, N>
  toFloat(): NumberExpression<G, N>
  /** 'true' and 'false'. */
  toText(): StringExpression<G, N>
}

export interface StringExpression<out G extends Grain, out N extends null, out T extends string = string>
  extends Expression<G, 'string', T | N> {
  isMissing(): BooleanExpression<G, never>
  orElse<const U extends string, M extends null = never>(other: Textual<G, M, U>): StringExpression<G, M, T | U>
  eq<M extends null = never>(other: Textual<G, M>): BooleanExpression<G, N | M>
  ne<M extends null = never>(other: Textual<G, M>): BooleanExpression<G, N | M>
  oneOf(...values: readonly [string, ...string[]]): BooleanExpression<G, N>
  /** Letter by letter, without regard to language or neighbours. */
  lower(): StringExpression<G, N>
  /** In code points. */
  length(): NumberExpression<G, N>
  /** Unlike SQL's function of that name, missing if either is. */
  concat<M extends null = never>(other: Textual<G, M>): StringExpression<G, N | M>
  contains(part: string): BooleanExpression<G, N>
  startsWith(prefix: string): BooleanExpression<G, N>
  endsWith(suffix: string): BooleanExpression<G, N>
  /** A bucket from 0 to n - 1: the first 52 bits of the MD5 of the UTF-8 bytes, modulo n. The same in every engine, for ever. */
  hashBucket(n: number): NumberExpression<G, N>
  /** The position among the values, from 0; missing for any other. */
  ordinal(...values: readonly [string, ...string[]]): NumberExpression<G, null>
  /**
   * One 0-or-1 entry a value, for a vector: `{ airline: keys.carrier.oneHot('UA', 'AA') }` becomes airline_UA and airline_AA.
   * Missing and unknown are 0 everywhere.
   */
  oneHot<const U extends readonly [string, ...string[]]>(
    ...values: U
  ): { readonly [P in U[number]]: NumberExpression<G, never> }
  /** Decimal digits with an optional sign; missing for any other text and beyond int64. */
  toInteger(): NumberExpression<G, null>
  /** A decimal number, with an optional exponent; missing for any other text. */
  toFloat(): NumberExpression<G, null>
}

export interface TimestampExpression<out G extends Grain, out N extends null>
  extends Expression<G, 'timestamp', number | N> {
  isMissing(): BooleanExpression<G, never>
  orElse<M extends null = never>(other: Instant<G, M>): TimestampExpression<G, M>
  year(): NumberExpression<G, N>
  /** 1 to 12, in UTC. */
  month(): NumberExpression<G, N>
  /** Day of the month, 1 to 31, in UTC. */
  day(): NumberExpression<G, N>
  /** 1 (Monday) to 7, in UTC. */
  weekday(): NumberExpression<G, N>
  /** 0 to 23, in UTC. */
  hour(): NumberExpression<G, N>
  /** 0 to 59. */
  minute(): NumberExpression<G, N>
  before<M extends null = never>(other: Instant<G, M>): BooleanExpression<G, N | M>
  after<M extends null = never>(other: Instant<G, M>): BooleanExpression<G, N | M>
  since<M extends null = never>(other: Instant<G, M>): DurationExpression<G, N | M>
  /** Milliseconds since the epoch, as an integer. */
  toInteger(): NumberExpression<G, N>
}

/** A length of time is no number until its unit is said. */
export interface DurationExpression<out G extends Grain, out N extends null>
  extends Expression<G, 'duration', number | N> {
  isMissing(): BooleanExpression<G, never>
  seconds(): NumberExpression<G, N>
  minutes(): NumberExpression<G, N>
  hours(): NumberExpression<G, N>
  days(): NumberExpression<G, N>
}

/** Several values in order: what `lastN` and `topN` give. Missing when there are none, never empty. */
export interface ListExpression<out G extends Grain, F extends Elements, out N extends null>
  extends Expression<G, 'list', readonly (ElementValues[F] | null)[] | N> {
  isMissing(): BooleanExpression<G, never>
  /** How many there are; of a missing list, missing. */
  size(): NumberExpression<G, N>
  /** The value at a position from 0; missing beyond the end. */
  at(index: number): Faces<G, null>[F]
}
export type Elements = 'boolean' | 'number' | 'string' | 'timestamp'
interface ElementValues {
  boolean: boolean
  number: number
  string: string
  timestamp: number
}

/** Scalar or family → face. Looked up, never inferred: this is what keeps checking fast. */
export interface Faces<G extends Grain, N extends null> {
  boolean: BooleanExpression<G, N>
  int64: NumberExpression<G, N>
  float64: NumberExpression<G, N>
  number: NumberExpression<G, N>
  string: StringExpression<G, N>
  timestamp: TimestampExpression<G, N>
  duration: DurationExpression<G, N>
}

/** What may be written where a scalar is wanted, beside an expression. */
export interface Literals {
  boolean: boolean
  int64: number | bigint
  float64: number
  string: string
  timestamp: Date
  duration: never
}
export type Operand<S extends Scalar, G extends Grain, N extends null> = Literals[S] | Faces<G, N>[S]

interface AllFaces extends Faces<Grain, null> {
  list: ListExpression<Grain, Elements, null>
}
type MethodsOf<F> = Exclude<keyof F, keyof Expression<Grain, Family, unknown>>
/** Every method of every face. `oneHot` gives no expression but a record of them, and is the builder's own. */
export type Method = Exclude<{ [F in Family]: MethodsOf<AllFaces[F]> }[Family], 'oneHot'>
