/** The graph of definitions: names, what is missing from it, cycles; and that all problems are told at once. */
import { describe, expect, test } from 'vitest'
import { count, entity, model, platform, source, view } from '../../src/index.ts'
import { expectProblem, loosely, problemsOf } from './problems.ts'

const courier = entity('courier', { key: { courier: 'string' } })
const deliveries = source('deliveries', {
  fields: { courier: 'string', minutes: 'float64', delivered: 'timestamp' },
  time: 'delivered',
})
const features = () => ({ n: count().over('1h') })
const pace = view('pace', { entity: courier, source: deliveries, features })
const eta = model('eta', {
  inputs: { pace },
  vector: ({ pace }) => ({ n: pace.n }),
  output: { minutes: 'number' },
  fallback: () => ({ minutes: 1 }),
})
const good = { courier, deliveries, pace, eta }

test('a sound platform has no problems, whatever its members are called', () => {
  expect(problemsOf(good)).toEqual([])
  expect(platform({ a: courier, b: deliveries, c: pace, d: eta }).hash).toBe(platform(good).hash)
})

test('what is no definition', () => {
  expectProblem(
    { ...good, extra: { kind: 'view' } },
    "platform, 'extra'",
    'no definition',
    'entity, source, view, model',
  )
  for (const extra of [null, undefined, 7, 'view', [], () => courier])
    expectProblem({ ...good, extra }, "platform, 'extra'", 'no definition')
})

describe('names', () => {
  test('twice of one kind', () => {
    expectProblem(
      { ...good, again: entity('courier', { key: { courier: 'string' } }) },
      "entity 'courier', name",
      'two definitions',
      'Rename',
    )
    // A view and an entity may share one.
    const same = view('courier', { entity: courier, source: deliveries, features })
    expect(problemsOf({ ...good, same })).toEqual([])
  })

  test.each(['', '1st', 'a-b', 'a.b', 'a b', '__proto__', '_x', 'é', 'x'.repeat(64), '../up', 'a\n'])(
    '%j cannot be one',
    (name) => {
      expectProblem(
        { courier: entity(name, { key: { courier: 'string' } }) },
        `entity '${name}', name`,
        'cannot be used',
        'letter',
      )
    },
  )

  test.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf'])(
    "'%s' is a member of every object",
    (name) => {
      expectProblem({ e: entity(name, { key: { courier: 'string' } }) }, `entity '${name}', name`, 'every object')
      expectProblem({ e: entity('e', { key: { [name]: 'string' } }) }, `entity 'e', key '${name}'`, 'every object')
      const fields = { [name]: 'string', at: 'timestamp' } as const
      expectProblem({ s: source('s', { fields, time: 'at' }) }, `source 's', field '${name}'`, 'every object')
      const asked = model('m', {
        inputs: { request: { [name]: 'float64', x: 'float64' } },
        vector: ({ request }) => ({ x: request.x! }),
        output: { y: 'number' },
        fallback: () => ({ y: 0 }),
      })
      expectProblem({ asked }, `model 'm', request field '${name}'`, 'every object')
    },
  )

  test.each(['features', 'events', 'outcome', 'outcomes', 'then'])(
    "a model '%s' would hide a member of the client",
    (name) => {
      const hiding = model(name, {
        inputs: { pace },
        vector: ({ pace }) => ({ n: pace.n }),
        output: { y: 'number' },
        fallback: () => ({ y: 0 }),
      })
      expectProblem({ ...good, hiding }, `model '${name}', name`, 'client', 'another name')
    },
  )
})

test('what a definition uses must be in the platform, and be what the platform means', () => {
  expectProblem(
    { courier, pace },
    "view 'pace'",
    "source 'deliveries'",
    'not in the platform',
    'platform({ …, deliveries })',
  )
  expectProblem({ courier, deliveries, eta }, "model 'eta'", "view 'pace'", 'not in the platform')
  const other = entity('courier', { key: { courier: 'int64' } })
  const problems = problemsOf({ courier: other, deliveries, pace })
  expect(problems).toContainEqual(
    expect.objectContaining({ where: "view 'pace'", problem: expect.stringContaining('differs') }),
  )
  // An equal one is the same.
  expect(problemsOf({ ...good, courier: entity('courier', { key: { courier: 'string' } }) })).toEqual([])
})

describe('a cycle', () => {
  test('cannot be made with the builders, whose definitions are finished before others name them', () => {
    expect(Object.isFrozen(pace) && Object.isFrozen(pace.basis) && Object.isFrozen(pace.features)).toBe(true)
    expect(Object.isFrozen(eta) && Object.isFrozen(eta.inputs) && Object.isFrozen(eta.vector)).toBe(true)
    expect(() => Object.assign(pace.basis, { entity: eta })).toThrow(TypeError)
  })

  test('made by hand is told by its path', () => {
    const basis: Record<string, unknown> = { ...pace.basis }
    const round = { ...pace, name: 'round', basis }
    const through = { ...eta, name: 'through', inputs: { round } }
    basis['source'] = through
    expectProblem({ courier, deliveries, round, through }, 'platform', 'cycle: round → through → round', 'Take one')
    const self: Record<string, unknown> = { ...courier, name: 'self' }
    self['parent'] = self
    expectProblem({ self }, 'platform', 'cycle: self → self')
  })
})

test('all problems of a platform are told at once', () => {
  const bad = loosely(source)('bad', {
    fields: { at: 'timestmp', x: { type: 'string', oneOf: [] } },
    time: 'when',
    zone: 'Mars',
  })
  const worse = loosely(view)('worse', {
    entity: courier,
    source: deliveries,
    ttl: '3 days',
    features: () => ({ 'a-b': 7 as never }),
  })
  const problems = problemsOf({ courier, deliveries, bad, worse, eta })
  expect(problems.map(({ where }) => where)).toEqual([
    "source 'bad', field 'at'",
    "source 'bad', field 'x'",
    "source 'bad', time",
    "source 'bad', zone",
    "view 'worse', feature 'a-b'",
    "view 'worse', feature 'a-b'",
    "view 'worse', ttl",
    "view 'worse', ttl",
    "model 'eta'",
  ])
})
