/**
 * The laws of the offline store, as cases for any adapter. Each case opens stores of its own and closes them. That features come to
 * the right values is held elsewhere, against every other engine; here is one small table, worked out by hand.
 *
 * What a store does when its files are away is not here: each adapter tests it beside this.
 */
import { entity } from '../definition/entity.ts'
import { parquet, source } from '../definition/source.ts'
import { view } from '../definition/view.ts'
import { count, last, mean } from '../expression/aggregates.ts'
import type { Value } from '../expression/node.ts'
import type { OfflineStore, TrainingSetRequest } from '../ports/offline-store.ts'
import type { ContractCase } from './contract.ts'
import { check, equal, rejects } from './contract.ts'

export type Column = 'string' | 'int64' | 'float64' | 'timestamp'
/** A column's type under its name; instants are milliseconds since the epoch. */
export interface Columns {
  readonly [name: string]: Column
}
export type Rows = readonly (readonly Value[])[]

export interface OfflineStoreSetup {
  open(): Promise<OfflineStore>
  /** A folder that is empty, of those that the store reads and writes; every path is to begin with it and a '/'. */
  folder(): Promise<string>
  /** Writes a Parquet file behind the store's back; instants as timestamps with a zone. */
  write(path: string, columns: Columns, rows: Rows): Promise<void>
  /** Puts these bytes where a file is, or is to be. */
  put(path: string, bytes: Uint8Array): Promise<void>
  /** A Parquet file's columns, and its rows in their order; null where there is no such file. */
  read(path: string): Promise<{ readonly names: readonly string[]; readonly rows: Rows } | null>
}

const at = (clock: string): number => Date.parse(`2024-05-01T${clock}Z`)
const eventColumns = { courier: 'string', minutes: 'float64', parcels: 'int64', at: 'timestamp' } as const
const events: Rows = [
  ['bob', 3, 1, at('10:05:00')],
  ['ann', 12.5, 2, at('10:00:00')],
  ['cyd', 30, 4, at('11:00:00')],
  ['ann', 7.5, null, at('10:20:00')],
  ['ann', null, 3, at('10:10:00')],
]
/** By the couriers' names, and of each by when they became visible. */
const ordered: Rows = [events[1]!, events[4]!, events[3]!, events[0]!, events[2]!]

const labelColumns = { note: 'string', courier: 'string', moment: 'timestamp' } as const
const labels: Rows = [
  ['no event is known yet', 'bob', at('10:05:30')],
  ['all three', 'ann', at('12:00:00')],
  ['the first alone, the second being known a minute later', 'ann', at('10:10:59')],
  ['two, of which one has no minutes', 'ann', at('10:11:00')],
  ['nobody', 'zoe', at('12:00:00')],
  ['all three', 'ann', at('12:00:00')],
  ['the first is more than 15 minutes ago', 'ann', at('10:21:00')],
]
/** n, average, latest, recent: of each label row. */
const features: Rows = [
  [0, null, null, 0],
  [3, 10, 7.5, 0],
  [1, 12.5, 12.5, 1],
  [2, 12.5, null, 2],
  [0, null, null, 0],
  [3, 10, 7.5, 0],
  [3, 10, 7.5, 2],
]

const definitionsOver = (path: string) => {
  const courier = entity('courier', { key: { courier: 'string' } })
  const deliveries = source('deliveries', {
    fields: { courier: 'string', minutes: 'float64?', parcels: 'int64?', at: 'timestamp' },
    time: 'at',
    known: { after: '1m' },
    history: parquet(path),
  })
  const pace = view('pace', {
    entity: courier,
    source: deliveries,
    features: ({ minutes }) => ({
      n: count().ever(),
      average: mean(minutes).ever(),
      latest: last(minutes).ever(),
      recent: count().over('15m', { hop: '0' }),
    }),
  })
  return { deliveries, pace }
}

export function offlineStoreCases(setup: OfflineStoreSetup): readonly ContractCase[] {
  interface Given {
    readonly store: OfflineStore
    readonly folder: string
    /** Over `history.parquet` of the folder, which holds `events`. */
    readonly defined: ReturnType<typeof definitionsOver>
    /** Over `labels.parquet` of the folder, which holds `labels`. */
    readonly request: TrainingSetRequest
  }
  const named = (name: string, body: (given: Given) => Promise<void>): ContractCase => ({
    name,
    run: async () => {
      const store = await setup.open()
      try {
        const folder = await setup.folder()
        await setup.write(`${folder}/history.parquet`, eventColumns, events)
        await setup.write(`${folder}/labels.parquet`, labelColumns, labels)
        const defined = definitionsOver(`${folder}/history.parquet`)
        const request = {
          ...{ labels: `${folder}/labels.parquet`, at: 'moment', zone: null, out: `${folder}/out.parquet` },
          ...{ views: [{ group: 'pace', view: defined.pace }], model: null, metadata: { 'sixfold.test': 'yes' } },
        }
        await body({ store, folder, defined, request })
      } finally {
        await store.close()
      }
    },
  })
  const historyOf = async (
    store: OfflineStore,
    { deliveries, pace }: Given['defined'],
    between: Partial<Parameters<OfflineStore['history']>[0]> = {},
  ): Promise<Rows> => {
    const rows: (readonly Value[])[] = []
    const all = { after: Number.NEGATIVE_INFINITY, through: Number.POSITIVE_INFINITY, afterKey: null }
    for await (const batch of store.history({ source: deliveries, view: pace, ...all, ...between }))
      rows.push(...batch.rows)
    return rows
  }
  const outputs = ['pace__n', 'pace__average', 'pace__latest', 'pace__recent']
  const expected = {
    names: [...Object.keys(labelColumns), ...outputs],
    rows: labels.map((row, i) => [...row, ...features[i]!]),
  }

  return [
    named('gives events of one entity together, in order, with all fields', async ({ store, defined }) => {
      equal(await historyOf(store, defined), ordered, 'history')
    }),
    named('gives events that became visible after one instant and by another', async ({ store, defined }) => {
      // The events of 10:05 and 10:10, each known a minute later.
      const rows = await historyOf(store, defined, { after: at('10:01:00'), through: at('10:11:00') })
      equal(rows, [ordered[1]!, ordered[3]!], 'history')
    }),
    named('goes on behind a key', async ({ store, defined }) => {
      equal(await historyOf(store, defined, { afterKey: ['ann'] }), ordered.slice(3), 'history behind ann')
      equal(
        await historyOf(store, defined, { afterKey: ['bo'] }),
        ordered.slice(3),
        'history behind a key without events',
      )
      equal(await historyOf(store, defined, { afterKey: ['cyd'] }), [], 'history behind the last key')
    }),
    named('reads all files of a glob, in folders too', async ({ store, folder }) => {
      for (const [i, day] of ['2024-05-01', '2024-05-02', '2024-06-01'].entries())
        await setup.write(`${folder}/days/day=${day}/part [${i}].parquet`, eventColumns, [events[i]!])
      await setup.put(`${folder}/days/day=2024-05-01/notes.txt`, Buffer.from('no Parquet'))
      const of = (glob: string): Promise<Rows> => historyOf(store, definitionsOver(`${folder}/${glob}`))
      equal(await of('days/*/*.parquet'), [events[1], events[0], events[2]], 'history of days/*/*.parquet')
      equal(await of('days/**/*.parquet'), [events[1], events[0], events[2]], 'history of days/**/*.parquet')
      equal(await of('days/day=2024-05-??/*.parquet'), [events[1], events[0]], 'history of two days')
      equal(await of('days/day=2024-0[!5]*/*.parquet'), [events[2]], 'history of the other day')
    }),
    named('may be left in the midst of a history', async ({ store, folder }) => {
      const many = Array.from({ length: 10_000 }, (_, i) => ['ann', i, i, at('10:00:00') + i])
      await setup.write(`${folder}/many.parquet`, eventColumns, many)
      const { deliveries, pace } = definitionsOver(`${folder}/many.parquet`)
      const all = { after: Number.NEGATIVE_INFINITY, through: Number.POSITIVE_INFINITY, afterKey: null }
      for await (const { rows } of store.history({ source: deliveries, view: pace, ...all })) {
        check(rows.length > 0 && rows.length < many.length, `a batch of ${rows.length} of ${many.length} rows`)
        break
      }
      equal((await historyOf(store, definitionsOver(`${folder}/many.parquet`))).length, many.length, 'rows after that')
    }),
    named('reads what is there now, also where it read other rows before', async ({ store, folder, defined }) => {
      await historyOf(store, defined)
      const changed = events.map(([courier, , ...rest]): readonly Value[] => [courier!, 99, ...rest])
      await setup.write(`${folder}/history.parquet`, eventColumns, changed)
      equal(
        (await historyOf(store, defined)).map((row) => row[1]),
        events.map(() => 99),
        'minutes',
      )
    }),
    named(
      'makes a row of each label row, in their order, with the values of its instant',
      async ({ store, request }) => {
        const steps: number[] = []
        const result = await store.trainingSet(request, (done) => steps.push(done))
        equal(await setup.read(request.out), expected, 'the training set')
        equal([result.rows, result.columns], [labels.length, expected.names], 'what it tells')
        check(result.bytes > 0, 'it tells of no bytes')
        check(
          steps.every((step, i) => step >= 0 && step <= 1 && step >= (steps[i - 1] ?? 0)),
          `progress goes ${steps.join(', ')}`,
        )
      },
    ),
    named('writes the same rows again for the same request, in place of those before', async ({ store, request }) => {
      await store.trainingSet(request, () => {})
      await store.trainingSet(request, () => {})
      equal(await setup.read(request.out), expected, 'the training set')
    }),
    named('writes nothing where it cannot write all, and leaves what was there', async ({ store, folder, request }) => {
      const without = { ...request, at: 'nothing' }
      await refused(
        store.trainingSet(without, () => {}),
        'SX_LABELS_INVALID',
        `${folder}/labels.parquet`,
      )
      equal(await setup.read(request.out), null, 'a file after a refusal')
      await store.trainingSet(request, () => {})
      await refused(
        store.trainingSet(without, () => {}),
        'SX_LABELS_INVALID',
        `${folder}/labels.parquet`,
      )
      equal(await setup.read(request.out), expected, 'the training set after a refusal')
    }),
    named('makes rows of one period only, its beginning included and its end not', async ({ store, request }) => {
      const period = { from: at('10:10:59'), until: at('12:00:00') }
      const { rows } = await store.trainingSet({ ...request, period }, () => {})
      const kept = [2, 3, 6].map((i) => expected.rows[i]!)
      equal(await setup.read(request.out), { ...expected, rows: kept }, 'the training set')
      equal(rows, kept.length, 'what it tells')
      await store.trainingSet({ ...request, period: { from: null, until: at('10:05:30') } }, () => {})
      equal((await setup.read(request.out))?.rows, [], 'a period before all labels')
    }),
    named('says what rows there are, with a hash that only other rows change', async ({ store, folder, request }) => {
      const of = (name: string) => store.summarizeRows({ ...request, labels: `${folder}/${name}.parquet` })
      const { hash, ...told } = await of('labels')
      equal(
        { ...told, columns: told.columns.map(({ name }) => name) },
        { rows: 7, columns: Object.keys(labelColumns), first: at('10:05:30'), last: at('12:00:00') },
        'summary',
      )
      await store.trainingSet(request, () => {})
      const before = await of('out')
      await store.trainingSet({ ...request, metadata: { other: 'bytes' } }, () => {})
      equal(await of('out'), before, 'the summary of the same rows, written again')
      check(before.hash !== hash, 'more columns have the same hash')
      for (const [what, rows] of [
        ['another value', labels.map((row, i) => (i === 3 ? ['three', ...row.slice(1)] : row))],
        ['another order', [...labels.slice(1), labels[0]!]],
        ['a row less', labels.slice(1)],
        ['a missing value', labels.map((row, i) => (i === 3 ? [null, ...row.slice(1)] : row))],
      ] as const) {
        await setup.write(`${folder}/other.parquet`, labelColumns, rows)
        check((await of('other')).hash !== hash, `${what}: the same hash`)
      }
      const nothing = { ...request, views: [], period: { from: null, until: at('00:00:00') } }
      await store.trainingSet({ ...nothing, out: `${folder}/none.parquet` }, () => {})
      const none = await of('none')
      check(none.hash !== hash, 'no rows have the same hash')
      equal([none.rows, none.first, none.last], [0, null, null], 'the summary of no rows')
    }),
    named('says from which instant on a share of the rows lies', async ({ store, folder, request }) => {
      const many = Array.from({ length: 100 }, (_, i): readonly Value[] => [
        '',
        'ann',
        at('10:00:00') + ((i * 37) % 100),
      ])
      await setup.write(`${folder}/many.parquet`, labelColumns, many)
      const labelled = { ...request, labels: `${folder}/many.parquet` }
      const split = await store.splitAt(labelled, 0.2)
      const held = many.filter((row) => (row[2] as number) >= split!).length
      check(held >= 20 && held <= 21, `${held} of 100 rows lie from there on`)
      const nothing = { ...request, views: [], period: { from: null, until: at('00:00:00') } }
      await store.trainingSet({ ...nothing, out: `${folder}/none.parquet` }, () => {})
      equal(await store.splitAt({ ...request, labels: `${folder}/none.parquet` }, 0.2), null, 'the split of no rows')
    }),
    named('gives columns of a file, in the order of its rows', async ({ store, folder, request }) => {
      const read = async (columns: readonly string[], limit: number): Promise<Rows> => {
        const rows: (readonly Value[])[] = []
        for await (const batch of store.readRows(request.out, columns, limit)) rows.push(...batch.rows)
        return rows
      }
      await store.trainingSet(request, () => {})
      const all = expected.rows.map((row) => [row[4]!, row[0]!, row[2]!])
      equal(await read(['pace__average', 'note', 'moment'], 100), all, 'columns')
      equal(await read(['pace__average', 'note', 'moment'], 2), all.slice(0, 2), 'the first two rows')
      await refused(read(['nothing'], 1), 'SX_LABELS_INVALID', `${folder}/out.parquet`)
    }),
    named('names the path of labels that are missing or no Parquet', async ({ store, folder, request }) => {
      await setup.put(`${folder}/text.parquet`, Buffer.from('this is no Parquet'))
      for (const path of [`${folder}/lost.parquet`, `${folder}/text.parquet`])
        await refused(
          store.trainingSet({ ...request, labels: path }, () => {}),
          'SX_LABELS_INVALID',
          path,
        )
      equal(await setup.read(request.out), null, 'a file after a refusal')
    }),
    named('names the path of a history that is missing, no Parquet, or damaged', async ({ store, folder, request }) => {
      await setup.put(`${folder}/text.parquet`, Buffer.from('this is no Parquet'))
      for (const path of [`${folder}/lost.parquet`, `${folder}/lost/*.parquet`, `${folder}/text.parquet`]) {
        const { deliveries, pace } = definitionsOver(path)
        await refused(historyOf(store, { deliveries, pace }), 'SX_HISTORY_UNREADABLE', path)
        await refused(store.summarize(deliveries), 'SX_HISTORY_UNREADABLE', path)
        const asked = { ...request, views: [{ group: 'pace', view: pace }] }
        await refused(
          store.trainingSet(asked, () => {}),
          'SX_HISTORY_UNREADABLE',
          path,
        )
      }
      equal(await setup.read(request.out), null, 'a file after a refusal')
    }),
    named('says what a history holds and what is wrong with it', async ({ store, folder }) => {
      await setup.write(`${folder}/odd.parquet`, eventColumns, [
        ...events,
        ['ann', Number.POSITIVE_INFINITY, 1, at('13:00:00')],
        ['ann', 1, 1, null],
      ])
      const { deliveries } = definitionsOver(`${folder}/odd.parquet`)
      equal(
        await store.summarize(deliveries),
        {
          ...{
            source: 'deliveries',
            rows: 7,
            withoutTime: 1,
            withoutKey: 0,
            withoutArrival: 0,
            outOfDomain: 1,
            repeated: 0,
          },
          ...{ firstTime: at('10:00:00'), lastTime: at('13:00:00'), lastVisible: at('13:01:00') },
        },
        'summary',
      )
    }),
    named('answers several at once', async ({ store, defined, request }) => {
      const asked = Array.from({ length: 4 }, (_, i) => ({ ...request, out: request.out.replace('out', `out-${i}`) }))
      const [rows] = await Promise.all([
        historyOf(store, defined),
        ...asked.map((one) => store.trainingSet(one, () => {})),
        store.summarize(defined.deliveries),
      ])
      equal(rows, ordered, 'history')
      for (const { out } of asked) equal(await setup.read(out), expected, out)
    }),
    named('reports on itself without a problem', async ({ store }) => {
      const report = await store.inspect()
      equal(report.problems, [], 'problems')
      check(report.version !== null && report.roundTripMs !== null, 'no version, or no round trip')
    }),
  ]
}

async function refused(action: Promise<unknown>, code: string, path: string): Promise<void> {
  const error = await rejects(action, code, `what '${path}' cannot give`)
  check(error.message.includes(path), `'${path}' is not named: ${error.message}`)
}
