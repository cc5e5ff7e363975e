/** materialize, features get and training-set: state from history, what it says now, and what it said at each instant of a label. */
import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Project } from './project.ts'
import { platformText, project } from './project.ts'

let p: Project
beforeAll(async () => {
  p = await project()
  await p.history(100)
})
afterAll(() => p.dispose())

interface Built {
  readonly view: string
  readonly mode: string
  readonly resumed: boolean
  readonly through: number
  readonly events: number
  readonly entities: number
  readonly milliseconds: number
}
const materialized = async (...args: readonly string[]): Promise<readonly Built[]> => {
  const { code, out, err } = await p.run('materialize', '--json', ...args)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return (JSON.parse(out) as { readonly views: readonly Built[] }).views
}
const read = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await p.run('features', 'get', 'pace', '--json', ...args)).out)

describe('materialize', () => {
  test('builds, is up to date, extends, and builds anew', async () => {
    const fifty = '2024-01-03T01:00:00.001Z'
    expect(await materialized('pace', '--through', fifty)).toEqual([
      {
        view: 'pace',
        mode: 'built',
        resumed: false,
        through: Date.parse(fifty),
        events: 50,
        entities: 2,
        milliseconds: expect.any(Number),
      },
    ])
    // Orders 0 to 48 of even number: their mean is 24.
    expect(await read('-k', 'courier=ann')).toMatchObject({ features: { mean_ever: 24, deliveries_ever: 25 } })
    expect((await materialized('--through', fifty)).map(({ view, mode }) => [view, mode])).toEqual([
      ['pace', 'up to date'],
    ])
    expect(await materialized()).toMatchObject([{ mode: 'extended', events: 50 }])
    expect(await read('-k', 'courier=ann')).toMatchObject({ features: { mean_ever: 49, deliveries_ever: 50 } })
    expect(await materialized('--rebuild')).toMatchObject([{ mode: 'built', events: 100 }])
    expect(await read('-k', 'courier=ann')).toMatchObject({ features: { mean_ever: 49, deliveries_ever: 50 } })
  })

  test('history that grew is added', async () => {
    await p.history(120)
    const { code, out } = await p.run('materialize')
    expect(code).toBe(0)
    expect(out).toMatch(
      /^view +events +entities +through +took\n-.*\npace +extended +20 +2 +2024-01-05T23:00:00\.001Z +\d+ ms\n$/,
    )
  })

  test.each([
    [['pase'], 4, "SX_UNKNOWN_VIEW: There is no view 'pase'. Did you mean 'pace'?"],
    [['work'], 2, "SX_USAGE: View 'work' has no history: pushed events alone make its state."],
    [['--through', 'yesterday'], 2, "SX_USAGE: --through 'yesterday' is no instant."],
    [
      ['--through', '2999-01-01T00:00:00Z'],
      2,
      "SX_USAGE: View 'pace' cannot be materialised through 2999-01-01T00:00:00.000Z, which is after now.",
    ],
  ])('%j is refused', async (args, exit, said) => {
    const { code, out, err } = await p.run('materialize', ...args)
    expect({ code, out }).toEqual({ code: exit, out: '' })
    expect(err.split('\n')[0]).toBe(said)
    expect(err).toMatch(/\n {2}→ /)
  })

  test('where no view has a history there is nothing to do', async () => {
    const other = await project(platformText.replace("history: parquet('history.parquet'),", ''))
    expect(await other.run('materialize')).toEqual({
      code: 0,
      out: 'No view has a history: pushed events alone make their state.\n',
      err: '',
    })
    await other.dispose()
  })
})

describe('features get', () => {
  test('reads, and says how old the newest event is', async () => {
    const { code, out, err } = await p.run('features', 'get', 'pace', '-k', 'courier=ann')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(
      /^pace at 20\d\d-.*Z, newest event \d+d(?: \d+h)? before\n {2}mean_ever {2}59\n {2}deliveries_ever {2}60\n$/,
    )
    const unseen = await p.run('features', 'get', 'pace', '--key', 'courier=zoe')
    expect(unseen.out).toMatch(/, an entity never seen\n {2}mean_ever {2}missing\n {2}deliveries_ever {2}0\n$/)
  })

  test('--json', async () => {
    expect(await read('-k', 'courier=bob')).toEqual({
      view: 'pace',
      at: expect.any(Number),
      entity: 'known',
      newest: Date.UTC(2024, 0, 5, 23),
      features: { mean_ever: 60, deliveries_ever: 60 },
    })
  })

  test.each([
    [
      ['pacee', '-k', 'courier=ann'],
      4,
      "SX_UNKNOWN_VIEW: There is no view 'pacee'. Did you mean 'pace'?",
      'Use one of the names listed.',
    ],
    [['pace'], 2, "SX_USAGE: The key of view 'pace' is not whole: courier is missing.", 'Write --key courier=…'],
    [
      ['pace', '-k', 'couriers=ann'],
      2,
      "SX_USAGE: The key of view 'pace' has no part 'couriers'. Did you mean 'courier'?",
      'Write --key courier=…',
    ],
    [['pace', '-k', 'ann'], 2, "SX_USAGE: --key 'ann' is no part and value.", 'Write --key courier=…'],
    [
      ['pace', '-k', 'courier=ann', '--at', 'noon'],
      2,
      "SX_USAGE: --at 'noon' is no instant.",
      'Write ISO 8601 with a zone: 2013-06-01T12:00:00Z.',
    ],
  ])('%j is refused', async (args, exit, said, fix) => {
    expect(await p.run('features', 'get', ...args)).toEqual({ code: exit, out: '', err: `${said}\n  → ${fix}\n` })
  })
})

describe('training-set', () => {
  const labels = ['--labels', 'labels.parquet', '--at', 'asked', '--zone', 'UTC']
  beforeAll(async () => {
    await p.sql(
      `COPY (SELECT * FROM (VALUES ('ann', 1.5, TIMESTAMP '2024-01-01 03:00:00'), ('zoe', 2.5, TIMESTAMP '2024-01-01 04:00:00'))
         t(courier, km, asked)) TO '${p.path('labels.parquet')}' (FORMAT parquet)`,
    )
  })

  test('joins a vector as of each instant, and says with what definitions', async () => {
    const { code, out, err } = await p.run('training-set', 'eta', ...labels, '--out', 'train.parquet')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^train\.parquet: 2 rows, 5 columns, [\d.]+ KiB, in \d+ ms\n$/)
    // At three o'clock ann had orders 0 and 2.
    expect(await p.sql(`SELECT courier, vector__mean_ever, vector__km FROM '${p.path('train.parquet')}'`)).toEqual([
      ['ann', 1, 1.5],
      ['zoe', 20, 2.5],
    ])
    const metadata = Object.fromEntries(
      (await p.sql(`SELECT decode(key), decode(value) FROM parquet_kv_metadata('${p.path('train.parquet')}')`)) as [
        string,
        string,
      ][],
    )
    const { hash } = JSON.parse((await p.run('plan', '--json')).out) as { readonly hash: string }
    expect(metadata).toMatchObject({
      'sixfold.platform': hash,
      'sixfold.model': 'eta',
      'sixfold.definition': expect.stringMatching(/^[0-9a-f]{64}$/),
      'sixfold.at': 'asked',
      'sixfold.vector': '["vector__mean_ever","vector__km"]',
    })
  })

  test('--json, of views', async () => {
    const { code, out } = await p.run('training-set', '--view', 'pace', ...labels, '--out', 'views.parquet', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      rows: 2,
      columns: ['courier', 'km', 'asked', 'pace__mean_ever', 'pace__deliveries_ever'],
      bytes: expect.any(Number),
      milliseconds: expect.any(Number),
      out: 'views.parquet',
    })
  })

  test.each([
    [
      ['eta', '--labels', 'lost.parquet', '--at', 'asked', '--out', 'no.parquet'],
      1,
      /^SX_LABELS_INVALID: .*lost\.parquet' cannot be read/,
    ],
    [
      ['eta', '--labels', 'labels.parquet', '--at', 'askd', '--out', 'no.parquet'],
      1,
      /^SX_LABELS_INVALID: .*no column 'askd'\. Did you mean 'asked'\?/,
    ],
    [['eta', '--labels', 'labels.parquet', '--at', 'asked', '--out', 'no.parquet'], 1, /^SX_LABELS_INVALID: .*zone/s],
    [
      ['etta', ...labels, '--out', 'no.parquet'],
      4,
      /^SX_UNKNOWN_MODEL: There is no model 'etta'\. Did you mean 'eta'\?/,
    ],
    [[...labels, '--out', 'no.parquet'], 2, /^SX_USAGE: Neither a model nor a view is named\.\n {2}→ Name a model/],
    [['eta', ...labels, '--out', 'lost/no.parquet'], 2, /^SX_USAGE: There is no folder 'lost'/],
    [['--view', 'work', ...labels, '--out', 'no.parquet'], 1, /^SX_HISTORY_UNREADABLE: source 'shifts' has no history/],
  ])('%j is refused, and leaves no file', async (args, exit, said) => {
    const { code, out, err } = await p.run('training-set', ...args)
    expect({ code, out }).toEqual({ code: exit, out: '' })
    expect(err).toMatch(said)
    expect(err).toMatch(/\n {2}→ /)
    expect((await readdir(p.folder)).filter((name) => name.startsWith('no.parquet'))).toEqual([])
  })
})
