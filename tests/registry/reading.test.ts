/** What the registry shows: models that nobody registered yet, versions by every name, aliases, and what differs. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withGates } from './platform.ts'
import type { Stage } from './stage.ts'
import { ana, ben, fits, refusal, registered, stage, toProduction } from './stage.ts'

let s: Stage
beforeEach(async () => {
  s = await stage()
})
afterEach(() => s.close())

const all = { where: [], order: [], limit: 100, offset: 0 }
const add = async (options: object = {}, y?: unknown) =>
  (await s.registry.add('eta', await s.file(y), { ...registered, ...options }, ana)).version.version

test('models that are defined are there before they have a version', async () => {
  await s.registry.change({ kind: 'model.created', model: 'fraud', description: null, tags: {} }, ana)
  await s.registry.add('eta', await s.file(), toProduction, ana)
  const { items, more } = await s.registry.models(all)
  expect(more).toBe(false)
  expect(items.map(({ name, defined, versions, production }) => [name, defined, versions, production]).sort()).toEqual([
    ['careful', true, 0, null],
    ['eta', true, 1, 1],
    ['fraud', false, 0, null],
    ['strict', true, 0, null],
  ])
  expect(await s.registry.model('strict')).toMatchObject({
    list: [],
    gate: [
      { stage: 'validated' },
      { stage: 'staging', asks: [expect.stringContaining('still stands'), 'These facts are recorded: data.'] },
      { stage: 'production', asks: [expect.anything(), 'These facts are recorded: configuration, evaluation.'] },
    ],
  })
  expect(await refusal(s.registry.model('nothing'))).toMatchObject({ code: 'SX_UNKNOWN_MODEL', status: 404 })
})

test('a version goes by its number, its stage, an alias, or as the latest', async () => {
  await s.registry.add('eta', await s.file(), toProduction, ana)
  await add()
  await s.registry.setAlias('eta', 'champion', 1, undefined, ana)
  for (const [which, number] of [
    ['1', 1],
    ['production', 1],
    ['Production', 1],
    ['champion', 1],
    ['latest', 2],
    ['LATEST', 2],
    ['registered', 2],
  ] as const)
    expect((await s.registry.version('eta', which)).version, which).toBe(number)
  for (const [which, code] of [
    ['3', 'SX_UNKNOWN_VERSION'],
    ['staging', 'SX_UNKNOWN_VERSION'],
    ['champ', 'SX_UNKNOWN_ALIAS'],
    ['', 'SX_UNKNOWN_ALIAS'],
    ['__proto__', 'SX_UNKNOWN_ALIAS'],
  ] as const)
    expect(await refusal(s.registry.version('eta', which)), which).toMatchObject({ code })
  expect(await s.registry.version('eta', '2')).toMatchObject({
    stage: 'registered',
    missing: ['data', 'configuration', 'evaluation', 'dependencies: packages'],
    ways: [
      { to: 'validated', allowed: false },
      { to: 'archived', allowed: true },
    ],
  })
})

describe('an alias', () => {
  test('names one version at a time, and moves only from where it is expected', async () => {
    await add()
    await add()
    await s.registry.setAlias('eta', 'champion', 1, null, ana)
    expect(await refusal(s.registry.setAlias('eta', 'champion', 2, null, ana))).toMatchObject({
      code: 'SX_REGISTRY_CONFLICT',
    })
    await s.registry.setAlias('eta', 'champion', 2, 1, ben)
    expect((await s.registry.model('eta')).aliases).toEqual({ champion: 2 })
    expect(await refusal(s.registry.setAlias('eta', 'champion', 7, undefined, ana))).toMatchObject({
      code: 'SX_UNKNOWN_VERSION',
    })
    await s.registry.deleteAlias('eta', 'champion', ana)
    expect(await refusal(s.registry.deleteAlias('eta', 'champion', ana))).toMatchObject({ code: 'SX_UNKNOWN_ALIAS' })
    const told = (await s.registry.audit({ model: 'eta', actions: ['alias.set', 'alias.deleted'], limit: 9 })).map(
      ({ action, actor, version, details }) => [action, actor, version, details['before']],
    )
    expect(told).toEqual([
      ['alias.deleted', 'local:ana', 2, 2],
      ['alias.set', 'local:ben', 2, 1],
      ['alias.set', 'local:ana', 1, null],
    ])
  })

  test.each(['latest', 'LATEST', 'v1', 'V22', '', 'a b', 'a/b', 'x'.repeat(256)])(
    'cannot be called %j',
    async (alias) => {
      await add()
      expect(await refusal(s.registry.setAlias('eta', alias, 1, undefined, ana))).toMatchObject({
        code: 'SX_REQUEST_INVALID',
      })
    },
  )
  test.each(['v1a', 'champion-2', 'müller', '_'])('can be called %j', async (alias) => {
    await add()
    await s.registry.setAlias('eta', alias, 1, undefined, ana)
  })
})

describe('a model that no platform defines', () => {
  const register = async () => {
    const put = await s.artifacts.put(await s.file())
    const files = [{ path: 'model.pkl', ...put }]
    const plain = {
      entry: null,
      flavor: 'sklearn',
      facts: {},
      source: 'x',
      run: null,
      runLink: null,
      loggedModel: null,
    }
    return (
      await s.registry.register(
        { model: 'free', create: true, files, ...plain, description: null, tags: {}, unlessNewest: false },
        ana,
      )
    ).version
  }
  test('goes from any stage to any, several to production, unless others are to be archived', async () => {
    const [one, two, three] = [await register(), await register(), await register()]
    for (const to of ['production', 'staging', 'archived', 'production', 'registered', 'production'] as const)
      await s.registry.move('free', one, to, {}, ana)
    await s.registry.move('free', two, 'production', {}, ana)
    expect(await s.registry.model('free')).toMatchObject({ defined: false, production: two })
    expect((await s.registry.model('free')).list.map(({ stage: at }) => at)).toEqual([
      'registered',
      'production',
      'production',
    ])
    await s.registry.move('free', three, 'production', { archiveOthers: true }, ana)
    expect((await s.registry.model('free')).list.map(({ stage: at }) => at)).toEqual([
      'production',
      'archived',
      'archived',
    ])
    expect(await refusal(s.registry.move('free', one, 'validated', {}, ana))).toMatchObject({
      code: 'SX_STAGE_INVALID',
    })
    expect(await refusal(s.registry.validate('free', one, { data: null }, ana))).toMatchObject({
      code: 'SX_STAGE_INVALID',
    })
    expect(await s.registry.verifyAudit(() => {})).toMatchObject({ ok: true, problems: [] })
  })
  test('is renamed, and one that is defined is not', async () => {
    await register()
    await s.registry.change({ kind: 'model.renamed', model: 'free', to: 'freer' }, ana)
    expect((await s.registry.model('freer')).versions).toBe(1)
    await add()
    for (const [from, to] of [
      ['eta', 'other'],
      ['freer', 'strict'],
    ] as const)
      expect(await refusal(s.registry.change({ kind: 'model.renamed', model: from, to }, ana))).toMatchObject({
        code: 'SX_MODEL_IN_USE',
      })
  })
})

describe('the difference of two versions', () => {
  const words = async (a: string, b: string) =>
    Object.fromEntries(
      (await s.registry.diff('eta', a, b)).facts.map(({ fact, changes }) => [
        fact,
        changes.map((change) => change.words),
      ]),
    )
  test('over all seven facts, in words', async () => {
    const facts = {
      data: { pointer: 'train.parquet', hash: 'a', rows: 100, from: 0, to: 86_400_000 },
      configuration: { parameters: { trees: 100, depth: 4 }, seeds: { numpy: 1 }, commit: 'abc', dirty: false },
      evaluation: [
        { metric: 'log_loss', value: 0.512, data: 'h' },
        { metric: 'log_loss', value: 0.6, slice: 'carrier = UA', data: 'h' },
        { metric: 'auc', value: 0.8 },
      ],
      dependencies: { packages: ['numpy==2.0.1', 'pandas==2.2'] },
    }
    await add({ facts })
    await add({
      facts: {
        data: { ...facts.data, hash: 'b', rows: 120, query: 'SELECT 1' },
        configuration: { parameters: { trees: 200, rate: 0.1 }, seeds: { numpy: 1 }, commit: 'def', dirty: true },
        evaluation: [
          { metric: 'log_loss', value: 0.498, low: 0.49, high: 0.51, data: 'h' },
          { metric: 'log_loss', value: 0.6, slice: 'carrier = UA', data: 'h' },
          { metric: 'auc', value: 0.81 },
          { metric: 'mae', value: 1 },
        ],
        dependencies: { packages: ['numpy==2.1.0', 'polars>=1'] },
      },
    })
    expect(await words('1', '2')).toEqual({
      artifact: [expect.stringMatching(/^file model\.onnx has other contents: \d+ B → \d+ B$/)],
      schema: [],
      preprocessing: [],
      data: ['hash a → b', 'rows 100 → 120', 'query is now recorded: SELECT 1'],
      configuration: [
        'parameter trees 100 → 200',
        'parameter depth is no longer recorded; it was 4',
        'parameter rate is now recorded: 0.1',
        'commit abc → def',
        'the code has changes that no commit has',
      ],
      evaluation: [
        'metric log_loss 0.512 → 0.498 (0.49 to 0.51) on the same data',
        'metric auc 0.8 → 0.81 on data that is not named',
        'metric mae is new: 1',
      ],
      dependencies: ['package numpy 2.0.1 → 2.1.0', 'package pandas is gone', 'package polars >=1 is new'],
    })
    expect((await s.registry.diff('eta', '1', '1')).facts.every(({ equal }) => equal)).toBe(true)
  })
  test('of the definition that each was registered under', async () => {
    await add()
    const later = await s.beside({ platform: withGates(25) })
    await later.add('eta', await s.file(0, { opset: 18, domains: { 'ai.onnx.ml': 3 } }), registered, ana)
    const found = await words('1', 'latest')
    expect(found['preprocessing']).toEqual(['mean_1d: pace.mean_1d.orElse(20) → pace.mean_1d.orElse(25)'])
    expect(found['dependencies']).toEqual(['opset 17 → 18', 'ai.onnx.ml is now recorded: 3', 'runtime >=1.13 → >=1.14'])
    expect(fits.opset).toBe(17)
  })
})
