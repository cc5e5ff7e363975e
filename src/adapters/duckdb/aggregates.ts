/**
 * Each aggregate in DuckDB's SQL: what is computed over the events of a window, and what the value is made of. The window itself
 * is the caller's: a frame (`OVER …`), or the rows of a group.
 */
import { sumScale } from '../../aggregation/accumulator.ts'
import { plusZero } from '../../expression/functions/spec.ts'
import type { Node, Scalar } from '../../expression/node.ts'
import { typeOf } from '../../expression/node.ts'
import { duckdb } from '../../expression/targets/duckdb/dialect.ts'
import type { Fragment, Writer } from '../../expression/targets/sql/writer.ts'
import { unreachable } from '../../kernel/assert.ts'
import { durationMs } from '../../kernel/duration.ts'
import { bounds } from '../../kernel/limits.ts'

/** Columns of one event, as SQL. */
export interface EventColumns {
  /** The operand; null for count(). */
  readonly x: string | null
  /** True for an event, missing for a label row or an unmatched one. */
  readonly isEvent: string
  readonly time: string
  /** Orders all events of an entity: greater is newer. */
  readonly rank: string
}

/** One aggregate function to be computed, to be completed by FILTER and OVER. */
export interface Part {
  readonly call: string
  /** Beside the caller's own conditions. */
  readonly filter: string | null
  /** Only events that still weigh anything: see `decaySince`. */
  readonly weighing?: true
}

export interface SqlAggregate {
  readonly parts: readonly Part[]
  /** From the parts' results, each a column, the value. `since`: cut what was chosen to events from then on; null: do not. */
  readonly value: (writer: Writer, parts: readonly Fragment[], moment: Fragment, since: string | null) => Fragment
}

/** `manyDistinct`: some entity has more different values than are counted exactly. */
export function sqlAggregate(
  { function: name, of, options }: Node<'aggregate'>,
  { x, isEvent, time, rank }: EventColumns,
  manyDistinct: boolean,
): SqlAggregate {
  const operand = of === null ? null : (typeOf(of) as Scalar)
  const integral = operand === 'int64' || operand === 'boolean'
  const number = operand === 'boolean' ? `CAST(${x} AS INTEGER)` : x!
  const float = integral ? duckdb.integerToFloat(number) : number
  const scale = duckdb.literal('float64', sumScale)
  const plain = (call: string, filter: string | null = null): Part => ({ call, filter })
  const single = (part: Part, value: (w: Writer, text: string) => Fragment): SqlAggregate => ({
    parts: [part],
    value: (w, [result]) => value(w, result!.text),
  })
  const as = (w: Writer, text: string): Fragment => w.of([], () => text)

  switch (name) {
    case 'count':
      return single(x === null ? plain('count(*)', isEvent) : plain(`count(${x})`), (w, n) =>
        as(w, `coalesce(${n}, 0)`),
      )
    case 'sum':
      return integral
        ? single(plain(`sum(${x})`), (w, s) => as(w, `TRY_CAST(${s} AS BIGINT)`))
        : single(plain(`sum(${x} * ${scale})`), (w, s) => w.finite(as(w, plusZero(`(${s} / ${scale})`))))
    case 'mean':
      return integral
        ? { parts: [plain(`sum(${number})`), plain(`count(${x})`)], value: (w, [s, n]) => ratio(w, s!, n!) }
        : {
            parts: [plain(`sum(${x} * ${scale})`), plain(`count(${x})`)],
            // A sum of nothing is missing, so no count of 0 divides.
            value: (w, [s, n]) => w.finite(w.of([s!, n!], (sum, count) => plusZero(`(${sum} / ${count} / ${scale})`))),
          }
    case 'min':
    case 'max':
      return single(plain(`${name}(${x})`), as)
    case 'variance':
    case 'stddev':
      // covar_samp(x, x) is var_samp(x), which would fail where the result is not finite.
      return single(plain(`covar_samp(${float}, ${float})`), (w, v) => {
        const variance = w.finite(as(w, v))
        return name === 'variance' ? variance : w.of([variance], (text) => `sqrt(${text})`)
      })
    case 'distinct': {
      const counted = plain(`count(DISTINCT ${x})`)
      if (!manyDistinct) return single(counted, (w, n) => as(w, `coalesce(${n}, 0)`))
      const hash = duckdb.hash52(
        operand === 'string'
          ? x!
          : operand === 'float64'
            ? `CAST(CAST(CAST(${x} AS BIT) AS BIGINT) AS VARCHAR)`
            : `CAST(${x} AS VARCHAR)`,
      )
      const kth = bounds.distinctValues + 1
      return {
        parts: [counted, plain(`list(DISTINCT ${hash})`, `${x} IS NOT NULL`)],
        value: (w, [n, hashes]) =>
          w.of([n!, hashes!, n!], (some, all, many) => {
            const estimate = `CAST(floor(${kth - 1} / ((list_sort(${all})[${kth}] + 1) / ${duckdb.literal('float64', 2 ** 52)}) + 0.5) AS BIGINT)`
            return `CASE WHEN coalesce(${some}, 0) < ${kth} THEN coalesce(${many}, 0) ELSE ${estimate} END`
          }),
      }
    }
    case 'quantile':
      return single(plain(`quantile_cont(${nineBits(float)}, ${duckdb.literal('float64', options.q!)})`), (w, v) =>
        w.finite(as(w, v)),
      )
    case 'topN':
      return single(plain(`histogram(${x})`), (w, counts) =>
        w.of([], () => {
          const pairs = `list_sort(list_transform(map_entries(${counts}), lambda e: {c: -CAST(e.value AS BIGINT), k: e.key}))`
          const most = `list_transform(${pairs}, lambda e: e.k)[1:${options.n}]`
          return `CASE WHEN cardinality(${counts}) BETWEEN 1 AND ${bounds.frequentValues} THEN ${most} END`
        }),
      )
    case 'first':
    case 'last':
      return {
        parts: [plain(`${name === 'last' ? 'arg_max' : 'arg_min'}({v: ${x}, t: ${time}}, ${rank})`, isEvent)],
        value: (w, [event], _moment, since) =>
          w.of(
            [event!],
            (e) => `CASE WHEN ${e}.t ${since === null ? 'IS NOT NULL' : `>= ${since}`} THEN ${event!.text}.v END`,
          ),
      }
    case 'firstN':
    case 'lastN':
      return {
        parts: [
          plain(`${name === 'lastN' ? 'arg_max' : 'arg_min'}({v: ${x}, t: ${time}}, ${rank}, ${options.n})`, isEvent),
        ],
        value: (w, [events], _moment, since) =>
          w.of(
            [
              since === null
                ? events!
                : w.once(w.of([events!], (list) => `list_filter(${list}, lambda e: e.t >= ${since})`)),
            ],
            (list) => `CASE WHEN len(${list}) > 0 THEN list_transform(${list}, lambda e: e.v) END`,
          ),
      }
    case 'decayedSum':
    case 'decayedCount':
      return decay(
        durationMs(options.halfLife!),
        x === null ? '1' : float,
        x === null ? isEvent : `${x} IS NOT NULL`,
        time,
        name === 'decayedCount',
      )
    default:
      return unreachable(name)
  }
}

/** A float rounded toward zero to 9 significant bits: the sign, the exponent and 8 bits of the fraction. */
const nineBits = (x: string): string =>
  `(sign(${x}) * CAST(CAST((CAST(CAST(abs(${x}) AS BIT) AS BIGINT) >> 44) << 44 AS BIT) AS DOUBLE))`

/**
 * Sum by count in one rounding, as `kernel/int64.ts` does it: a quotient of about 60 bits, whose lowest bit also stands for
 * all that follow, becomes a float.
 */
function ratio(w: Writer, sum: Fragment, count: Fragment): Fragment {
  const s = w.once(sum)
  const n = w.once(count)
  const shift = w.once(
    w.of([s, n], (total, times) => {
      const bits = `floor(log2(CAST(abs(${total}) AS DOUBLE) / ${times}))`
      return `(CASE WHEN abs(${total}) > 9007199254740991 THEN CAST(greatest(0, 60 - ${bits}) AS INTEGER) END)`
    }),
  )
  const scaled = w.once(w.of([s, shift], (total, by) => `(abs(CAST(${total} AS HUGEINT)) << ${by})`))
  const quotient = w.once(w.of([scaled, n], (value, times) => `(${value} // nullif(${times}, 0))`))
  return w.repeat([s, n, shift, scaled, quotient], (total, times, by, value, whole) => {
    const sticky = `(${whole} + CASE WHEN ${whole} % 2 = 0 AND ${whole} * ${times} <> ${value} THEN 1 ELSE 0 END)`
    const exact = `sign(${total}) * CAST(${sticky} AS DOUBLE) * pow(CAST(2 AS DOUBLE), -${by})`
    return `(CASE WHEN ${value} IS NOT NULL THEN ${exact} ELSE CAST(${total} AS DOUBLE) / nullif(${times}, 0) END)`
  })
}

/** So many half-lives make a block: within one, no weight overflows. */
const blockLives = 160
/** Blocks that are told apart. What lies further back than 7 blocks, 1,120 half-lives, weighs less than 2^-1120 and is left out. */
const blockCount = 8

/** The first instant whose events still weigh anything, as SQL over the label's moment. */
export const decaySince = (halfLifeMs: number, moment: string): string => {
  const block = BigInt(halfLifeMs) * BigInt(blockLives)
  return `((${moment} + ${blockOffset(block)}) // ${block} - ${blockCount - 1}) * ${block} - ${blockOffset(block)}`
}
/** A multiple of the block beyond which no dividend is negative, so that division rounds down. */
const blockOffset = (block: bigint): bigint =>
  ((62_135_596_800_000n + 864_000_000_000n) / block + BigInt(blockCount) + 1n) * block

/**
 * A decayed sum as plain sums, which DuckDB's frames can merge: events are weighed from the start of their block of time, a sum
 * is kept for each block modulo 8, and each is brought to the moment asked about from where its block starts.
 */
function decay(halfLifeMs: number, x: string, present: string, time: string, emptyIsZero: boolean): SqlAggregate {
  const block = BigInt(halfLifeMs) * BigInt(blockLives)
  const offset = blockOffset(block)
  const counted = `((${time} + ${offset}) // ${block})`
  const intoBlock = `((${time} + ${offset}) % ${block})`
  // Scaled far down, since a weight from the start of a block may be as large as 2^160.
  const term = `${x} * pow(CAST(2 AS DOUBLE), ${intoBlock} / CAST(${halfLifeMs} AS DOUBLE) - 220)`
  const residues = Array.from({ length: blockCount }, (_, i) => i)
  return {
    parts: [
      { call: 'count(*)', filter: present },
      ...residues.map(
        (i): Part => ({
          call: `sum(${term})`,
          filter: `${present} AND ${counted} % ${blockCount} = ${i}`,
          weighing: true,
        }),
      ),
    ],
    value: (w, [n, ...sums], moment) => {
      const current = w.once(w.of([moment], (t) => `((${t} + ${offset}) // ${block})`))
      const total = w.of([moment, current, ...sums], (t, _c, ...texts) => {
        const since = (i: number): string =>
          `(${t} + ${offset} - (${current.text} - (${current.text} - ${i}) % ${blockCount}) * ${block})`
        return texts
          .map(
            (text, i) =>
              `coalesce(${text} * pow(CAST(2 AS DOUBLE), 220 - ${since(i)} / CAST(${halfLifeMs} AS DOUBLE)), 0)`,
          )
          .join(' + ')
      })
      const finite = w.finite(total)
      return w.of(
        [n!, finite],
        (count, sum) =>
          `CASE WHEN coalesce(${count}, 0) > 0 THEN ${sum} ${emptyIsZero ? 'ELSE CAST(0 AS DOUBLE) ' : ''}END`,
      )
    },
  }
}
