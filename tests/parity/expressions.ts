/** Arbitrary expressions over the columns of one event: well typed by construction, adversarial in their constants. */
import fc from 'fast-check'
import { call, express } from '../../src/expression/builder.ts'
import type { AnyExpression, Grain } from '../../src/expression/faces.ts'
import type { standard } from '../../src/expression/functions/standard.ts'
import type { Node, Scalar } from '../../src/expression/node.ts'

type Any = AnyExpression<Grain>
type Operand = Any | number | bigint | string | boolean | Date

/** Values that have broken somebody's engine before. */
export const interesting = {
  boolean: fc.boolean(),
  int64: fc.oneof(
    fc.integer({ min: -12, max: 12 }),
    fc.constantFrom(0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53 - 1)),
    fc.constantFrom(2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 62n),
    fc.maxSafeInteger(),
  ),
  float64: fc.oneof(
    fc.integer({ min: -40, max: 40 }).map((n) => n / 4),
    fc.constantFrom(
      0,
      0.1,
      -0.1,
      0.49999999999999994,
      1e15 + 0.5,
      2 ** 53,
      1e300,
      -1e300,
      5e-324,
      1.7e308,
      9223372036854775000,
    ),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
  ),
  string: fc
    .oneof(
      fc.constantFrom(
        '',
        'a',
        'A',
        'UA',
        'é',
        'É',
        'İ',
        'ẞ',
        'Σ',
        'straße',
        "o'clock",
        '"',
        '\\',
        'a\nb',
        '👍🏽',
        '007',
        '-12',
        '1e3',
        ' 1',
        '9223372036854775808',
        'true',
      ),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    )
    .map((s) => s.normalize('NFC').replaceAll('\0', '')),
  timestamp: fc.oneof(
    fc.integer({ min: -3, max: 3 }).map((n) => n * 3_600_000),
    fc.constantFrom(-62135596800000, 253402300799999, -1, 951782400000, 951868799999, 1709164800000, 1709251199999),
    fc.integer({ min: -62135596800000, max: 253402300799999 }),
  ),
  duration: fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }),
} as const

const columns: Record<Exclude<Scalar, 'duration'>, readonly string[]> = {
  boolean: ['b', 'c'],
  int64: ['i', 'j'],
  float64: ['x', 'y'],
  string: ['s', 't'],
  timestamp: ['u', 'v'],
}
export const columnTypes: Readonly<Record<string, Scalar>> = Object.fromEntries(
  Object.entries(columns).flatMap(([type, names]) => names.map((name) => [name, type as Scalar])),
)
export const column = (name: string): Any =>
  express({ kind: 'column', name, type: columnTypes[name]!, nullable: true } satisfies Node<'column'>)

const make = (name: keyof typeof standard, ...operands: readonly fc.Arbitrary<Operand>[]): fc.Arbitrary<Any> =>
  fc.tuple(...operands).map((values) => express(call(name, values)))

const leaf = (type: keyof typeof columns): fc.Arbitrary<Any> => fc.constantFrom(...columns[type]).map(column)
/** A constant that has become an expression: what callers write as 15 or 'UA' on the right of a method. */
const constant = (type: Exclude<Scalar, 'duration'>): fc.Arbitrary<Operand> =>
  type === 'timestamp' ? interesting.timestamp.map((ms) => new Date(ms)) : interesting[type]
const ascending = (most: number): fc.Arbitrary<number[]> =>
  fc
    .uniqueArray(fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constantFrom(0.5, -2.25, 1e9)), {
      minLength: 1,
      maxLength: most,
    })
    .map((edges) => edges.sort((a, b) => a - b))

/** Expressions whose value every engine gives to the last bit. */
export const exact = fc.letrec<Record<Scalar, Any>>((tie) => {
  const of = (type: Scalar): fc.Arbitrary<Any> => tie(type) as fc.Arbitrary<Any>
  const or = (type: Exclude<Scalar, 'duration'>): fc.Arbitrary<Operand> => fc.oneof(of(type), constant(type))
  const number = fc.oneof(of('int64'), of('float64'))
  const numberOr = fc.oneof(number, constant('int64'), constant('float64'))
  const deep = { maxDepth: 4, depthSize: 'small', withCrossShrink: true } as const
  const bounds = ascending(2).map((edges) => [edges[0]!, edges[1] ?? edges[0]! + 1] as const)
  const withBounds = (name: 'clamp' | 'between' | 'rescale', x: fc.Arbitrary<Any>): fc.Arbitrary<Any> =>
    fc.tuple(x, bounds).map(([operand, [low, high]]) => express(call(name, [operand, low, high])))
  const withMany = (
    name: 'oneOf' | 'ordinal' | 'bucket',
    x: fc.Arbitrary<Any>,
    values: fc.Arbitrary<readonly Operand[]>,
  ): fc.Arbitrary<Any> => fc.tuple(x, values).map(([operand, list]) => express(call(name, [operand, ...list])))
  const binary = ['plus', 'minus', 'times', 'floorDividedBy', 'modulo', 'least', 'greatest'] as const
  const unary = ['negate', 'absolute', 'sign', 'round', 'floor', 'ceiling'] as const
  const compared = ['gt', 'gte', 'lt', 'lte', 'eq', 'ne'] as const
  return {
    int64: fc.oneof(
      deep,
      leaf('int64'),
      ...binary.map((name) => make(name, of('int64'), or('int64'))),
      ...unary.map((name) => make(name, of('int64'))),
      make('orElse', of('int64'), or('int64')),
      make('choose', of('boolean'), or('int64'), or('int64')),
      make('toInteger', fc.oneof(of('float64'), of('boolean'), of('string'), of('timestamp'))),
      make('length', of('string')),
      make('hashBucket', of('string'), fc.integer({ min: 1, max: 1000 })),
      withMany('ordinal', of('string'), fc.array(interesting.string, { minLength: 1, maxLength: 3 })),
      withMany('bucket', number, ascending(4)),
      ...(['year', 'month', 'day', 'weekday', 'hour', 'minute'] as const).map((name) => make(name, of('timestamp'))),
    ),
    float64: fc.oneof(
      deep,
      leaf('float64'),
      ...binary.map((name) => make(name, of('float64'), numberOr)),
      ...unary.map((name) => make(name, of('float64'))),
      make('dividedBy', number, numberOr),
      make('squareRoot', number),
      make('orElse', of('float64'), numberOr),
      make('choose', of('boolean'), of('float64'), numberOr),
      make('toFloat', fc.oneof(of('int64'), of('boolean'), of('string'))),
      withBounds('clamp', of('float64')),
      withBounds('rescale', number),
      make('standardize', number, fc.constantFrom(0, 1.5, -3), fc.constantFrom(1, 0.1, 1e-300)),
      ...(['seconds', 'minutes', 'hours', 'days'] as const).map((name) => make(name, of('duration'))),
    ),
    boolean: fc.oneof(
      deep,
      leaf('boolean'),
      ...compared.map((name) => make(name, number, numberOr)),
      ...(['eq', 'ne'] as const).map((name) => make(name, of('string'), or('string'))),
      make('eq', of('boolean'), or('boolean')),
      make('and', of('boolean'), or('boolean')),
      make('or', of('boolean'), or('boolean')),
      make('not', of('boolean')),
      make('orElse', of('boolean'), or('boolean')),
      make('toBoolean', number),
      make(
        'isMissing',
        fc.oneof(of('int64'), of('float64'), of('string'), of('boolean'), of('timestamp'), of('duration')),
      ),
      withBounds('between', number),
      withMany('oneOf', of('string'), fc.array(interesting.string, { minLength: 1, maxLength: 3 })),
      withMany('oneOf', of('int64'), fc.array(interesting.int64, { minLength: 1, maxLength: 3 })),
      ...(['contains', 'startsWith', 'endsWith'] as const).map((name) => make(name, of('string'), interesting.string)),
      ...(['before', 'after'] as const).map((name) => make(name, of('timestamp'), or('timestamp'))),
    ),
    string: fc.oneof(
      deep,
      leaf('string'),
      make('lower', of('string')),
      make('concat', of('string'), or('string')),
      make('orElse', of('string'), or('string')),
      make('choose', of('boolean'), or('string'), or('string')),
      make('toText', fc.oneof(of('int64'), of('boolean'))),
    ),
    timestamp: fc.oneof(
      deep,
      leaf('timestamp'),
      make('orElse', of('timestamp'), or('timestamp')),
      make('toTimestamp', of('int64')),
    ),
    duration: fc.oneof(deep, make('since', of('timestamp'), or('timestamp'))),
  }
})

/** A row of values for the columns, in the order of `columnTypes`. */
export const row: fc.Arbitrary<readonly (boolean | number | bigint | string | null)[]> = fc.tuple(
  ...Object.values(columnTypes).map((type) =>
    fc.option(interesting[type] as fc.Arbitrary<boolean | number | bigint | string>, { freq: 6 }),
  ),
)
