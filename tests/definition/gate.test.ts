/** Gates and training recipes: what stands beside a model, and what is wrong with some. */
import { describe, expect, test } from 'vitest'
import { gateOf, trainingOf } from '../../src/definition/graph.ts'
import {
  bounded,
  count,
  entity,
  gate,
  increasing,
  last,
  model,
  parquet,
  platform,
  source,
  training,
  unaffected,
  view,
} from '../../src/index.ts'
import { expectProblem, loosely, problemsOf } from './problems.ts'

const courier = entity('courier', { key: { courier: 'string' } })
const deliveries = source('deliveries', {
  fields: { courier: 'string', minutes: 'float64', at: 'timestamp' },
  time: 'at',
})
const pace = view('pace', {
  entity: courier,
  source: deliveries,
  features: ({ minutes }) => ({ n: count().over('1h'), latest: last(minutes).ever() }),
})
const eta = model('eta', {
  inputs: { pace, request: { km: 'float64', zone: 'string' } },
  vector: ({ pace, request }) => ({
    n: pace.n,
    latest: pace.latest,
    km: request.km,
    far: request.km.gt(10),
    zone: request.zone.oneHot('a', 'b'),
  }),
  output: { minutes: 'number', late: 'probability' },
  fallback: () => ({ minutes: 30, late: 0.2 }),
})
const rest = { courier, deliveries, pace, eta }
const with_ = (options: object): object => ({ ...rest, g: loosely(gate)(eta, options) })
const where = (field: string): string => `gate 'eta', ${field}`

describe('a gate', () => {
  const sound = gate(eta, {
    invariants: {
      bounded: bounded('late', 0, 1),
      further: increasing('minutes', 'km'),
      zones: unaffected('late', 'zone_a', [0, 1], 0.01),
      far: {
        change: ({ vector }) => ({ far: vector.far.not() }),
        holds: ({ before, after }) => after.late.lte(before.minutes),
      },
    },
    heldOut: { data: parquet('heldout.parquet'), labels: { minutes: 'took' } },
    slices: { far: { of: ({ vector }) => vector.far } },
    require: { production: ['data', 'configuration'] },
    approvals: { production: 1 },
  })

  test('is part of the platform, and not of the model', () => {
    const without = platform(rest)
    const with_ = platform({ ...rest, sound })
    expect(with_.hash).not.toBe(without.hash)
    expect(platform({ ...rest, sound: gate(eta, { approvals: { production: 2 } }) }).hash).not.toBe(with_.hash)
    expect(gateOf(with_, eta)).toBe(sound)
    expect(gateOf(without, eta).require.validated).toEqual(['artifact', 'schema', 'preprocessing', 'dependencies'])
    expect(gateOf(without, eta).latency).toEqual({ rows: [1, 32], p99Ms: 40 })
  })
  test('makes every change an expression of the type of its entry', () => {
    expect(sound.invariants['zones']?.changes.map(({ zone_a }) => zone_a)).toMatchObject([
      { kind: 'literal', type: 'int64', value: 0 },
      { kind: 'literal', type: 'int64', value: 1 },
    ])
    expect(sound.invariants['further']?.changes).toMatchObject([{ km: { kind: 'call', type: 'float64' } }])
    expect(sound.slices['far']).toMatchObject({ minimumRows: 100, noWorseThan: '2%' })
  })
  test('needs its model, and a model has one', () => {
    const { eta: _, ...alone } = rest
    expect(problemsOf({ ...alone, sound })[0]).toMatchObject({ where: "gate 'eta'" })
    expectProblem({ ...rest, sound, other: gate(eta) }, "gate 'eta'", 'two of the kind gate')
  })
  test('what cannot be an invariant', () => {
    expectProblem(with_({ invariants: { odd: { holds: () => 3 } } }), where("invariant 'odd'"), 'no condition')
    expectProblem(
      with_({ invariants: { odd: { change: () => ({ kn: 1 }), holds: () => true } } }),
      where("invariant 'odd'"),
      "no entry 'kn'",
      "'n'",
    )
    expectProblem(
      with_({ invariants: { odd: { change: () => ({ n: 'text' }), holds: () => true } } }),
      where("invariant 'odd'"),
      'cannot become a string',
    )
    expectProblem(
      with_({
        invariants: { odd: { holds: ({ after }: never) => (after as { late: { gt(n: number): object } }).late.gt(0) } },
      }),
      where("invariant 'odd'"),
      'nothing is changed',
    )
    expect(() => with_({ invariants: { odd: loosely(increasing)('late', 'kn') } })).toThrow("entry 'kn'")
  })
  test('stages, facts and approvals that there are not', () => {
    expectProblem(with_({ require: { staging: ['dta'] } }), where('require.staging'), "'data'")
    expectProblem(with_({ approvals: { production: 1.5 } }), where('approvals.production'), 'no number of people')
    expectProblem(with_({ approvals: { validated: 1 } }), where('approvals.validated'), 'computation')
  })
  test('held-out data', () => {
    const heldOut = { data: parquet('h.parquet'), labels: { late: 'was_late' } }
    expectProblem(with_({ heldOut: { ...heldOut, labels: {} } }), where('heldOut.labels'), 'no output has')
    expectProblem(with_({ heldOut: { ...heldOut, labels: { lat: 'x' } } }), where('heldOut.labels.lat'), "'late'")
    expectProblem(with_({ heldOut: { ...heldOut, noWorseThan: '2' } }), where('heldOut.noWorseThan'), "'2%'")
    expectProblem(with_({ heldOut: { ...heldOut, alpha: 5 } }), where('heldOut.alpha'), '0.05')
    expectProblem(with_({ slices: { far: { of: () => true } } }), where('slices'), 'heldOut')
  })
  test('figures', () => {
    expectProblem(with_({ latency: { rows: [0] } }), where('latency.rows'), 'from 1')
    expectProblem(with_({ latency: { p99Ms: -1 } }), where('latency.p99Ms'), 'positive')
    expectProblem(with_({ memoryBytes: 0.5 }), where('memoryBytes'), 'whole')
    expectProblem(with_({ tolerance: { absolute: Number.NaN } }), where('tolerance.absolute'), 'from 0')
    expectProblem(with_({ operators: { opset: [20, 9] } }), where('operators.opset'), 'lower')
  })
})

describe('a training recipe', () => {
  const recipe = training(eta, { labels: parquet('labels.parquet'), at: 'at', command: ['python', 'train.py'] })
  test('is part of the platform', () => {
    const all = platform({ ...rest, recipe })
    expect(trainingOf(all, eta)).toBe(recipe)
    expect(trainingOf(platform(rest), eta)).toBeNull()
    expect(all.hash).not.toBe(platform(rest).hash)
  })
  test('what it lacks is named', () => {
    const of = (options: object): object => ({
      ...rest,
      r: loosely(training)(eta, { labels: parquet('l.parquet'), at: 'at', command: ['x'], ...options }),
    })
    expectProblem(of({ command: [] }), "training 'eta', command", 'runs nothing')
    expectProblem(of({ zone: 'Europe/Nowhere' }), "training 'eta', zone", 'no zone')
    const [june, july] = ['2013-06-01T00:00:00Z', '2013-07-01T00:00:00Z']
    expectProblem(of({ train: { from: 'June' } }), "training 'eta', train", 'no instant')
    expectProblem(of({ train: { from: july, until: june } }), "training 'eta', train", 'begins no earlier')
    expectProblem(of({ train: { until: july }, heldOut: { from: june } }), "training 'eta', heldOut", 'was trained on')
    expectProblem(of({ heldOutShare: 1 }), "training 'eta', heldOutShare", 'no share')
    expectProblem(
      of({ environment: { MLFLOW_RUN_ID: 'x' } }),
      "training 'eta', environment 'MLFLOW_RUN_ID'",
      'sets this variable',
    )
    expectProblem(of({ environment: { 'A-B': 'x' } }), "training 'eta', environment 'A-B'", 'such a name')
    expectProblem(of({ seeds: { numpy: 0.5 } }), "training 'eta', seed 'numpy'", 'no whole number')
  })

  test('holds out what is later, wherever the line is drawn', () => {
    const of = (options: object) =>
      loosely(training)(eta, { labels: parquet('l.parquet'), at: 'at', command: ['x'], ...options })
    const june = Date.parse('2013-06-01T00:00:00Z')
    const open = { from: null, until: null }
    expect(of({})).toMatchObject({ train: open, heldOut: open, heldOutShare: 0.2 })
    const expected = { train: { from: null, until: june }, heldOut: { from: june, until: null } }
    expect(of({ train: { until: '2013-06-01T00:00:00Z' } })).toMatchObject(expected)
    expect(of({ heldOut: { from: new Date(june) } })).toMatchObject(expected)
  })
})
