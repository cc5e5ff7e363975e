/** The laws of searching what the tracking store keeps. */
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { Condition, Ordering, Search } from '../ports/search.ts'
import type { ContractCase } from './contract.ts'
import { check, equal, rejects } from './contract.ts'
import { idOf, inOpened, metric, modelIdOf, newRun } from './tracking-store-tools.ts'

const is = (
  of: Condition['of'],
  key: string,
  operator: Condition['operator'],
  value: Condition['value'] = null,
  more: Partial<Condition> = {},
): Condition => ({ of, key, operator, value, ...more })
const by = (of: Condition['of'], key: string, descending = false, more: Partial<Ordering> = {}): Ordering => ({
  ...{ of, key, descending },
  ...more,
})
const asked = (where: readonly Condition[] = [], order: readonly Ordering[] = [], limit = 100, offset = 0): Search => ({
  ...{ where, order, limit, offset },
})

export function trackingSearchCases(
  open: () => Promise<MetadataStore>,
  again: (store: MetadataStore) => Promise<MetadataStore>,
): readonly ContractCase[] {
  const { named } = inOpened(open, again)
  return [
    named('finds runs by each kind of condition', async (store) => {
      const other = await store.createExperiment({ name: 'other', artifactLocation: null, tags: {} }, 1)
      const runs = [
        { tags: { stage: 'Prod', team: 'a%b' }, parameters: { lr: '0.1' }, metrics: { auc: 0.9, loss: 1 } },
        { tags: { stage: 'prod' }, parameters: { lr: '0.01' }, metrics: { auc: 0.5, loss: Number.NaN } },
        { tags: { team: 'a*b_?[x]' }, parameters: {}, metrics: { auc: Infinity } },
        { tags: {}, parameters: { lr: `${'0'.repeat(80)}1` }, metrics: {} },
      ]
      for (const [number, { tags, parameters, metrics }] of runs.entries()) {
        const { id } = await store.createRun(newRun(number, { tags: tags as { [key: string]: string } }))
        await store.log(id, {
          metrics: Object.entries(metrics).map(([key, value]) => metric(key, value)),
          ...{ parameters: Object.entries(parameters).map(([key, value]) => ({ key, value })), tags: [] },
        })
      }
      await store.createRun(newRun(9, { experiment: other }))
      await store.updateRun(idOf(1), { status: 'FINISHED', endedAt: 2_000 })
      await store.logInputs(
        idOf(0),
        ['train', 'eval'].map((context) => ({
          dataset: {
            name: `flights ${context}`,
            digest: `d-${context}`,
            sourceType: 's',
            source: 's',
            schema: null,
            profile: null,
          },
          tags: { 'mlflow.data.context': context },
        })),
        [],
      )
      const found = async (...where: readonly Condition[]): Promise<readonly number[]> =>
        (await store.searchRuns(['0'], asked(where, [by('attribute', 'run_id')]), 'active')).items.map(({ id }) =>
          Number.parseInt(id, 16),
        )
      const cases: readonly [name: string, where: readonly Condition[], expected: readonly number[]][] = [
        ['nothing', [], [0, 1, 2, 3]],
        ['a metric above', [is('metric', 'auc', '>', 0.5)], [0, 2]],
        ['a metric above or equal', [is('metric', 'auc', '>=', 0.5)], [0, 1, 2]],
        ['a metric below', [is('metric', 'auc', '<', 0.9)], [1]],
        ['a metric equal', [is('metric', 'auc', '=', 0.9)], [0]],
        ['an infinite metric', [is('metric', 'auc', '=', Infinity)], [2]],
        ['a metric unequal, which NaN is', [is('metric', 'loss', '!=', 5)], [0, 1]],
        ['a metric equal to what stands for NaN', [is('metric', 'loss', '=', 0)], []],
        ['a metric above, which NaN is not', [is('metric', 'loss', '>=', 0)], [0]],
        ['a metric that nothing has', [is('metric', 'none', '!=', 1)], []],
        ['a parameter equal', [is('parameter', 'lr', '=', '0.1')], [0]],
        ['a long parameter equal', [is('parameter', 'lr', '=', `${'0'.repeat(80)}1`)], [3]],
        ['a long parameter that differs at its end', [is('parameter', 'lr', '=', `${'0'.repeat(80)}2`)], []],
        ['a parameter unequal, which one that is missing is not', [is('parameter', 'lr', '!=', '0.1')], [1, 3]],
        ['or missing', [is('parameter', 'lr', '!=', '0.1', { orAbsent: true })], [1, 2, 3]],
        ['a parameter missing', [is('parameter', 'lr', 'IS NULL')], [2]],
        ['a parameter there', [is('parameter', 'lr', 'IS NOT NULL')], [0, 1, 3]],
        ['missing and equal at once', [is('parameter', 'lr', 'IS NULL'), is('parameter', 'lr', '=', '0.1')], []],
        ['a tag like', [is('tag', 'stage', 'LIKE', 'p%')], [1]],
        ['a tag like, of either case', [is('tag', 'stage', 'ILIKE', 'P__D')], [0, 1]],
        ['like nothing else than its pattern', [is('tag', 'team', 'LIKE', 'a%b')], [0]],
        ['a pattern with what other patterns are made of', [is('tag', 'team', 'LIKE', 'a*b_?[x]')], [2]],
        ['a pattern that is no set of characters', [is('tag', 'team', 'LIKE', '%[x]')], [2]],
        ['a backslash that escapes nothing', [is('tag', 'team', 'LIKE', 'a\\%b')], []],
        ['an attribute', [is('attribute', 'status', '=', 'FINISHED')], [1]],
        ['an attribute unequal', [is('attribute', 'status', '!=', 'FINISHED')], [0, 2, 3]],
        ['a time', [is('attribute', 'start_time', '<=', 1_001)], [0, 1]],
        ['a time that is no whole number', [is('attribute', 'start_time', '>', 1_001.5)], [2, 3]],
        ['a time beyond all', [is('attribute', 'start_time', '<', 1e300)], [0, 1, 2, 3]],
        ['a time that is missing', [is('attribute', 'end_time', '!=', 5)], [1]],
        ['ids', [is('attribute', 'run_id', 'IN', [idOf(3), idOf(0), 'x'])], [0, 3]],
        ['ids that are not', [is('attribute', 'run_id', 'NOT IN', [idOf(3), idOf(0)])], [1, 2]],
        ['a name', [is('attribute', 'run_name', 'ILIKE', 'RUN 2')], [2]],
        ['a dataset', [is('dataset', 'name', '=', 'flights eval')], [0]],
        ['a dataset like', [is('dataset', 'digest', 'LIKE', 'd-t%')], [0]],
        ['what a dataset was for', [is('dataset', 'context', 'IN', ['test', 'eval'])], [0]],
        [
          'datasets of two conditions',
          [is('dataset', 'name', '=', 'flights eval'), is('dataset', 'context', '=', 'train')],
          [0],
        ],
        ['no dataset of that name', [is('dataset', 'name', '=', 'x')], []],
        [
          'all at once',
          [
            is('metric', 'auc', '>', 0.1),
            is('parameter', 'lr', '=', '0.1'),
            is('tag', 'stage', '=', 'Prod'),
            is('metric', 'loss', '<', 2),
          ],
          [0],
        ],
        ['text that is SQL', [is('tag', "x' or '1'='1", '=', "' or 1=1 --")], []],
      ]
      for (const [name, where, expected] of cases) equal(await found(...where), expected, `what ${name} finds`)
      for (const [what, where] of [
        ['an attribute that there is not', [is('attribute', 'nothing', '=', 'x')]],
        ['too many conditions', Array.from({ length: 10_000 }, (_, index) => is('tag', `t${index}`, '=', 'x'))],
        [
          'too many values',
          [
            is(
              'attribute',
              'run_id',
              'IN',
              Array.from({ length: 20_000 }, (_, index) => idOf(index)),
            ),
          ],
        ],
      ] as const)
        await rejects(store.searchRuns(['0'], asked(where), 'active'), 'SX_FILTER_INVALID', what)
    }),

    named('answers as many conditions as a search may have', async (store) => {
      const { id } = await store.createRun(newRun(1))
      const keys = Array.from({ length: 50 }, (_, index) => `k${index}`)
      await store.log(id, {
        metrics: keys.map((key) => metric(key, 1)),
        ...{ parameters: [], tags: keys.map((key) => ({ key, value: 'v' })) },
      })
      const where = keys.map((key, index) => (index % 2 ? is('metric', key, '=', 1) : is('tag', key, '=', 'v')))
      const order = keys.slice(0, 10).map((key) => by('parameter', key))
      equal((await store.searchRuns(['0'], asked(where, order), 'active')).items.length, 1, 'how many are found')
    }),

    named('finds runs of the experiments and of the lifecycle asked for', async (store) => {
      const second = await store.createExperiment({ name: 'second', artifactLocation: null, tags: {} }, 1)
      for (const number of [1, 2]) await store.createRun(newRun(number))
      for (const number of [3, 4]) await store.createRun(newRun(number, { experiment: second }))
      await store.updateRun(idOf(1), { lifecycle: 'deleted' })
      const found = async (experiments: readonly string[], view: 'active' | 'deleted' | 'all') =>
        (await store.searchRuns(experiments, asked([], [by('attribute', 'start_time')]), view)).items.map(({ id }) =>
          Number.parseInt(id, 16),
        )
      equal(await found(['0'], 'active'), [2], 'those of 0')
      equal(await found(['0'], 'deleted'), [1], 'the deleted ones of 0')
      equal(await found([second, '0', '77', 'x'], 'all'), [1, 2, 3, 4], 'those of both')
      equal(await found([], 'all'), [], 'those of none')
      equal(await found(['x'], 'all'), [], 'those of what can be none')
      await store.updateExperiment(second, { lifecycle: 'deleted' }, 2)
      equal(await found(['0', second], 'active'), [2], 'those that are there once an experiment was deleted')
      equal(await found(['0', second], 'deleted'), [1, 3, 4], 'those that are deleted then')
    }),

    named('orders runs, those that lack the value last, and equal ones newest first, then by id', async (store) => {
      const values = [3, Number.NaN, 1, null, 2, 1]
      for (const [number, value] of values.entries()) {
        const { id } = await store.createRun(newRun(number, { startedAt: 1_000 + Math.floor(number / 3) }))
        if (value === null) continue
        await store.log(id, {
          metrics: [metric('m', value)],
          ...{ parameters: [{ key: 'p', value: `${value}` }], tags: [{ key: 'Z', value: value === 3 ? 'a' : 'B' }] },
        })
      }
      const found = async (order: readonly Ordering[], where: readonly Condition[] = []) =>
        (await store.searchRuns(['0'], asked(where, order), 'active')).items.map(({ id }) => Number.parseInt(id, 16))
      equal(await found([]), [3, 4, 5, 0, 1, 2], 'without an order')
      equal(await found([by('metric', 'm')]), [5, 2, 4, 0, 1, 3], 'by a metric')
      equal(await found([by('metric', 'm', true)]), [0, 4, 5, 2, 1, 3], 'by a metric, the greatest first')
      equal(
        await found([by('metric', 'm', true)], [is('metric', 'm', '>', 0)]),
        [0, 4, 5, 2],
        'by a metric that all have',
      )
      equal(
        await found([by('metric', 'm', true)], [is('metric', 'm', '!=', 3)]),
        [4, 5, 2, 1],
        'by a metric unequal to a number',
      )
      equal(await found([by('parameter', 'p', true)]), [1, 0, 4, 5, 2, 3], 'by a parameter')
      equal(await found([by('tag', 'Z'), by('attribute', 'run_id', true)]), [5, 4, 2, 1, 0, 3], 'by a tag, then by id')
      equal(
        await found([by('attribute', 'end_time'), by('attribute', 'start_time')]),
        [0, 1, 2, 3, 4, 5],
        'by a time none has',
      )
      equal(await found([by('metric', 'none')]), [3, 4, 5, 0, 1, 2], 'by a metric that none has')
    }),

    named('gives every run once in pages, with all that is its own', async (store) => {
      for (let number = 0; number < 25; number += 1) {
        await store.createRun(newRun(number, { startedAt: 5, tags: { n: `${number}` } }))
        await store.log(idOf(number), {
          metrics: [metric('m', number % 3)],
          parameters: [{ key: 'p', value: `${number}` }],
          tags: [],
        })
      }
      const found: string[] = []
      for (let more = true; more; ) {
        const page = await store.searchRuns(['0'], asked([], [by('metric', 'm')], 10, found.length), 'active')
        for (const run of page.items) {
          equal(run, await store.run(run.id), 'a run that was found')
          found.push(run.id)
        }
        more = page.more
      }
      equal(
        [...found].sort(),
        Array.from({ length: 25 }, (_, number) => idOf(number)),
        'all that were found',
      )
      equal((await store.searchRuns(['0'], asked([], [], 25), 'active')).more, false, 'more after the last')
    }),

    named('gives a page of many runs in their order, each whole', async (store) => {
      const numbers = Array.from({ length: 610 }, (_, number) => number)
      const make = async (number: number): Promise<void> => {
        await store.createRun(newRun(number, { startedAt: 5_000 - number, tags: { n: `${number}` } }))
        await store.log(idOf(number), { metrics: [metric('m', (number * 7) % 610)], parameters: [], tags: [] })
      }
      for (let from = 0; from < numbers.length; from += 50) await Promise.all(numbers.slice(from, from + 50).map(make))
      const page = await store.searchRuns(['0'], asked([], [by('metric', 'm')], 560, 25), 'active')
      equal(
        page.items.map(({ metrics }) => metrics[0]?.value),
        numbers.slice(25, 585),
        'the metrics, in order',
      )
      check(
        page.items.every(({ id, tags }) => id === idOf(Number(tags['n']))),
        'a run has tags of another',
      )
      equal([page.more, (await store.searchRuns(['0'], asked([], [], 610), 'active')).more], [true, false], 'more')
    }),

    named('finds experiments by name, tag and time', async (store) => {
      for (const [index, name] of ['Alpha', 'alpha', 'beta'].entries())
        await store.createExperiment(
          { name, artifactLocation: null, tags: index === 1 ? {} : { team: name } },
          10 + index,
        )
      await store.updateExperiment('3', { lifecycle: 'deleted' }, 99)
      const found = async (
        where: readonly Condition[],
        view: 'active' | 'deleted' | 'all' = 'all',
        order: readonly Ordering[] = [],
      ) =>
        (
          await store.searchExperiments(
            asked(where, order.length > 0 ? order : [by('attribute', 'experiment_id')]),
            view,
          )
        ).items.map(({ id }) => Number(id))
      equal(await found([], 'active'), [0, 1, 2], 'those that are active')
      equal(await found([], 'deleted'), [3], 'those that were deleted')
      equal(await found([is('attribute', 'name', '=', 'alpha')]), [2], 'by name')
      equal(await found([is('attribute', 'name', 'ILIKE', 'al%')]), [1, 2], 'by name of either case')
      equal(await found([is('attribute', 'experiment_id', 'IN', [1, 3])]), [1, 3], 'by id')
      equal(await found([is('tag', 'team', 'IS NULL')]), [0, 2], 'by a tag they lack')
      equal(await found([is('tag', 'team', '!=', 'beta')]), [1], 'by a tag that is another')
      equal(await found([is('attribute', 'last_update_time', '=', 99)]), [3], 'by time')
      equal(
        await found([is('attribute', 'creation_time', '<', 13)], 'all', [by('attribute', 'name', true)]),
        [3, 2, 1],
        'by name, backwards',
      )
    }),

    named('finds logged models by what was measured of them, on which data', async (store) => {
      const second = await store.createExperiment({ name: 'second', artifactLocation: null, tags: {} }, 1)
      const { id: run } = await store.createRun(newRun(1))
      const [train, test] = [
        { name: 'train', digest: 'd1' },
        { name: 'test', digest: 'd2' },
      ]
      const measured = [
        [metric('auc', 0.9, { dataset: train }), metric('auc', 0.6, { dataset: test, at: 1_800_000_000_000 })],
        [metric('auc', 0.7, { dataset: train }), metric('auc', 0.8, { dataset: test, at: 1_800_000_000_000 })],
        [metric('auc', Number.NaN)],
        [],
      ]
      for (const [number, metrics] of measured.entries()) {
        const model = modelIdOf(number)
        await store.createLoggedModel(
          {
            ...{
              id: model,
              experiment: number === 3 ? second : '0',
              name: `model ${number}`,
              modelType: 'linear',
              run,
            },
            ...{ tags: { n: `${number}` }, parameters: { depth: `${number}` } },
          },
          10 + number,
        )
        await store.log(run, { metrics: metrics.map((one) => ({ ...one, model })), parameters: [], tags: [] })
      }
      await store.updateLoggedModel(modelIdOf(0), { status: 'LOGGED_MODEL_READY' }, 50)
      const found = async (where: readonly Condition[], order: readonly Ordering[] = [], experiments = ['0', second]) =>
        (await store.searchLoggedModels(experiments, asked(where, order))).items.map(({ id }) =>
          Number.parseInt(id.slice(2), 16),
        )
      equal(await found([]), [3, 2, 1, 0], 'all, the newest first')
      equal(await found([], [], ['0']), [2, 1, 0], 'those of an experiment')
      equal(await found([is('metric', 'auc', '>', 0.75)]), [1, 0], 'measured anywhere')
      equal(await found([is('metric', 'auc', '>', 0.75, { datasets: [test] })]), [1], 'measured on one dataset')
      equal(
        await found([is('metric', 'auc', '>', 0.75, { datasets: [{ name: 'train', digest: null }] })]),
        [0],
        'on one of a name',
      )
      equal(await found([is('metric', 'auc', '>', 0.75, { datasets: [train, test] })]), [1, 0], 'on one of two')
      equal(
        await found([is('dataset', 'name', 'IS NOT NULL', null, { datasets: [test] })]),
        [1, 0],
        'measured at all on it',
      )
      equal(await found([is('metric', 'auc', '!=', 5)]), [2, 1, 0], 'unequal, which NaN is')
      equal(await found([], [by('metric', 'auc', true)]), [1, 0, 2, 3], 'by what was measured last')
      equal(
        await found([], [by('metric', 'auc', true, { datasets: [train] })]),
        [0, 1, 3, 2],
        'by what was measured on one dataset',
      )
      equal(await found([is('parameter', 'depth', 'IN', ['1', '2'])]), [2, 1], 'by parameters')
      equal(await found([is('tag', 'n', '=', '3')]), [3], 'by a tag')
      equal(await found([is('attribute', 'status', '=', 'READY')]), [0], 'by status')
      equal(await found([is('attribute', 'experiment_id', '=', second)]), [3], 'by experiment')
      equal(
        await found([is('attribute', 'source_run_id', '=', run), is('attribute', 'name', 'LIKE', '%2')]),
        [2],
        'by run and name',
      )
      equal(await found([is('attribute', 'creation_timestamp', '<', 12)], [by('attribute', 'name')]), [0, 1], 'by time')
      await store.updateLoggedModel(modelIdOf(2), { deleted: true }, 60)
      equal(await found([]), [3, 1, 0], 'those that were not deleted')
    }),
  ]
}
