/** Sources and views that contradict themselves: each is told by its field, with what to do. */
import { describe, expect, test } from 'vitest'
import type { AnyExpression } from '../../src/index.ts'
import { count, entity, isSixfoldError, last, mean, source, view } from '../../src/index.ts'
import { expectProblem, loosely, problemsOf } from './problems.ts'

const courier = entity('courier', { key: { courier: 'string' } })
const fields = { courier: 'string', minutes: 'float64', city: 'int64', at: 'timestamp', seen: 'timestamp' } as const
const deliveries = source('deliveries', { fields, time: 'at' })
const make = loosely(source)

describe('a source', () => {
  const of = (options: object): object => ({ s: make('s', { fields, time: 'at', ...options }) })
  test.each([
    ['no time column', { time: 'att' }, 'time', ["no field 'att'", "'at'"]],
    ['a time column that every object has', { time: 'constructor' }, 'time', ["no field 'constructor'"]],
    ['a time column that is no instant', { time: 'minutes' }, 'time', ["'minutes' is of type float64", 'timestamp']],
    ['a delay and an arrival', { known: { after: '1h', at: 'seen' } }, 'known', ['both', '{ after } or { at }']],
    ['an arrival that there is not', { known: { at: 'sen' } }, 'known.at', ["no field 'sen'", "'seen'"]],
    ['an arrival that is no instant', { known: { at: 'city' } }, 'known.at', ['int64', 'timestamp']],
    ['a delay that is no length of time', { known: { after: '10min' } }, 'known.after', ["'10min'", '10m']],
    ['a sequence that is no integer', { sequence: 'minutes' }, 'sequence', ['float64', 'int64']],
    ['an id that is no name', { id: 'minutes' }, 'id', ['float64', 'string or int64']],
    ['an id that there is not', { id: 'order' }, 'id', ["no field 'order'"]],
    ['a memory that is no length of time', { remember: 'long' }, 'remember', ["'long'"]],
    ['another asOf', { asOf: 'before' }, 'asOf', ["'before'", 'inclusive']],
    ['a zone by name', { zone: 'Europe/Paris' }, 'zone', ["'Europe/Paris'", '+05:30']],
    ['no fields', { fields: {}, time: 'at' }, 'time', ["no field 'at'"]],
  ])('%s', (_, options, field, says) => expectProblem(of(options), `source 's', ${field}`, ...says))

  test.each([
    ['a misspelt type', 'flot64', ["'flot64'", "'float64'"]],
    ['a list of types', ['string', 'int64'], ['type']],
    ['nothing', undefined, ['type']],
    ['null', null, ['type']],
    ['a range of a text', { type: 'string', range: [0, 1] }, ['only numbers']],
    ['an empty range', { type: 'float64', range: [1, 0] }, ['[1,0]', 'lower bound first']],
    ['a range of NaN', { type: 'float64', range: [Number.NaN, 1] }, ['range']],
    ['half a range', { type: 'float64', range: [1] }, ['range']],
    ['a list of numbers', { type: 'int64', oneOf: ['a'] }, ['only strings']],
    ['an empty list', { type: 'string', oneOf: [] }, ['no values']],
  ])('a field of %s', (_, x, says) => {
    expectProblem({ s: make('s', { fields: { at: 'timestamp', x }, time: 'at' }) }, "source 's', field 'x'", ...says)
  })
  test('a field by a name that cannot be one', () => {
    const strange = JSON.parse('{"at":"timestamp","__proto__":"string"}') as object
    expectProblem(
      { s: make('s', { fields: { at: 'timestamp', 'a b': 'string' }, time: 'at' }) },
      "source 's', field 'a b'",
      'letter',
    )
    expectProblem({ s: make('s', { fields: strange, time: 'at' }) }, "source 's', field '__proto__'", 'cannot be used')
  })
})

describe('a view', () => {
  const of = (options: object): object => ({
    courier,
    deliveries,
    v: loosely(view)('v', {
      entity: courier,
      source: deliveries,
      features: () => ({ n: count().over('1h') }),
      ...options,
    }),
  })
  const where = (field: string): string => `view 'v', ${field}`

  test('a key that is not in its source, or is of another type there', () => {
    const rider = entity('rider', { key: { rider: 'string' } })
    const use = (options: object): object => ({ ...of({ entity: rider, ...options }), rider })
    expectProblem(use({}), where("on 'rider'"), "no field 'rider'", "on: { rider: '…' }")
    expectProblem(use({ on: { rider: 'curier' } }), where("on 'rider'"), "no field 'curier'", "'courier'")
    expectProblem(
      use({ on: { rider: 'city' } }),
      where("on 'rider'"),
      "'city' is of type int64",
      'the key is of type string',
    )
    expectProblem(use({ on: { rider: 'toString' } }), where("on 'rider'"), "no field 'toString'")
  })

  test('no features, too many, or none that is an expression', () => {
    expectProblem(of({ features: () => ({}) }), where('features'), 'there is none', 'at least one')
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`f${i}`, count().over('1h')]))
    expectProblem(of({ features: () => many }), where('features'), '1001', '1000', 'Split')
    expectProblem(of({ features: () => ({ n: count() }) }), where("feature 'n'"), 'no expression', 'over')
    expectProblem(of({ features: () => ({ n: 7 }) }), where("feature 'n'"), 'no expression')
    expectProblem(of({ features: () => ({ n: null }) }), where("feature 'n'"), 'no expression')
  })

  test('a thousand features are not too many', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`f${i}`, count().over('1h')]))
    expect(problemsOf(of({ features: () => many }))).toEqual([])
  })

  test('a field of events that is no aggregate, or of another source', () => {
    expectProblem(
      of({ features: ({ minutes }: never) => ({ minutes }) }),
      where("feature 'minutes'"),
      "'minutes' has no value at a moment",
      'last(…)',
    )
    const other = source('other', { fields: { ...fields, tip: 'float64' }, time: 'at' })
    const seen: AnyExpression<'event'>[] = []
    const kept = <E extends AnyExpression<'event'>>(column: E): E => {
      seen.push(column)
      return column
    }
    view('w', { entity: courier, source: other, features: (columns) => ({ n: last(kept(columns.tip)).ever() }) })
    expectProblem(
      of({ features: () => ({ tip: mean(seen[0] as never).over('1h') }) }),
      where("feature 'tip'"),
      "no field 'tip'",
    )
  })

  test('a time to live with nothing to end, or that is none', () => {
    expectProblem(of({ ttl: '7d' }), where('ttl'), 'no feature is cut by it', '.ever()')
    const latest = ({ minutes }: never) => ({ latest: last(minutes).ever() })
    expect(problemsOf(of({ ttl: '7d', features: latest }))).toEqual([])
    expectProblem(of({ ttl: 'a week', features: latest }), where('ttl'), "'a week'", '30d')
  })

  test('an expression that is deeper than a compiler can follow', () => {
    const deep = (depth: number) => () => {
      let n: { plus(other: number): never } = count().over('1h') as never
      for (let i = 0; i < depth; i++) n = n.plus(1)
      return { n }
    }
    expect(problemsOf(of({ features: deep(190) }))).toEqual([])
    expectProblem(of({ features: deep(250) }), where("feature 'n'"), 'deeper than 200', 'a feature')
    expectProblem(of({ features: deep(20_000) }), where("feature 'n'"), 'deeper than 200')
  })
})

/** In plain JavaScript an operand that has no meaning is an error where it is written. */
test.each([
  ['a mean of a text', ({ courier }: never) => mean(courier).over('1h'), ['mean', 'string']],
  ['a misspelt field', ({ minuts }: never) => mean(minuts).over('1h'), ['mean', 'nothing']],
  [
    'a number and a text',
    ({ minutes }: { minutes: { plus(x: unknown): never } }) => mean(minutes.plus('1')).over('1h'),
    ['plus', 'string'],
  ],
  [
    'NaN',
    ({ minutes }: { minutes: { plus(x: unknown): never } }) => mean(minutes.plus(Number.NaN)).over('1h'),
    ['NaN'],
  ],
  ['a window without a unit', () => count().over('3' as never), ["'3'"]],
  [
    'an aggregate of an aggregate',
    ({ minutes }: never) => mean(mean(minutes).over('1h') as never).over('1d'),
    ['moment'],
  ],
])('%s', (_, feature, says) => {
  const problems = (() => {
    try {
      return problemsOf({
        courier,
        deliveries,
        v: loosely(view)('v', { entity: courier, source: deliveries, features: (c: never) => ({ n: feature(c) }) }),
      })
    } catch (error) {
      if (!isSixfoldError(error)) throw error
      expect(error.code).toMatch(/^SX_(EXPRESSION|DEFINITION)_INVALID$/)
      return [{ problem: error.message, fix: error.fix }]
    }
  })()
  expect(problems).toHaveLength(1)
  for (const text of says) expect(`${problems[0]!.problem} ${problems[0]!.fix}`).toContain(text)
})
