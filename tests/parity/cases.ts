/**
 * Arbitrary cases: a source with its rules of time, a history with everything that goes wrong (ties, late arrivals, missing
 * values and keys, repeated ids, events on the edges of windows), a view, and instants to ask about.
 */
import fc from 'fast-check'
import { entity } from '../../src/definition/entity.ts'
import type { Fields } from '../../src/definition/field.ts'
import type { Source } from '../../src/definition/source.ts'
import { parquet, source } from '../../src/definition/source.ts'
import type { AnyView } from '../../src/definition/view.ts'
import { view } from '../../src/definition/view.ts'
import * as aggregates from '../../src/expression/aggregates.ts'
import { call, express, moment } from '../../src/expression/builder.ts'
import type { AnyExpression, BooleanExpression } from '../../src/expression/faces.ts'
import type { Scalar } from '../../src/expression/node.ts'
import { typeOf } from '../../src/expression/node.ts'
import type { Duration } from '../../src/kernel/duration.ts'
import { columnTypes, exact, interesting } from './expressions.ts'
import type { Row } from './oracle/feature.ts'

export const fields = {
  k: 'string?',
  n: 'int64?',
  at: 'timestamp?',
  arrived: 'timestamp?',
  q: 'int64?',
  id: 'string?',
  ...Object.fromEntries(Object.entries(columnTypes).map(([name, type]) => [name, `${type}?`])),
} as Fields

export interface Case {
  readonly view: AnyView
  readonly history: readonly Row[]
  readonly labels: readonly { readonly k: string | null; readonly n: bigint | null; readonly moment: number }[]
  /** How long before it becomes visible each event is pushed, and how far clocks may differ. */
  readonly leads: readonly number[]
  readonly skewMs: number
}

const minute = 60_000
const lengths = ['1m', '4m', '5m', '30m', '1h', '3h', '11h', '12h', '1d', '11d', '12d', '40d'] as const
const hops = [undefined, '0', '1m', '7m', '1h'] as const

type Any = AnyExpression<'event'>
type Moment = AnyExpression<'moment'>

const keyParts = fc.record({
  k: fc.option(fc.constantFrom('1', '12', '', 'é'), { freq: 12 }),
  n: fc.option(fc.constantFrom(23n, 3n, -1n, 2n ** 60n), { freq: 12 }),
})

const sources: fc.Arbitrary<Source> = fc
  .record({
    known: fc.constantFrom<object[]>(
      {},
      {},
      { known: { after: '1s' } },
      { known: { after: '10m' } },
      { known: { after: '2h' } },
      { known: { at: 'arrived' } },
      { known: { at: 'arrived' } },
    ),
    sequence: fc.constantFrom<object[]>({}, {}, { sequence: 'q' }),
    id: fc.constantFrom<object[]>({}, {}, {}, { id: 'id' }),
    asOf: fc.constantFrom<object[]>({}, {}, {}, { asOf: 'inclusive' }),
  })
  .map(({ known, sequence, id, asOf }) =>
    source('events', {
      fields,
      time: 'at',
      zone: 'UTC',
      history: parquet('history.parquet'),
      ...known,
      ...sequence,
      ...id,
      ...asOf,
    } as never),
  )

/** Shallow, and biased to a column itself. */
const operand = (type: Exclude<Scalar, 'duration'>): fc.Arbitrary<Any> =>
  fc.oneof(
    {
      arbitrary: fc
        .constantFrom(...Object.keys(columnTypes).filter((name) => columnTypes[name] === type))
        .map((name) => express<Any>({ kind: 'column', name, type, nullable: true })),
      weight: 3,
    },
    { arbitrary: exact[type] as fc.Arbitrary<Any>, weight: 1 },
  )
const numeric = fc.oneof(operand('float64'), operand('float64'), operand('int64'))
const anything = fc.oneof(numeric, operand('string'), operand('boolean'), operand('timestamp'))

const aggregate: fc.Arbitrary<{ over(length: Duration, options?: { hop: Duration | '0' }): Moment; ever(): Moment }> =
  fc
    .tuple(
      fc.oneof(
        fc.constant(aggregates.count()),
        anything.map((of) => aggregates.count(of)),
        numeric.map((of) => aggregates.sum(of as never)),
        fc.oneof(numeric, operand('boolean')).map((of) => aggregates.mean(of as never)),
        fc.oneof(numeric, operand('timestamp')).map((of) => aggregates.min(of as never)),
        fc.oneof(numeric, operand('timestamp')).map((of) => aggregates.max(of as never)),
        numeric.map((of) => aggregates.variance(of as never)),
        numeric.map((of) => aggregates.stddev(of as never)),
        anything.map((of) => aggregates.first(of)),
        anything.map((of) => aggregates.last(of)),
        anything.map((of) => aggregates.last(of)),
        anything.map((of) => aggregates.last(of).skipNulls()),
        anything.map((of) => aggregates.first(of).skipNulls()),
        fc.tuple(anything, fc.integer({ min: 1, max: 4 })).map(([of, n]) => aggregates.lastN(of, n)),
        fc.tuple(anything, fc.integer({ min: 1, max: 4 })).map(([of, n]) => aggregates.firstN(of, n)),
        fc.tuple(anything, fc.integer({ min: 1, max: 4 })).map(([of, n]) => aggregates.lastN(of, n).skipNulls()),
        anything.map((of) => aggregates.distinct(of)),
        fc.tuple(numeric, fc.constantFrom(0, 0.1, 0.5, 0.9, 1)).map(([of, q]) => aggregates.quantile(of as never, q)),
        fc.tuple(anything, fc.integer({ min: 1, max: 3 })).map(([of, n]) => aggregates.topN(of, n)),
        fc
          .tuple(operand('float64'), fc.constantFrom('1m', '1h', '3d'))
          .map(([of, h]) => aggregates.decayedSum(of as never, h as Duration)),
        fc.constantFrom('1m', '1h', '3d').map((h) => aggregates.decayedCount(h as Duration)),
      ) as fc.Arbitrary<aggregates.Aggregate<Moment>>,
      fc.option(exact.boolean as fc.Arbitrary<BooleanExpression<'event', null>>, { freq: 2 }),
    )
    .map(([one, where]) => (where === null ? one : one.where(where)))

const windowed: fc.Arbitrary<Moment> = fc
  .tuple(aggregate, fc.option(fc.tuple(fc.constantFrom(...lengths), fc.constantFrom(...hops)), { freq: 5 }))
  .map(([one, window]) =>
    window === null ? one.ever() : one.over(window[0], window[1] === undefined ? undefined : { hop: window[1] }),
  )

/** Mostly windows themselves; sometimes an expression over them, where their values are exact. */
const features: fc.Arbitrary<Readonly<Record<string, Moment>>> = fc
  .tuple(fc.array(windowed, { minLength: 1, maxLength: 7 }), fc.boolean())
  .map(([list, derived]) => ({
    ...Object.fromEntries(list.map((feature, i) => [`f${i}`, feature])),
    ...(derived
      ? {
          age: express<Moment>(
            call('since', [
              moment(),
              aggregates.last(express<Any>({ kind: 'column', name: 'at', type: 'timestamp', nullable: true })).ever(),
            ]),
          ),
        }
      : {}),
    ...(derived && ['int64', 'boolean', 'string'].includes(typeOf(list[0]!.node))
      ? { g: express<Moment>(call('isMissing', [list[0]!])) }
      : {}),
  }))

const views: fc.Arbitrary<AnyView> = fc
  .tuple(sources, features, fc.constantFrom(undefined, undefined, '30m', '2d'), fc.boolean())
  .map(([from, made, ttl, composite]) => {
    const needed = composite ? ({ k: 'string', n: 'int64' } as const) : ({ k: 'string' } as const)
    const cut = Object.values(made).some(
      (feature) =>
        feature.node.kind === 'window' &&
        feature.node.length === 'ever' &&
        ['first', 'last', 'firstN', 'lastN'].includes(feature.node.aggregate.function),
    )
    return view('v', {
      entity: entity('e', { key: needed }),
      source: from,
      features: () => made,
      ...(ttl !== undefined && cut ? { ttl } : {}),
    } as never) as AnyView
  })

/** Instants that lie on and beside the edges of hops and windows, around an origin that may lie before the epoch. */
const offset = fc.oneof(
  fc
    .tuple(
      fc.integer({ min: -30, max: 30 }),
      fc.constantFrom(5 * minute, minute, 60 * minute, 1440 * minute),
      fc.constantFrom(-1, 0, 1),
    )
    .map(([n, unit, nudge]) => n * unit + nudge),
  fc.integer({ min: -120 * minute, max: 120 * minute }),
)
const small = {
  x: fc.option(
    fc.oneof(
      { arbitrary: fc.integer({ min: -300, max: 300 }).map((n) => n / 8), weight: 4 },
      { arbitrary: interesting.float64, weight: 1 },
    ),
    { freq: 5 },
  ),
  y: fc.option(interesting.float64, { freq: 5 }),
  i: fc.option(
    fc.oneof(
      { arbitrary: fc.integer({ min: -5, max: 700 }).map(BigInt), weight: 4 },
      { arbitrary: interesting.int64.map(BigInt), weight: 1 },
    ),
    { freq: 5 },
  ),
  j: fc.option(interesting.int64.map(BigInt), { freq: 5 }),
  s: fc.option(fc.constantFrom('', 'a', 'b', 'c', '12', 'é'), { freq: 5 }),
  t: fc.option(interesting.string, { freq: 5 }),
  b: fc.option(fc.boolean(), { freq: 5 }),
  c: fc.option(fc.boolean(), { freq: 5 }),
  u: fc.option(interesting.timestamp, { freq: 5 }),
  v: fc.option(interesting.timestamp, { freq: 5 }),
}
const eventRow = (origin: number): fc.Arbitrary<Row> =>
  fc
    .record({
      key: keyParts,
      at: fc.option(offset, { freq: 15 }),
      delay: fc.option(fc.constantFrom(0, 1, -1, 5 * minute, 60 * minute, 3 * 1440 * minute, -60 * minute), {
        freq: 15,
      }),
      q: fc.option(fc.constantFrom(1n, 2n, 2n ** 60n, -(2n ** 60n)), { freq: 5 }),
      id: fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), { freq: 3 }),
      ...small,
    })
    .map(({ key, at, delay, ...rest }) => ({
      ...key,
      at: at === null ? null : origin + at,
      arrived: at === null || delay === null ? null : origin + at + delay,
      ...rest,
    }))

const label = (origin: number): fc.Arbitrary<{ k: string | null; n: bigint | null; moment: number }> =>
  fc.record({ key: keyParts, at: offset }).map(({ key, at }) => ({ ...key, moment: origin + at }))

export const cases: fc.Arbitrary<Case> = fc.constantFrom(0, 1_370_000_000_000, -1_000_000_000_000, 7).chain((origin) =>
  fc.record({
    view: views,
    history: fc.array(eventRow(origin), { maxLength: 40 }),
    labels: fc.array(label(origin), { minLength: 1, maxLength: 12 }),
    leads: fc.array(fc.constantFrom(0, 0, 1, 1000, 60 * minute, 1440 * minute), { minLength: 40, maxLength: 40 }),
    skewMs: fc.constantFrom(0, 1000, 60 * minute),
  }),
)
