/**
 * Aggregates: what many events of one entity come to. An aggregate has a meaning only with a window: `.over('3h')`, or
 * `.ever()` for all that is known. Windows are defined in `aggregation/window.ts` and docs/explanation/time-and-values.md.
 */

import type { Duration } from '../kernel/duration.ts'
import { durationMs } from '../kernel/duration.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { express, isExpression } from './builder.ts'
import type {
  AnyExpression,
  BooleanExpression,
  Elements,
  Faces,
  FamilyOf,
  ListExpression,
  NumberExpression,
  TimestampExpression,
} from './faces.ts'
import type { AggregateName, AggregateOptions, Node, Scalar, Type } from './node.ts'
import { isList, typeOf } from './node.ts'

export interface Aggregate<out E extends AnyExpression<'moment'>> {
  readonly node: Node<'aggregate'>
  /** Only events for which the condition is true; missing is not true. A second condition narrows the first. */
  where(condition: BooleanExpression<'event', null>): Aggregate<E>
  /**
   * Over the events of the last `length`. The window's far edge moves in steps of `hop`: 5 minutes below 12 hours, 1 hour below
   * 12 days, 1 day beyond; exact below 5 minutes, or with hop '0', which keeps every event of the window in the online state.
   */
  over(length: Duration, options?: { readonly hop: Duration | '0' }): E
  /** All that is known, without a window. */
  ever(): E
}
/** An aggregate that takes the value of chosen events, whether or not that value is missing. */
export interface Chosen<out E extends AnyExpression<'moment'>> extends Aggregate<E> {
  where(condition: BooleanExpression<'event', null>): Chosen<E>
  /** Pass over events whose value is missing. */
  skipNulls(): Chosen<E>
}

type Quantity = NumberExpression<'event', null>
type Ordered = Quantity | TimestampExpression<'event', null>
type Same<E extends AnyExpression<'event'>> = Faces<'moment', null>[Exclude<FamilyOf<E>, 'list'>]
type Listed<E extends AnyExpression<'event'>> = ListExpression<'moment', FamilyOf<E> & Elements, null>
type Listable = AnyExpression<'event'> & { readonly node: Node }

/** How many events; of an expression, how many for which it is not missing. Of nothing: 0. */
export const count = (of?: AnyExpression<'event'>): Aggregate<NumberExpression<'moment', never>> =>
  aggregate('count', of)
/** Integers: exact, missing beyond int64. Floats: within 2 n 2^-53 of the sum of magnitudes. Of nothing: missing. */
export const sum = (of: Quantity): Aggregate<NumberExpression<'moment', null>> => aggregate('sum', of)
/** Of a condition: the share of events for which it is true. Of nothing: missing. */
export const mean = (of: Quantity | BooleanExpression<'event', null>): Aggregate<NumberExpression<'moment', null>> =>
  aggregate('mean', of)
export const min = <E extends Ordered>(of: E): Aggregate<Same<E>> => aggregate('min', of)
export const max = <E extends Ordered>(of: E): Aggregate<Same<E>> => aggregate('max', of)
/** Of a sample: divided by n - 1. Of fewer than two: missing. */
export const variance = (of: Quantity): Aggregate<NumberExpression<'moment', null>> => aggregate('variance', of)
/** The square root of `variance`. */
export const stddev = (of: Quantity): Aggregate<NumberExpression<'moment', null>> => aggregate('stddev', of)
/** The value of the oldest event, also if that value is missing. */
export const first = <E extends AnyExpression<'event'>>(of: E): Chosen<Same<E>> => chosen('first', of)
/** The value of the newest event, also if that value is missing. */
export const last = <E extends AnyExpression<'event'>>(of: E): Chosen<Same<E>> => chosen('last', of)
/** The values of the oldest n events, oldest first. */
export const firstN = <E extends Listable>(of: E, n: number): Chosen<Listed<E>> => chosen('firstN', of, { n })
/** The values of the newest n events, newest first. */
export const lastN = <E extends Listable>(of: E, n: number): Chosen<Listed<E>> => chosen('lastN', of, { n })
/** How many different values, missing left out. Exact up to 1,024; beyond, an estimate with a standard error of 3.2 %. */
export const distinct = (of: AnyExpression<'event'>): Aggregate<NumberExpression<'moment', never>> =>
  aggregate('distinct', of)
/**
 * The q-quantile, linear between neighbours (type 7), of the values rounded toward zero to 9 significant bits: each within
 * 0.4 % of its value, and exact for whole numbers below 512.
 */
export const quantile = (of: Quantity, q: number): Aggregate<NumberExpression<'moment', null>> =>
  aggregate('quantile', of, { q })
export const median = (of: Quantity): Aggregate<NumberExpression<'moment', null>> => quantile(of, 0.5)
/** The n most frequent values: by count descending, then by value. Missing beyond 4,096 different values. */
export const topN = <E extends Listable>(of: E, n: number): Aggregate<Listed<E>> => aggregate('topN', of, { n })
/** The sum of values that weigh 2^(-age / halfLife), the age taken from the moment asked about. */
export const decayedSum = (of: Quantity, halfLife: Duration): Aggregate<NumberExpression<'moment', null>> =>
  aggregate('decayedSum', of, { halfLife })
/** How many events, each weighing 2^(-age / halfLife). Of nothing: 0. */
export const decayedCount = (halfLife: Duration): Aggregate<NumberExpression<'moment', never>> =>
  aggregate('decayedCount', undefined, { halfLife })

function aggregate<E extends AnyExpression<'moment'>>(
  name: AggregateName,
  of?: AnyExpression<'event'>,
  options: AggregateOptions = {},
): Aggregate<E> {
  return face<E>(nodeOf(name, of === undefined ? null : operandOf(name, of), null, options))
}
function chosen<E extends AnyExpression<'moment'>>(
  name: AggregateName,
  of: AnyExpression<'event'>,
  options: AggregateOptions = {},
): Chosen<E> {
  return face<E>(nodeOf(name, operandOf(name, of), null, options)) as Chosen<E>
}

/** In plain JavaScript a misspelt field is undefined, and a constant may stand where an event's value should. */
function operandOf(name: AggregateName, of: unknown): Node {
  if (isExpression(of)) return of.node
  throw invalid(`${name} takes a field or an expression of fields, not ${of === undefined ? 'nothing' : typeof of}`)
}

function face<E extends AnyExpression<'moment'>>(node: Node<'aggregate'>): Aggregate<E> {
  const methods: Aggregate<E> & { skipNulls(): Aggregate<E> } = {
    node,
    where: (condition) => {
      if (!isExpression(condition) || typeOf(condition.node) !== 'boolean') throw invalid('where takes a condition')
      const both = node.where ? condition.and(express<BooleanExpression<'event', null>>(node.where)) : condition
      return face<E>({ ...node, where: both.node })
    },
    over: (length, options) => {
      const hop = options?.hop
      durationMs(length)
      if (hop !== undefined && hop !== '0') durationMs(hop)
      return express<E>({ kind: 'window', aggregate: node, length, hop: hop ?? null })
    },
    ever: () => express<E>({ kind: 'window', aggregate: node, length: 'ever', hop: null }),
    skipNulls: () => face<E>({ ...node, options: { ...node.options, skipNulls: true } }),
  }
  return Object.freeze(methods)
}

const choosing: readonly AggregateName[] = ['first', 'last', 'firstN', 'lastN']

function nodeOf(
  name: AggregateName,
  of: Node | null,
  where: Node | null,
  options: AggregateOptions,
): Node<'aggregate'> {
  const operand = of === null ? null : typeOf(of)
  const { n, q, halfLife } = options
  if (operand !== null && isList(operand)) throw invalid(`${name} takes a value of one event, not a list`)
  if (n !== undefined && !(Number.isSafeInteger(n) && n >= 1 && n <= 1000))
    throw invalid(`${name} takes a whole number from 1 to 1000, not ${n}`)
  if (q !== undefined && !(q >= 0 && q <= 1)) throw invalid(`${name} takes a quantile from 0 to 1, not ${q}`)
  if (halfLife !== undefined) durationMs(halfLife)
  if (operand === 'duration') throw invalid(`${name} takes a number: say the unit first, as in minutes()`)
  return Object.freeze({
    kind: 'aggregate',
    function: name,
    type: typeGiven(name, operand),
    of,
    where,
    options: Object.freeze(options),
  })
}

function typeGiven(name: AggregateName, operand: Type | null): Type {
  const numeric = operand === 'int64' || operand === 'float64'
  const need = (holds: boolean, what: string): void => {
    if (!holds) throw invalid(`${name} takes ${what}, not ${operand ?? 'nothing'}`)
  }
  switch (name) {
    case 'count':
      return 'int64'
    case 'distinct':
      need(operand !== null, 'a value')
      return 'int64'
    case 'decayedCount':
      return 'float64'
    case 'sum':
      need(numeric, 'a number')
      return operand as Scalar
    case 'mean':
      need(numeric || operand === 'boolean', 'a number or a condition')
      return 'float64'
    case 'variance':
    case 'stddev':
    case 'quantile':
    case 'decayedSum':
      need(numeric, 'a number')
      return 'float64'
    case 'min':
    case 'max':
      need(numeric || operand === 'timestamp', 'a number or an instant')
      return operand as Scalar
    case 'first':
    case 'last':
      need(operand !== null, 'a value')
      return operand as Scalar
    default:
      need(operand !== null, 'a value')
      return `${operand as Scalar}[]`
  }
}

export const keepsNulls = (node: Node<'aggregate'>): boolean =>
  choosing.includes(node.function) && !node.options.skipNulls

const invalid = (what: string): SixfoldError => new SixfoldError('SX_EXPRESSION_INVALID', `In an aggregate: ${what}.`)
