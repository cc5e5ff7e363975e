/** docs/reference/functions.md, from the typed faces, the standard library behind them, and the aggregates. */

import * as all from '../../src/expression/aggregates.ts'
import { call, express } from '../../src/expression/builder.ts'
import { equalityOf } from '../../src/expression/equality.ts'
import type { AnyExpression, Grain } from '../../src/expression/faces.ts'
import { standard } from '../../src/expression/functions/standard.ts'
import type { Node, Scalar, Type } from '../../src/expression/node.ts'
import { isNullable } from '../../src/expression/nullable.ts'
import { header, table } from './markdown.ts'
import type { Member } from './source.ts'
import { exportsOf, membersOf } from './source.ts'

type Any = AnyExpression<Grain>

/** A value that is never missing, of a field or of a list. */
const value = (type: Type): Any =>
  express({ kind: 'input', group: 'request', name: 'x', type, nullable: false } as Node)

const families: readonly {
  readonly title: string
  readonly face: string
  readonly type: Type
  readonly says: string
}[] = [
  {
    title: 'Numbers',
    face: 'NumberExpression',
    type: 'float64',
    says: '`int64` and `float64`. Integers are exact; beyond 64 bits a result is missing. A float among integers makes all of them floats.',
  },
  {
    title: 'Conditions',
    face: 'BooleanExpression',
    type: 'boolean',
    says: '`boolean`, three-valued: true, false or missing.',
  },
  {
    title: 'Strings',
    face: 'StringExpression',
    type: 'string',
    says: '`string`. Brought to NFC where they enter; compared by their UTF-8 bytes.',
  },
  {
    title: 'Instants',
    face: 'TimestampExpression',
    type: 'timestamp',
    says: '`timestamp`: whole milliseconds since the epoch, in UTC.',
  },
  {
    title: 'Lengths of time',
    face: 'DurationExpression',
    type: 'duration',
    says: 'What `since` gives. A length is no number until its unit is said.',
  },
  {
    title: 'Lists',
    face: 'ListExpression',
    type: 'float64[]',
    says: 'What `firstN`, `lastN` and `topN` give. A vector takes no list: take elements with `at`.',
  },
]

/** What the faces leave to the name. */
const words: { readonly [method: string]: string } = {
  isMissing: 'True where the value is missing.',
  orElse: 'The value, or where it is missing the other.',
  plus: 'The sum. Integers give an integer, which is missing beyond int64; with a float among them, a float.',
  minus: 'The difference, typed as `plus`.',
  times: 'The product, typed as `plus`.',
  negate: 'The number with the other sign.',
  absolute: 'The magnitude.',
  floor: 'Rounded down.',
  ceiling: 'Rounded up.',
  power: 'To this power, as a float; missing where there is no finite result.',
  greatest: 'The greater of the two.',
  clamp: 'Cut to the range, both ends included.',
  gt: 'Greater than.',
  gte: 'Greater than or equal.',
  lt: 'Less than.',
  lte: 'Less than or equal.',
  eq: 'Equal.',
  ne: 'Not equal.',
  oneOf: 'Equal to one of the values.',
  toFloat: 'As a float.',
  not: 'The opposite.',
  contains: 'Whether it holds this part.',
  startsWith: 'Whether it begins so.',
  endsWith: 'Whether it ends so.',
  year: 'The year, in UTC.',
  before: 'Strictly before.',
  after: 'Strictly after.',
  since: 'The length of time from the other to this one; below zero where this one is earlier.',
  seconds: 'In seconds, as a float.',
  minutes: 'In minutes, as a float.',
  hours: 'In hours, as a float.',
  days: 'In days, as a float.',
}

/** What the faces say too briefly for a table. */
const better: { readonly [method: string]: string } = {
  squareRoot: 'The square root; of a negative number missing.',
  power: 'To this power, as a float; missing where there is no finite result.',
  minute: '0 to 59, in UTC.',
  length: 'How many code points.',
  between: 'Within the range, both ends included.',
  round: 'To the nearest whole number, halves away from zero.',
  choose: '`yes` where the condition is true, else `no`: also where it is missing.',
  and: 'Both, three-valued: false and missing is false.',
  or: 'Either, three-valued: true or missing is true.',
  concat: 'The two joined.',
  lower: 'In small letters, letter by letter, without regard to language or neighbours.',
}

/** Functions that see a missing operand, and decide themselves. */
const lazy: { readonly [method: string]: string } = {
  isMissing: 'never',
  orElse: 'both are',
  and: 'one is, and the other is not false',
  or: 'one is, and the other is not true',
  choose: 'the value chosen is',
  oneHot: 'never',
}

/** Operands that a call with nothing missing may have. */
const operands: { readonly [method: string]: readonly unknown[] } = {
  clamp: [0, 1],
  between: [0, 1],
  standardize: [0, 1],
  rescale: [0, 1],
  bucket: [1],
  hashBucket: [8],
  at: [0],
  ordinal: ['a'],
  choose: [1, 0],
}

function mayBeMissing(method: string, type: Type, count: number): boolean {
  const self = (method === 'toTimestamp' || method === 'toText') && type === 'float64' ? value('int64') : value(type)
  const rest =
    (method === 'oneOf' ? [type === 'string' ? 'a' : 1] : operands[method]) ??
    Array.from({ length: count }, () => value(type))
  return isNullable(call(method as keyof typeof standard, [self, ...rest]))
}

function functionRow({ name, parameters, type, comment }: Member, of: Type): readonly string[] {
  const described = better[name] ?? (comment || words[name] || '')
  if (described === '') throw new Error(`The function '${name}' is not described`)
  const gives = /^(Number|Boolean|String|Timestamp|Duration|List)Expression/.exec(type)?.[1]
  const result = { Number: 'number', Boolean: 'condition', String: 'string', Timestamp: 'instant', Duration: 'length' }[
    gives ?? ''
  ]
  const spec = name === 'oneHot' ? null : standard[name as keyof typeof standard]
  const strict = spec !== null && 'strict' in spec.javascript
  if (!strict && lazy[name] === undefined) throw new Error(`It is not said when '${name}' is missing`)
  const missing = strict
    ? mayBeMissing(name, of, parameters.length)
      ? 'an operand is, or there is no result'
      : 'an operand is'
    : lazy[name]!
  return [
    `\`${name}(${parameters.join(', ')})\``,
    name === 'choose' ? 'number or string' : (result ?? (name === 'oneHot' ? 'numbers' : 'element')),
    described,
    missing,
    spec === null || spec.exact ? 'identical' : 'bounded: 1e-12, relative',
  ]
}

// --- aggregates

const built = all as unknown as { readonly [name: string]: (...given: readonly unknown[]) => { ever(): Any } }
const aggregateFile = 'src/expression/aggregates.ts'
const aggregateWords: { readonly [name: string]: string } = {
  min: 'The least value, of numbers or instants.',
  max: 'The greatest value, of numbers or instants.',
  median: 'The quantile at 0.5.',
}
const takes: { readonly [name: string]: string } = {
  count: 'anything, or nothing',
  mean: 'a number or a condition',
  min: 'a number or an instant',
  max: 'a number or an instant',
  first: 'anything',
  last: 'anything',
  firstN: 'anything',
  lastN: 'anything',
  distinct: 'anything',
  topN: 'anything',
  decayedCount: 'nothing',
}
const bounds: { readonly [name: string]: string } = {
  sum: '2 n 2⁻⁵³ of the sum of magnitudes',
  mean: 'that of the sum, divided by n',
  variance: '16 n 2⁻⁵³ κ, relative',
  stddev: 'as of the variance',
  decayedSum: '1e-11 of the sum of weighted magnitudes; what is older than 1,120 half-lives may be left out',
  decayedCount: '1e-11, relative',
}

function aggregateRow({ name, parameters, comment }: ReturnType<typeof exportsOf>[number]): readonly string[] {
  const described = aggregateWords[name] ?? comment
  if (described === '') throw new Error(`The aggregate '${name}' is not described`)
  const build = (type: Scalar): Node => {
    const column: Any = express({ kind: 'column', name: 'x', type, nullable: true })
    const rest = parameters.filter((one) => !one.startsWith('of')).map((one) => ({ n: 2, q: 0.5, halfLife: '1h' })[one])
    const given = parameters.some((one) => one.startsWith('of')) ? [column, ...rest] : rest
    return built[name]!(...given).ever().node
  }
  const classes = [equalityOf(build('int64')), equalityOf(build('float64'))]
  const of = bounds[name] === undefined ? '' : `: ${bounds[name]}`
  const equality =
    classes[0] === classes[1]
      ? `${classes[0]}${classes[0] === 'bounded' ? of : ''}`
      : `${classes[0]} for integers${name === 'mean' ? ' and conditions' : ''}; ${classes[1]} for floats${of}`
  return [
    `\`${name}(${parameters.join(', ')})\``,
    takes[name] ?? 'a number',
    described,
    isNullable(build('float64')) ? 'missing' : '0',
    nullsOf(name),
    equality,
  ]
}

const nullsOf = (name: string): string =>
  ['first', 'last', 'firstN', 'lastN'].includes(name)
    ? 'kept'
    : name === 'decayedCount'
      ? 'counted: it looks at no value'
      : name === 'count'
        ? 'skipped; `count()` counts every event'
        : 'skipped'

export function functions(): string {
  const aggregates = exportsOf(aggregateFile).filter(({ name }) => name !== 'keepsNulls')
  return `${header('Functions and aggregates', 'src/expression')}What may stand in a view's \`features\`, a model's \`vector\` and its \`fallback\`. An editor offers the methods of a value where it is written;
each compiles to JavaScript and to DuckDB's SQL. [Time and values](../explanation/time-and-values.md) says what they share, and
[parity](../explanation/parity.md) what the classes are held to:

- *identical*: every engine gives the same bits.
- *bounded*: floats added in another order, or the engine's own mathematics library; the bound is named.
- *sketch*: every engine keeps the same state, and an estimate is read from it; the error is named.

An expression has the weakest class of what it is made of.

A constant may stand wherever an operand of its type may; an instant is a \`Date\`.

${families
  .map(({ title, face, type, says }) => {
    const rows = membersOf('src/expression/faces.ts', face)
      .filter(({ name }, i, all) => name !== 'node' && all.findIndex((other) => other.name === name) === i)
      .map((member) => functionRow(member, type))
    return `## ${title}\n\n${says}\n\n${table(['Function', 'Gives', 'What it is', 'Missing when', 'Class'], rows)}`
  })
  .join('\n\n')}

## The moment

\`moment()\` is the instant asked about, in a view's features, a vector or a fallback. It is never missing.

## Aggregates

An aggregate is of a source's fields, inside a view, and has a value only with a window: \`.over(length)\`, \`.over(length, { hop })\`, or
\`.ever()\` for all that is known. \`.where(condition)\` takes only events for which the condition is true; missing is not true. Two
conditions narrow each other. \`skipNulls()\` lets \`first\`, \`last\`, \`firstN\` and \`lastN\` pass over events whose value is missing. n is a whole
number from 1 to 1,000, q a number from 0 to 1, and a half-life a length such as \`'1h'\`.

${table(['Aggregate', 'Takes', 'What it is', 'Of nothing', 'Missing values', 'Class'], aggregates.map(aggregateRow))}

n is the number of events, and κ = √(Σx² / Σ(x − mean)²), as in Chan, Golub and LeVeque, 1983.

## Functions of your own

\`defineFunction(name, { takes, gives, mayBeMissing, javascript, sql, dialects })\` adds a function with a lowering for every engine. It is
strict: a missing operand makes the result missing, and no lowering sees one. A float result that is not finite is missing. \`sql\` takes
and gives SQL text; \`dialects.duckdb\` holds what differs there, or \`cannot(why)\`. Its class is *bounded*, since nothing but a test of yours
holds the two lowerings to each other. A change of a lowering's text changes the hash of the view that uses it.

\`\`\`ts
import { defineFunction, entity, mean, source, view } from 'sixfold'

const celsius = defineFunction('celsius', {
  takes: ['float64'],
  gives: 'float64',
  mayBeMissing: false,
  javascript: (f) => ((f - 32) * 5) / 9,
  sql: (f) => \`((\${f} - 32) * 5 / 9)\`,
})
const station = entity('station', { key: { station: 'string' } })
const readings = source('readings', {
  fields: { station: 'string', fahrenheit: 'float64?', at: 'timestamp' },
  time: 'at',
})
export const climate = view('climate', {
  entity: station,
  source: readings,
  features: ({ fahrenheit }) => ({ mean_1d: mean(celsius(fahrenheit)).over('1d') }),
})
\`\`\`
`
}
