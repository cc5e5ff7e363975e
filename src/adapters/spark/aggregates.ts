/**
 * Each aggregate in Spark's SQL, over the events of a window that end at one instant. What Spark cannot say exactly, or only with memory
 * that grows with an entity's events, is refused by its name.
 */
import { sumScale } from '../../aggregation/accumulator.ts'
import { plusZero } from '../../expression/functions/spec.ts'
import type { Node, Scalar } from '../../expression/node.ts'
import { typeOf } from '../../expression/node.ts'
import { spark, unsupported } from '../../expression/targets/spark/dialect.ts'
import type { Fragment, Writer } from '../../expression/targets/sql/writer.ts'
import { unreachable } from '../../kernel/assert.ts'
import { durationMs } from '../../kernel/duration.ts'
import { bounds } from '../../kernel/limits.ts'

/** Columns of one event, as SQL. */
export interface EventColumns {
  /** The operand; null for count(). */
  readonly x: string | null
  readonly time: string
  /** A struct by which the events of an entity are in order, oldest first. */
  readonly rank: string
}

export interface SparkAggregate {
  /** Aggregate functions, to be completed by FILTER. */
  readonly parts: readonly string[]
  /** From the parts' results, which are missing for an entity without events, the value. `since`: cut what was chosen to events from then on. */
  readonly value: (writer: Writer, parts: readonly Fragment[], since: number | null) => Fragment
}

export function sparkAggregate(
  { function: name, of, options }: Node<'aggregate'>,
  { x, time, rank }: EventColumns,
  moment: number,
): SparkAggregate {
  const operand = of === null ? null : (typeOf(of) as Scalar)
  const integral = operand === 'int64' || operand === 'boolean'
  const number = operand === 'boolean' ? `CAST(${x} AS BIGINT)` : x!
  const float = integral ? spark.integerToFloat(number) : number
  const wide = `sum(CAST(${number} AS DECIMAL(38, 0)))`
  const scale = spark.literal('float64', sumScale)
  const single = (part: string, value: (w: Writer, result: Fragment) => Fragment): SparkAggregate => ({
    parts: [part],
    value: (w, [result]) => value(w, result!),
  })
  const orZero = (w: Writer, n: Fragment): Fragment => w.of([n], (text) => `coalesce(${text}, CAST(0 AS BIGINT))`)

  switch (name) {
    case 'count':
      return single(x === null ? 'count(*)' : `count(${x})`, orZero)
    case 'sum':
      return integral
        ? single(wide, (w, s) => w.of([s], (text) => `try_cast(${text} AS BIGINT)`))
        : single(`sum(${x} * ${scale})`, (w, s) => w.finite(w.of([s], (text) => plusZero(`(${text} / ${scale})`))))
    case 'mean':
      return {
        parts: [integral ? wide : `sum(${x} * ${scale})`, `count(${x})`],
        value: (w, [s, n]) =>
          w.finite(
            w.of([s!, n!], (sum, count) =>
              integral
                ? `(CAST(${sum} AS DOUBLE) / CAST(${count} AS DOUBLE))`
                : plusZero(`(${sum} / CAST(${count} AS DOUBLE) / ${scale})`),
            ),
          ),
      }
    case 'min':
    case 'max':
      return single(`${name}(${x})`, (_, result) => result)
    case 'variance':
    case 'stddev':
      return single(`var_samp(${float})`, (w, v) => {
        const variance = w.finite(v)
        return name === 'variance' ? variance : w.of([variance], (text) => `sqrt(${text})`)
      })
    case 'distinct':
      return single(`count(DISTINCT ${x})`, (w, n) =>
        w.repeat(
          [n],
          (text) =>
            `(CASE WHEN ${text} > ${bounds.distinctValues} THEN CAST(raise_error('SX_EXPRESSION_UNSUPPORTED: an entity has more than ${bounds.distinctValues} different values, of which distinct() is an estimate that Spark does not make.') AS BIGINT) ELSE coalesce(${text}, CAST(0 AS BIGINT)) END)`,
        ),
      )
    case 'first':
    case 'last':
      return {
        parts: [`${name === 'last' ? 'max_by' : 'min_by'}(named_struct('v', ${x}, 't', ${time}), ${rank})`],
        value: (w, [event], since) =>
          since === null
            ? w.of([event!], (text) => `${text}.v`)
            : w.repeat([event!], (text) => `(CASE WHEN ${text}.t >= ${since} THEN ${text}.v END)`),
      }
    case 'decayedSum':
    case 'decayedCount': {
      const age = `CAST(${time} - ${moment} AS DOUBLE) / CAST(${durationMs(options.halfLife!)} AS DOUBLE)`
      const weight = `pow(CAST(2 AS DOUBLE), ${age})`
      return single(x === null ? `sum(${weight})` : `sum(${float} * ${weight})`, (w, s) =>
        name === 'decayedCount' ? w.of([s], (text) => `coalesce(${text}, CAST(0 AS DOUBLE))`) : w.finite(s),
      )
    }
    case 'quantile':
      throw unsupported('quantile()', 'it is taken of numbers rounded bit by bit')
    case 'topN':
    case 'firstN':
    case 'lastN':
      throw unsupported(`${name}()`, "it would hold all of an entity's events at once")
    default:
      return unreachable(name)
  }
}
