/** Lineage on the platform of the flights: from a prediction to the columns it was made of, and from a column to what breaks without it. */
import { gate, parquet, platform, training } from 'sixfold'
import { beforeAll, expect, test } from 'vitest'
import flights, { late, lateLinear } from '../../examples/flights/platform.ts'
import { hashOfDefinition } from '../../src/definition/describe.ts'
import type { Definitions, Platform } from '../../src/definition/graph.ts'
import type { Model } from '../../src/definition/model.ts'
import type { LoggedPrediction } from '../../src/inference/index.ts'
import type { ModelVersion, Stage } from '../../src/ports/registry-store.ts'
import type { Run } from '../../src/ports/tracking-store.ts'
import type { LineageOptions, LineageQuestion } from '../../src/registry/index.ts'
import { lineageOf } from '../../src/registry/index.ts'
import { factsOf } from '../../src/registry/registration/facts.ts'

const all = platform({
  ...(Object.fromEntries(
    Object.entries((flights as unknown as Platform).definitions).filter(
      ([, { kind }]) => kind !== 'gate' && kind !== 'training',
    ),
  ) as Definitions),
  gate: gate(
    late as never,
    {
      heldOut: { data: parquet('heldout.parquet'), labels: { late: 'late' } },
      slices: {
        congested: {
          of: ({ vector }: { vector: { departures_1h: { gt(n: number): never } } }) => vector.departures_1h.gt(20),
        },
      },
    } as never,
  ),
  recipe: training(late as never, {
    labels: parquet('data/flights.parquet'),
    at: 'scheduled_departure',
    zone: 'UTC',
    command: ['python', 'train.py'],
  }),
}) as unknown as Platform

const run = {
  id: 'a'.repeat(32),
  name: 'late 1',
  user: 'ana',
  status: 'FINISHED',
  startedAt: Date.parse('2013-06-01T00:00:00Z'),
  tags: {
    'sixfold.commit': 'c0ffee'.repeat(7).slice(0, 40),
    'sixfold.dirty': 'true',
    'sixfold.data.hash': 'd'.repeat(64),
  },
  inputs: { datasets: [], models: [] },
} as unknown as Run

function versionOf(model: unknown, version: number, stage: Stage, given: Partial<ModelVersion> = {}): ModelVersion {
  const definition = model as Model
  const data = {
    pointer: 'data/flights.parquet',
    hash: 'd'.repeat(64),
    rows: 1000,
    from: 0,
    to: 1,
    query: null,
    artifact: null,
  }
  return {
    model: definition.name,
    version,
    facts: factsOf({ model: definition, inspection: null, entry: null, flavor: 'onnx', given: { data } }),
    definition: hashOfDefinition(definition),
    manifest: 'm'.repeat(64),
    at: Date.parse('2013-06-02T00:00:00Z'),
    run: run.id,
    validated: stage !== 'registered',
    places: stage === 'registered' || stage === 'validated' ? {} : { default: { stage, at: 1, wasProduction: true } },
    aliases: stage === 'production' ? ['champion'] : [],
    ...given,
  } as unknown as ModelVersion
}

const versions = [
  versionOf(late, 1, 'archived'),
  versionOf(late, 2, 'production'),
  versionOf(late, 3, 'staging'),
  versionOf(lateLinear, 1, 'registered', { run: null }),
]
const logged = {
  id: 'p1',
  version: '2',
  at: Date.parse('2013-06-03T00:00:00Z'),
  schema: {
    model: 'late',
    definition: hashOfDefinition(late as unknown as Model),
    keys: [],
    request: [],
    groups: [],
    outputs: ['late'],
  },
  keys: [],
  request: [],
  groups: [],
  outputs: [0.25],
  degraded: [],
} as unknown as LoggedPrediction

let options: LineageOptions
beforeAll(() => {
  options = {
    platform: all,
    environment: 'default',
    store: {
      version: async (model: string, version: number) =>
        versions.find((one) => one.model === model && one.version === version) ?? null,
      versions: async (model: string) => versions.filter((one) => one.model === model),
      production: async () => versions.filter(({ places }) => places['default']?.stage === 'production'),
      searchVersions: async () => ({ items: versions.filter((one) => one.run === run.id), more: false }),
    } as unknown as LineageOptions['store'],
    tracking: { run: async (id: string) => (id === run.id ? run : null) } as unknown as LineageOptions['tracking'],
    metadata: { history: async () => [] },
    predictions: { find: async () => logged, findAll: async () => [], recent: async () => [] },
  }
})
const ask = (question: LineageQuestion) => lineageOf(options)(question)

/** Everything that data flows into from a node on. */
function flowsFrom(
  edges: readonly { readonly from: string; readonly to: string }[],
  start: string,
): ReadonlySet<string> {
  const seen = new Set([start])
  for (let more = true; more; ) {
    more = false
    for (const { from, to } of edges)
      if (seen.has(from) && !seen.has(to)) {
        seen.add(to)
        more = true
      }
  }
  return seen
}

test('a prediction goes back to version, run, data, features, columns and sources', async () => {
  const { nodes, edges, says } = await ask({ of: 'prediction', id: 'p1' })
  const ids = new Set(nodes.map(({ id }) => id))
  for (const edge of edges) expect([ids.has(edge.from), ids.has(edge.to)], JSON.stringify(edge)).toEqual([true, true])
  expect(says[0]).toContain('late 2 answered at 2013-06-03')
  expect(says).toContainEqual(expect.stringContaining('with changes that are in no commit'))
  expect(says).toContainEqual(
    expect.stringMatching(/It reads 2\d features of 6 views, made of \d+ columns of 4 sources\./),
  )
  for (const start of [
    'source:landings',
    'column:landings.arr_delay',
    'feature:airline_punctuality.late_rate_1d',
    'view:route_pace',
    `run:${run.id}`,
    `data:${'d'.repeat(64)}`,
    'source:planes',
    'version:late/2',
  ])
    expect(flowsFrom(edges, start), start).toContain('prediction:p1')
  // What no entry of the vector reads is no part of it.
  expect(ids).not.toContain('feature:airline_punctuality.landings_3h')
  expect(ids).not.toContain('column:planes.engines')
  expect(edges).toContainEqual({
    from: 'column:landings.carrier',
    to: 'feature:airline_punctuality.trend',
    label: 'key',
  })
  expect(edges).toContainEqual({
    from: 'column:landings.arrival',
    to: 'feature:airline_punctuality.trend',
    label: 'time',
  })
})

test('what breaks if a column goes, worst first', async () => {
  const { nodes, edges, says } = await ask({ of: 'column', source: 'departures', column: 'dep_delay' })
  expect(says[0]).toBe(
    'late 2 answers in production (default); 4 of its 29 entries read departures.dep_delay: held_1h, held_3h, worst_1h and held_share_3h.',
  )
  expect(says[1]).toContain('late 3 is in staging (default); 4 of its 29 entries')
  expect(says.some((one) => one.startsWith('The gate'))).toBe(false)
  expect(says).toContainEqual(
    'Of origin_congestion, 4 features read it: delay_1h, delay_3h, worst_1h and held_share_3h.',
  )
  expect(says).toContainEqual(
    expect.stringContaining('late_linear is defined to read it for held_1h and held_share_3h'),
  )
  expect(says).toContainEqual(expect.stringContaining('1 other version of late reads it'))
  expect(flowsFrom(edges, 'column:departures.dep_delay')).toContain('version:late/2')
  expect(flowsFrom(edges, 'column:departures.dep_delay')).toContain('alias:late@champion')
  expect(nodes.map(({ id }) => id)).not.toContain('view:airline_punctuality')
})

test('a key or a time takes whole views along, and what the gate asks', async () => {
  const { says } = await ask({ of: 'column', source: 'departures', column: 'origin' })
  expect(says[0]).toContain('late 2 answers in production')
  expect(says).toContainEqual('The gate of late asks for it: slice congested.')
  expect(says).toContainEqual('All of origin_congestion goes with it (5 features): it is its key.')
  const carrier = await ask({ of: 'column', source: 'landings', column: 'carrier' })
  expect(carrier.says).toContainEqual(
    expect.stringContaining('late is trained on labels of the same file, where it is a key'),
  )
  expect(carrier.says).toContainEqual(expect.stringContaining('The fallback of late reads it for late'))
})

test('a feature that is read, one that nobody reads, and a column that nothing is made of', async () => {
  const read = await ask({ of: 'feature', view: 'airframe', feature: 'seats' })
  expect(read.says[0]).toBe('late 2 answers in production (default); 1 of its 29 entries reads airframe.seats: seats.')
  const unread = await ask({ of: 'feature', view: 'airline_punctuality', feature: 'landings_3h' })
  expect(unread.says).toEqual([
    'No model and no version reads airline_punctuality.landings_3h: no prediction would change.',
  ])
  const idle = await ask({ of: 'column', source: 'planes', column: 'engines' })
  expect(idle.says).toEqual(['No feature reads planes.engines: it can go.'])
})

test('a version of a model that no platform defines still counts in production', async () => {
  const rest = Object.fromEntries(
    Object.entries(all.definitions).filter(
      ([, one]) => !['gate', 'training', 'batch'].includes(one.kind) && one !== (late as unknown),
    ),
  )
  const without = lineageOf({ ...options, platform: platform(rest as never) as unknown as Platform })
  const { says } = await without({ of: 'column', source: 'departures', column: 'dep_delay' })
  expect(says[0]).toContain('late 2 answers in production (default)')
})

test('a view that is defined otherwise by now is told of, and drawn as it was applied', async () => {
  const before = versionOf(late, 9, 'registered')
  const changed = {
    ...before,
    facts: JSON.parse(
      JSON.stringify(before.facts).replaceAll(hashOfDefinition(all.definitions['airframe']!), 'e'.repeat(64)),
    ) as typeof before.facts,
  }
  const described = {
    kind: 'view',
    name: 'airframe',
    source: { name: 'planes', time: 'registered', known: null, sequence: null, id: null },
    on: { tailnum: 'tailnum' },
    features: {
      seats: { kind: 'column', name: 'engines', type: 'int64', nullable: true },
      built: { kind: 'literal', type: 'int64', value: 1 },
    },
  }
  const asked = lineageOf({
    ...options,
    store: { ...options.store, version: async () => changed },
    metadata: {
      history: async () => [
        { hash: 'x', at: 1, definitions: [{ kind: 'view', name: 'airframe', hash: 'e'.repeat(64), described }] },
      ],
    },
  })
  const { says, edges } = await asked({ of: 'version', model: 'late', version: 9 })
  expect(says).toContainEqual('Defined otherwise by now: airframe.')
  expect(edges).toContainEqual({ from: 'column:planes.engines', to: 'feature:airframe.seats', label: null })
})

test('a run, and what is not there', async () => {
  const { says } = await ask({ of: 'run', run: run.id })
  expect(says[0]).toBe('late 1, late 2 and late 3 were registered from it.')
  await expect(ask({ of: 'run', run: 'nothing' })).rejects.toMatchObject({ code: 'SX_UNKNOWN_RUN' })
  await expect(ask({ of: 'version', model: 'late', version: 77 })).rejects.toMatchObject({ code: 'SX_UNKNOWN_VERSION' })
  await expect(ask({ of: 'column', source: 'landing', column: 'x' })).rejects.toMatchObject({
    code: 'SX_UNKNOWN_SOURCE',
  })
  await expect(ask({ of: 'column', source: 'landings', column: 'arr_dely' })).rejects.toMatchObject({
    code: 'SX_REQUEST_INVALID',
    message: expect.stringContaining("Did you mean 'arr_delay'?"),
  })
  await expect(ask({ of: 'feature', view: 'airframe', feature: '__proto__' })).rejects.toMatchObject({
    code: 'SX_REQUEST_INVALID',
  })
})
