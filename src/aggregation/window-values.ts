/** For each aggregate over a window: what it needs kept, and how its value is read from that. */
import type { AggregateName, Node, Scalar, Value } from '../expression/node.ts'
import { typeOf } from '../expression/node.ts'
import { unreachable } from '../kernel/assert.ts'
import { durationMs } from '../kernel/duration.ts'
import { sumScale } from './accumulator.ts'
import { decayed, decayedAt } from './accumulators/decay.ts'
import { floatAt, floatExtreme, integerAt, integerExtreme } from './accumulators/extremes.ts'
import { moments, varianceAt } from './accumulators/moments.ts'
import {
  distinct,
  distinctAt,
  distinctFloats,
  frequent,
  frequentAt,
  quantileAt,
  rounded,
} from './accumulators/sketches.ts'
import { count, floatSum, integerMean, integerSum, integerTotal, trues } from './accumulators/sums.ts'
import type { Demands, Layout, PendingUnit } from './demands.ts'
import type { Located, WindowValue } from './layout.ts'
import type { Window } from './window.ts'
import { windowOf } from './window.ts'

/** A value of which the units are not laid out yet. */
export interface PendingReading {
  readonly units: readonly PendingUnit[]
  readonly window: Window | null
  readonly value: (layout: Layout) => WindowValue
}

const choosing: readonly AggregateName[] = ['first', 'last', 'firstN', 'lastN']

/** What a window node needs kept, and how its value is read from that. */
export function readingOf(node: Node<'window'>, ttlMs: number | null, demands: Demands): PendingReading {
  const { function: name, of, where, options, type } = node.aggregate
  const declared = windowOf(node)
  // A time-to-live is an exact window over what is chosen from all that is known.
  const window = declared ?? (ttlMs !== null && choosing.includes(name) ? { lengthMs: ttlMs, hopMs: 1 } : null)
  const x = of === null ? null : demands.argument(of)
  const operand = of === null ? null : (typeOf(of) as Scalar)
  const w = where === null ? null : demands.argument(where)
  const one = (unit: PendingUnit, value: (at: Located, moment: number, since: number) => Value): PendingReading => ({
    units: [unit],
    window,
    value: () => (at, moment, since) => value(at[0]!, moment, since),
  })

  switch (name) {
    case 'count':
      return one(
        demands.plain('count', x, w, window, () => count),
        ({ cells, f }) => cells.flat[f]!,
      )
    case 'sum':
      return operand === 'int64'
        ? one(
            demands.plain('integerSum', x, w, window, () => integerSum(x!)),
            ({ cells, f }) => integerTotal(cells, f),
          )
        : one(
            demands.plain('floatSum', x, w, window, () => floatSum(x!)),
            ({ cells, f }) => finite(cells.flat[f]! / sumScale),
          )
    case 'mean': {
      const counted = demands.plain('count', x, w, window, () => count)
      if (operand === 'float64')
        return {
          units: [demands.plain('floatSum', x, w, window, () => floatSum(x!)), counted],
          window,
          value: () => (at) => finite(slot(at[0]!) / slot(at[1]!) / sumScale),
        }
      if (operand === 'boolean')
        return {
          units: [demands.plain('trues', x, w, window, () => trues(x!)), counted],
          window,
          value: () => (at) => finite(slot(at[0]!) / slot(at[1]!)),
        }
      return {
        units: [demands.plain('integerSum', x, w, window, () => integerSum(x!)), counted],
        window,
        value: () => (at) => integerMean(at[0]!.cells, at[0]!.f, slot(at[1]!)),
      }
    }
    case 'min':
    case 'max':
      return operand === 'int64'
        ? one(
            demands.plain(`integer ${name}`, x, w, window, () => integerExtreme(name, x!)),
            ({ cells, f }) => integerAt(cells, f),
          )
        : one(
            demands.plain(`float ${name}`, x, w, window, () => floatExtreme(name, x!)),
            ({ cells, f }) => floatAt(cells, f),
          )
    case 'variance':
    case 'stddev': {
      const root = name === 'stddev'
      return one(
        demands.plain('moments', x, w, window, () => moments(x!)),
        ({ cells, f }) => {
          const variance = varianceAt(cells, f)
          return variance === null || !root ? variance : Math.sqrt(variance as number)
        },
      )
    }
    case 'distinct':
      return one(
        demands.plain(
          'distinct',
          x,
          w,
          window,
          () => (operand === 'float64' ? distinctFloats(x!) : distinct(x!)),
          true,
        ),
        ({ cells, r }) => distinctAt(cells, r),
      )
    case 'quantile':
      return one(
        demands.plain('rounded', x, w, window, () => rounded(x!), true),
        ({ cells, r }) => quantileAt(cells, r, options.q!),
      )
    case 'topN':
      return one(
        demands.plain('frequent', x, w, window, () => frequent(x!), true),
        ({ cells, r }) => frequentAt(cells, r, options.n!, type),
      )
    case 'decayedSum':
    case 'decayedCount': {
      const halfLifeMs = durationMs(options.halfLife!)
      const empty = name === 'decayedCount' ? 0 : null
      return one(
        demands.plain(`decayed ${halfLifeMs}`, x, w, window, () => decayed(halfLifeMs, x)),
        ({ cells, f }, moment) => decayedAt(cells, f, halfLifeMs, moment) ?? empty,
      )
    }
    case 'first':
    case 'last': {
      const unit = demands.chosen(name === 'last' ? 'newest' : 'oldest', x!, w, options.skipNulls === true, 1, window)
      return {
        units: [unit],
        window,
        value: (layout) => {
          const accumulator = layout.chosenOf(unit)
          return (places, _moment, since) => {
            const { cells, f, r } = places[0]!
            return accumulator.value(cells, f, r, unit.which, since) ?? null
          }
        },
      }
    }
    case 'firstN':
    case 'lastN': {
      const n = options.n!
      const unit = demands.chosen(name === 'lastN' ? 'newest' : 'oldest', x!, w, options.skipNulls === true, n, window)
      return {
        units: [unit],
        window,
        value: (layout) => {
          const accumulator = layout.chosenOf(unit)
          return (places, _moment, since) => {
            const { cells, f, r } = places[0]!
            const values = accumulator.values(cells, f, r, unit.which, since, n)
            return values.length === 0 ? null : values
          }
        },
      }
    }
    default:
      return unreachable(name)
  }
}

const slot = ({ cells, f }: Located): number => cells.flat[f]!
const finite = (value: number): Value => (value - value === 0 ? value + 0 : null)
