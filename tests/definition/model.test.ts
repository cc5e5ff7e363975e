/** Models that contradict themselves: inputs, vector, outputs, fallback and budget. */
import { describe, expect, test } from 'vitest'
import { count, entity, label, last, model, source, vector, view } from '../../src/index.ts'
import { expectProblem, loosely, problemsOf } from './problems.ts'

const courier = entity('courier', { key: { courier: 'string' } })
const fields = { courier: 'string', number: 'int64', minutes: 'float64', at: 'timestamp' } as const
const deliveries = source('deliveries', { fields, time: 'at' })
const pace = view('pace', {
  entity: courier,
  source: deliveries,
  features: ({ minutes, at }) => ({ n: count().over('1h'), latest: last(minutes).ever(), at: last(at).ever() }),
})
const rest = { courier, deliveries, pace }
const inputs = { pace, request: { km: 'float64' } }
type Row = { readonly [group: string]: { readonly [name: string]: never } }
const of = (options: object): object => ({
  ...rest,
  m: loosely(model)('m', {
    inputs,
    vector: ({ pace }: Row) => ({ n: pace!['n'] }),
    output: { y: 'number' },
    fallback: () => ({ y: 0 }),
    ...options,
  }),
})
const where = (field: string): string => `model 'm', ${field}`

test('a sound one has no problems', () => expect(problemsOf(of({}))).toEqual([]))

describe('inputs', () => {
  test('the names that are taken', () => {
    expectProblem(of({ inputs: { pace, keys: pace } }), where("input 'keys'"), 'have that name already')
    expectProblem(of({ inputs: { pace, request: pace } }), where("input 'request'"), 'a view cannot stand there')
    expectProblem(of({ inputs: { pace, asked: { km: 'float64' } } }), where("input 'asked'"), "under 'request'")
    expectProblem(of({ inputs: { pace, 'a-b': pace } }), where("input 'a-b'"), 'letter')
  })
  test('request fields are checked as those of a source', () => {
    expectProblem(of({ inputs: { pace, request: { km: 'flot64' } } }), where("request field 'km'"), "'float64'")
    expectProblem(
      of({ inputs: { pace, request: { km: { type: 'float64', range: [2, 1] } } } }),
      where("request field 'km'"),
      'empty',
    )
  })
  test('two views whose keys have one name and two types', () => {
    const numbered = entity('numbered', { key: { courier: 'int64' } })
    const other = view('other', {
      entity: numbered,
      source: deliveries,
      on: { courier: 'number' },
      features: () => ({ n: count().over('1h') }),
    })
    const both = { ...of({ inputs: { pace, other } }), numbered, other }
    expectProblem(both, where("input 'other'"), "disagree on the type of the key 'courier'", '.as({')
  })
})

test('a vector with nothing in it, too much, or what no model can be given', () => {
  expectProblem(of({ vector: () => ({}) }), where('vector'), 'no entries')
  const many = ({ pace }: Row) => Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`v${i}`, pace!['n']]))
  expectProblem(of({ vector: many }), where('vector'), '10001', '10000')
  expectProblem(
    of({ vector: ({ pace }: Row) => ({ at: pace!['at'] }) }),
    where("vector entry 'at'"),
    'a timestamp',
    'its hour',
  )
  expectProblem(
    of({ vector: ({ pace }: Row) => ({ ['x'.repeat(201)]: pace!['n'] }) }),
    where(`vector entry '${'x'.repeat(201)}'`),
    '200',
  )
})

test('outputs of no kind, or of no name', () => {
  expectProblem(of({ output: {}, fallback: () => ({}) }), where('output'), 'there is none')
  expectProblem(of({ output: { y: 'nmber' } }), where("output 'y'"), 'nmber', "'number'")
  expectProblem(
    of({ output: { record: 'number' }, fallback: () => ({ record: 0 }) }),
    where("output 'record'"),
    'record of its own',
  )
  expectProblem(of({ output: { 'a b': 'number' }, fallback: () => ({ 'a b': 0 }) }), where("output 'a b'"), 'letter')
  expectProblem(
    of({ output: { constructor: 'number' }, fallback: () => ({ constructor: 0 }) }),
    where("output 'constructor'"),
    'every object',
  )
})

test('a fallback that does not answer, or answers something else', () => {
  const fallback = (answer: unknown, output: object = { y: 'number' }): object => of({ output, fallback: () => answer })
  expectProblem(fallback({}), where("fallback 'y'"), 'does not answer')
  expectProblem(fallback({ y: 0, z: 0 }), where("fallback 'z'"), 'no such output')
  expectProblem(fallback({ y: 'a' }), where("fallback 'y'"), 'a string cannot answer')
  expectProblem(fallback({ y: [1] }), where("fallback 'y'"), 'a list cannot answer')
  expectProblem(fallback({ y: [1] }, { y: vector(2) }), where("fallback 'y'"), 'not 2 numbers')
  expectProblem(fallback({ y: [1, Number.NaN] }, { y: vector(2) }), where("fallback 'y'"), 'numbers')
  expectProblem(fallback({ y: 'wait' }, { y: label('go', 'stay') }), where("fallback 'y'"), 'wait', 'go, stay')
  expectProblem(
    of({ fallback: ({ pace }: Row) => ({ y: pace!['latest'] }) }),
    where("fallback 'y'"),
    'may be missing',
    'orElse',
  )
})

test('labels that are none, or twice the same; a vector of no length', () => {
  expectProblem(of({ output: { y: label() }, fallback: () => ({ y: 'a' }) }), where("output 'y'"), 'label')
  expectProblem(of({ output: { y: label('a', 'a') }, fallback: () => ({ y: 'a' }) }), where("output 'y'"), 'twice')
  for (const length of [0, -1, 1.5, Number.NaN])
    expectProblem(of({ output: { y: vector(length) }, fallback: () => ({ y: [] }) }), where("output 'y'"), 'length')
})

test('a budget whose stages take longer than all of it, or that is none', () => {
  const budget = { total: 100, features: 15, assembly: 5, inference: 40, post: 5 }
  expectProblem(of({ budget: { ...budget, inference: 90 } }), where('budget'), '135 ms of 100')
  expectProblem(of({ budget: { ...budget, post: -1 } }), where('budget.post'), '-1')
  expectProblem(of({ budget: { ...budget, features: Number.NaN } }), where('budget.features'), 'NaN')
})
