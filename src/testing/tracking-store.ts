/**
 * The laws of the tracking store, as cases for any adapter. `open` gives a fresh, empty metadata store at every call; `again` another
 * connection to the data of a store that `open` gave, beside it.
 */
import type { MetadataStore } from '../ports/metadata-store.ts'
import { condemnedMs } from '../ports/registry-store.ts'
import type { Metric, NewRun } from '../ports/tracking-store.ts'
import type { ContractCase } from './contract.ts'
import { check, equal, rejects } from './contract.ts'
import { trackingSearchCases } from './tracking-store-search.ts'
import { idOf, inOpened, metric, modelIdOf, newRun } from './tracking-store-tools.ts'

export function trackingStoreCases(
  open: () => Promise<MetadataStore>,
  again: (store: MetadataStore) => Promise<MetadataStore>,
): readonly ContractCase[] {
  const { named, beside } = inOpened(open, again)

  return [
    named('has the experiment 0, named Default, from the first', async (store) => {
      const found = await store.experiment('0')
      check(found !== null, 'there is no experiment 0')
      equal([found.name, found.lifecycle, found.artifactLocation], ['Default', 'active', 'mlflow-artifacts:/0'], 'it')
      equal(await store.experimentNamed('Default'), found, 'the one named Default')
    }),

    named('numbers experiments from 1 on, and keeps what they were made with', async (store) => {
      const tags = { team: 'pricing', 'a b': '"quoted"', empty: '' }
      equal(await store.createExperiment({ name: 'one', artifactLocation: null, tags }, 5), '1', 'the first id')
      equal(
        await store.createExperiment({ name: 'two', artifactLocation: 'mlflow-artifacts:/elsewhere', tags: {} }, 6),
        '2',
        'the second id',
      )
      equal(
        await store.experiment('1'),
        {
          ...{ id: '1', name: 'one', artifactLocation: 'mlflow-artifacts:/1', lifecycle: 'active', tags },
          ...{ createdAt: 5, updatedAt: 5 },
        },
        'the first one',
      )
      equal(
        (await store.experimentNamed('two'))?.artifactLocation,
        'mlflow-artifacts:/elsewhere',
        'the place of the second',
      )
    }),

    named('gives null to ids of experiments that nothing can have', async (store) => {
      for (const id of ['7', '', '-1', '00', '1.5', '1e3', ' 1', 'x', "1' or '1'='1", '9'.repeat(40)])
        equal(await store.experiment(id), null, `experiment '${id}'`)
      equal(
        [await store.run('none'), await store.loggedModel('none'), await store.file('none')],
        [null, null, null],
        'the others',
      )
    }),

    named('keeps the name of an experiment for it, also where it was deleted', async (store) => {
      const id = await store.createExperiment({ name: 'one', artifactLocation: null, tags: {} }, 1)
      await rejects(
        store.createExperiment({ name: 'one', artifactLocation: null, tags: {} }, 2),
        'SX_TRACKING_EXISTS',
        'a second of that name',
      )
      await store.updateExperiment(id, { lifecycle: 'deleted' }, 3)
      await rejects(
        store.createExperiment({ name: 'one', artifactLocation: null, tags: {} }, 4),
        'SX_TRACKING_EXISTS',
        'one of the name of a deleted one',
      )
      const other = await store.createExperiment({ name: 'other', artifactLocation: null, tags: {} }, 5)
      await rejects(store.updateExperiment(other, { name: 'one' }, 6), 'SX_TRACKING_EXISTS', 'renaming to it')
      await store.updateExperiment(id, { lifecycle: 'active' }, 7)
      await store.updateExperiment(id, { name: 'renamed' }, 8)
      await store.updateExperiment(id, { name: 'renamed' }, 9)
      await store.updateExperiment(other, { name: 'one' }, 10)
      equal((await store.experimentNamed('one'))?.id, other, 'who has the name now')
      equal((await store.experiment(id))?.updatedAt, 9, 'when it was changed last')
    }),

    named('sets, replaces and removes tags of an experiment', async (store) => {
      await store.tagExperiment('0', 'a', '1', 5)
      await store.tagExperiment('0', 'b', '2', 6)
      await store.tagExperiment('0', 'a', '3', 7)
      await store.tagExperiment('0', 'b', null, 8)
      await store.tagExperiment('0', 'never', null, 9)
      const found = await store.experiment('0')
      equal([found?.tags, found?.updatedAt], [{ a: '3' }, 9], 'tags and time of the change')
      await rejects(store.tagExperiment('77', 'a', '1', 1), 'SX_UNKNOWN_EXPERIMENT', 'a tag of none')
      await rejects(store.updateExperiment('77', { name: 'x' }, 1), 'SX_UNKNOWN_EXPERIMENT', 'a change of none')
    }),

    named('gives a run back as it was made, and as it was changed', async (store) => {
      const run = newRun(1, { experiment: '0', tags: { 'mlflow.user': 'u', t: '' } })
      const made = await store.createRun(run)
      equal(
        made,
        {
          ...run,
          ...{ status: 'RUNNING', endedAt: null, lifecycle: 'active', parameters: {}, metrics: [], outputs: [] },
          ...{ artifactUri: `mlflow-artifacts:/0/${run.id}/artifacts`, inputs: { datasets: [], models: [] } },
        },
        'what was made',
      )
      equal(await store.run(run.id), made, 'what is read')
      const ended = await store.updateRun(run.id, { name: 'other', status: 'FINISHED', endedAt: 99 })
      equal([ended.name, ended.status, ended.endedAt], ['other', 'FINISHED', 99], 'what it was changed to')
      equal(await store.run(run.id), ended, 'what is read of it')
      equal(await store.updateRun(run.id, {}), ended, 'what a change of nothing gives')
      await rejects(store.updateRun(idOf(9), { name: 'x' }), 'SX_UNKNOWN_RUN', 'a change of none')
      await rejects(store.createRun(newRun(2, { experiment: '77' })), 'SX_UNKNOWN_EXPERIMENT', 'a run of no experiment')
      // Its answer may have been lost.
      equal(await store.createRun(run), ended, 'what making it again gives')
    }),

    named('hides what was deleted, refuses to log to it, and brings it back', async (store) => {
      const id = await store.createExperiment({ name: 'one', artifactLocation: null, tags: {} }, 1)
      const [first, second] = [newRun(1, { experiment: id }), newRun(2, { experiment: id })]
      for (const run of [first, second]) await store.createRun(run)
      await store.updateRun(first.id, { lifecycle: 'deleted' })
      const logging = [
        () => store.log(first.id, { metrics: [metric('a', 1)], parameters: [], tags: [] }),
        () => store.logInputs(first.id, [], [{ model: 'm' }]),
        () => store.logOutputs(first.id, [{ model: 'm', step: 0 }]),
        () => store.updateRun(first.id, { name: 'x' }),
      ]
      for (const log of logging) await rejects(log(), 'SX_TRACKING_STATE', 'a deleted run')
      equal((await store.run(first.id))?.lifecycle, 'deleted', 'what is read of the deleted one')
      await store.updateRun(first.id, { lifecycle: 'active' })
      for (const log of logging) await log()

      await store.updateRun(second.id, { lifecycle: 'deleted' })
      await store.updateExperiment(id, { lifecycle: 'deleted' }, 2)
      for (const log of logging) await rejects(log(), 'SX_TRACKING_STATE', 'a run of a deleted experiment')
      await rejects(
        store.createRun(newRun(3, { experiment: id })),
        'SX_TRACKING_STATE',
        'a run in a deleted experiment',
      )
      await rejects(store.tagExperiment(id, 'a', 'b', 3), 'SX_TRACKING_STATE', 'a tag of a deleted experiment')
      await rejects(store.updateExperiment(id, { name: 'x' }, 3), 'SX_TRACKING_STATE', 'a name of a deleted experiment')
      const model = { id: modelIdOf(1), experiment: id, name: 'm', modelType: '', run: null, tags: {}, parameters: {} }
      await rejects(store.createLoggedModel(model, 3), 'SX_TRACKING_STATE', 'a model in a deleted experiment')
      equal((await store.run(first.id))?.lifecycle, 'deleted', 'a run of a deleted experiment')
      await store.updateExperiment(id, { lifecycle: 'active' }, 4)
      equal(
        [(await store.run(first.id))?.lifecycle, (await store.run(second.id))?.lifecycle],
        ['active', 'deleted'],
        'its runs, of which one had been deleted by itself',
      )
    }),

    named('logs a batch of metrics, parameters and tags, also to a run that has ended', async (store) => {
      const { id } = await store.createRun(newRun(1))
      await store.updateRun(id, { status: 'FINISHED', endedAt: 5 })
      const on = { name: 'flights', digest: 'abc' }
      await store.log(id, {
        metrics: [metric('b', 2), metric('a', 1, { dataset: on })],
        parameters: [
          { key: 'p', value: 'x'.repeat(6_000) },
          { key: 'q', value: '' },
        ],
        tags: [
          { key: 't', value: 'one' },
          { key: 'u', value: 'two' },
          { key: 't', value: 'three' },
        ],
      })
      await store.log(id, { metrics: [], parameters: [], tags: [{ key: 'u', value: null }] })
      const run = await store.run(id)
      equal(run?.parameters, { p: 'x'.repeat(6_000), q: '' }, 'the parameters')
      equal(run?.tags, { t: 'three' }, 'the tags')
      equal(run?.metrics, [metric('a', 1, { dataset: on }), metric('b', 2)], 'the metrics')
      await rejects(
        store.log(idOf(9), { metrics: [metric('a', 1)], parameters: [], tags: [] }),
        'SX_UNKNOWN_RUN',
        'logging to none',
      )
    }),

    named('keeps text of all scripts, and quotes', async (store) => {
      const text = `Grüße, 世界, 🛫 'quoted' "twice" \\ ; -- \` % _ * ? [ \n\t`
      const id = await store.createExperiment({ name: text, artifactLocation: null, tags: { [text]: text } }, 1)
      const run = await store.createRun(newRun(1, { experiment: id, name: text, user: text, tags: { [text]: text } }))
      await store.log(run.id, { metrics: [metric(text, 1)], parameters: [{ key: text, value: text }], tags: [] })
      const found = await store.run(run.id)
      equal([found?.name, found?.tags, found?.parameters], [text, { [text]: text }, { [text]: text }], 'the run')
      equal((await store.experimentNamed(text))?.tags, { [text]: text }, 'the experiment')
      equal((await store.metricHistory(run.id, text, 10, 0)).items, [metric(text, 1)], 'the metric')
      const strange = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
      await store.log(run.id, {
        metrics: [],
        parameters: strange.map((key) => ({ key, value: key })),
        tags: [],
      })
      equal(
        Object.entries((await store.run(run.id))!.parameters).sort(),
        [...strange, text].map((key) => [key, key]).sort(),
        'parameters of strange names',
      )
    }),

    named('keeps every number as it is', async (store) => {
      const { id } = await store.createRun(newRun(1))
      const values = [
        Number.NaN,
        Infinity,
        -Infinity,
        0.1,
        -0.1,
        1e-300,
        5e-324,
        Number.MAX_VALUE,
        -Number.MAX_VALUE,
        0,
        1 / 3,
      ]
      values.push(Number.MAX_SAFE_INTEGER, 2 ** 60, 123456.78901234567)
      const metrics = values.map((value, step) => metric('x', value, { step }))
      await store.log(id, { metrics, parameters: [], tags: [] })
      equal((await store.metricHistory(id, 'x', 100, 0)).items, metrics, 'the history')
      for (const value of [Number.NaN, Infinity, -Infinity]) {
        await store.log(id, { metrics: [metric(`m ${value}`, value)], parameters: [], tags: [] })
        const latest = (await store.run(id))?.metrics.find(({ key }) => key === `m ${value}`)
        equal(latest?.value, value, 'the latest value')
      }
      const far = metric('far', 1, { step: -(2 ** 52), at: Number.MAX_SAFE_INTEGER })
      await store.log(id, { metrics: [far], parameters: [], tags: [] })
      equal((await store.metricHistory(id, 'far', 10, 0)).items, [far], 'a far step and time')
    }),

    named(
      'has the latest value of a metric by step, then time, then value, in whatever order they came',
      async (store) => {
        const metrics = [
          metric('x', 9, { step: 1, at: 50 }),
          metric('x', 1, { step: 3, at: 10 }),
          metric('x', 2, { step: 3, at: 20 }),
          metric('x', 3, { step: 3, at: 20 }),
          metric('x', Number.NaN, { step: 3, at: 20 }),
          metric('x', 100, { step: 2, at: 99 }),
        ]
        const orders = [metrics, [...metrics].reverse(), [3, 0, 4, 5, 1, 2].map((index) => metrics[index]!)]
        for (const [index, order] of orders.entries()) {
          const [one, by] = [await store.createRun(newRun(2 * index)), await store.createRun(newRun(2 * index + 1))]
          await store.log(one.id, { metrics: order, parameters: [], tags: [] })
          for (const each of order) await store.log(by.id, { metrics: [each], parameters: [], tags: [] })
          for (const { id } of [one, by]) {
            equal((await store.run(id))?.metrics, [metric('x', 3, { step: 3, at: 20 })], 'the latest')
            equal((await store.metricHistory(id, 'x', 10, 0)).items.length, 6, 'the length of the history')
          }
        }
      },
    ),

    named('keeps the same value at the same step and time once', async (store) => {
      const { id } = await store.createRun(newRun(1))
      const batch = {
        metrics: [metric('x', 1), metric('x', 1), metric('x', Number.NaN), metric('x', Number.NaN), metric('x', 2)],
        ...{ parameters: [{ key: 'p', value: '1' }], tags: [{ key: 't', value: '1' }] },
      }
      await store.log(id, batch)
      await store.log(id, batch)
      equal((await store.metricHistory(id, 'x', 10, 0)).items.length, 3, 'the length of the history')
    }),

    named('gives a history in pages, in the order of step, then time', async (store) => {
      const { id } = await store.createRun(newRun(1))
      const metrics = Array.from({ length: 2_500 }, (_, index) =>
        metric('x', index, { step: Math.floor(index / 2), at: 1_000 + (index % 2) }),
      )
      await store.log(id, { metrics: [...metrics].reverse(), parameters: [], tags: [] })
      const found: Metric[] = []
      for (let more = true; more; ) {
        const page = await store.metricHistory(id, 'x', 999, found.length)
        found.push(...page.items)
        more = page.more
      }
      equal(found, metrics, 'the history')
      equal(await store.metricHistory(id, 'x', 2_500, 0).then(({ more }) => more), false, 'more after the last')
      equal(await store.metricHistory(id, 'none', 10, 0), { items: [], more: false }, 'a metric that was not logged')
      await rejects(store.metricHistory(idOf(9), 'x', 10, 0), 'SX_UNKNOWN_RUN', 'the history of no run')
    }),

    named('never changes a parameter, and logs nothing of a batch that would', async (store) => {
      const { id } = await store.createRun(newRun(1))
      const batch = (value: string) => ({
        metrics: [metric('m', Number(value))],
        ...{
          parameters: [
            { key: 'new', value },
            { key: 'lr', value },
          ],
          tags: [{ key: 't', value }],
        },
      })
      await store.log(id, { metrics: [], parameters: [{ key: 'lr', value: '1' }], tags: [] })
      await rejects(store.log(id, batch('2')), 'SX_PARAMETER_CHANGED', 'another value')
      const run = await store.run(id)
      equal([run?.parameters, run?.metrics, run?.tags], [{ lr: '1' }, [], {}], 'what is there')
      await rejects(
        store.log(id, {
          ...{ metrics: [], tags: [] },
          parameters: [
            { key: 'twice', value: 'a' },
            { key: 'twice', value: 'b' },
          ],
        }),
        'SX_PARAMETER_CHANGED',
        'two values in one batch',
      )
      await store.log(id, batch('1'))
      equal((await store.run(id))?.parameters, { lr: '1', new: '1' }, 'what is there after the same value')
      const half = { key: 'half', value: 'a\ud800b' }
      await store.log(id, { metrics: [], parameters: [half], tags: [] })
      await store.log(id, { metrics: [], parameters: [half], tags: [] })
    }),

    beside('lets one of two win who log a parameter with different values', async (store, other) => {
      for (let round = 0; round < 20; round += 1) {
        const { id } = await store.createRun(newRun(round))
        const outcomes = await Promise.allSettled(
          [store, other, store, other].map((each, index) =>
            each.log(id, {
              metrics: [metric('m', index)],
              parameters: [{ key: 'lr', value: `${index}` }],
              tags: [{ key: `t${index}`, value: '' }],
            }),
          ),
        )
        const won = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []))
        equal(won.length, 1, 'how many logged it')
        const run = await store.run(id)
        equal(
          [run?.parameters, run?.metrics.map(({ value }) => value), Object.keys(run?.tags ?? {})],
          [{ lr: `${won[0]}` }, [won[0]], [`t${won[0]}`]],
          'what is there of the run',
        )
      }
    }),

    beside('loses nothing of what several log to one run at once', async (store, other) => {
      const { id } = await store.createRun(newRun(1))
      const all = Array.from({ length: 400 }, (_, index) => metric(`k${index % 7}`, index, { step: index }))
      await Promise.all(
        all.map((one, index) =>
          (index % 2 ? store : other).log(id, {
            metrics: [one],
            ...{ parameters: [{ key: `p${index % 20}`, value: 'same' }], tags: [] },
          }),
        ),
      )
      const run = await other.run(id)
      equal(Object.keys(run!.parameters).length, 20, 'how many parameters there are')
      for (let key = 0; key < 7; key += 1) {
        const mine = all.filter((one) => one.key === `k${key}`)
        equal((await store.metricHistory(id, `k${key}`, 1_000, 0)).items, mine, `the history of k${key}`)
        equal(run!.metrics[key], mine.at(-1), `the latest of k${key}`)
      }
    }),

    beside('gives one experiment to many who make one of a name at once', async (store, other) => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, (_, index) =>
          (index % 2 ? store : other).createExperiment({ name: 'same', artifactLocation: null, tags: {} }, index),
        ),
      )
      equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1, 'how many made it')
      const ids = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          (index % 2 ? store : other).createExperiment({ name: `n${index}`, artifactLocation: null, tags: {} }, index),
        ),
      )
      equal(new Set(ids).size, 12, 'how many ids were given')
    }),

    named('keeps the datasets a run read, and the models it read and made, each once', async (store) => {
      const { id } = await store.createRun(newRun(1))
      const input = (name: string, tags = {}, profile: string | null = null) => ({
        dataset: { name, digest: 'd1', sourceType: 'local', source: '{"uri":"x"}', schema: null, profile },
        tags,
      })
      const [one, two] = [input('a', { 'mlflow.data.context': 'training' }, 'p'.repeat(100_000)), input('b')]
      await store.logInputs(id, [one, two], [{ model: modelIdOf(1) }])
      await store.logInputs(id, [one], [{ model: modelIdOf(1) }])
      await store.logOutputs(id, [
        { model: modelIdOf(2), step: 3 },
        { model: modelIdOf(2), step: 4 },
      ])
      await store.logOutputs(id, [{ model: modelIdOf(2), step: 3 }])
      const run = await store.run(id)
      equal(
        [...run!.inputs.datasets].sort((a, b) => (a.dataset.name < b.dataset.name ? -1 : 1)),
        [one, two],
        'the datasets',
      )
      equal(run!.inputs.models, [{ model: modelIdOf(1) }], 'the models it read')
      equal(
        [...run!.outputs].sort((a, b) => a.step - b.step),
        [
          { model: modelIdOf(2), step: 3 },
          { model: modelIdOf(2), step: 4 },
        ],
        'the models it made',
      )
      await rejects(store.logInputs(idOf(9), [one], []), 'SX_UNKNOWN_RUN', 'inputs of none')
      await rejects(store.logOutputs(idOf(9), []), 'SX_UNKNOWN_RUN', 'outputs of none')
    }),

    named('keeps logged models, their parameters and tags, and what was measured of them', async (store) => {
      const { id: run } = await store.createRun(newRun(1))
      const model = {
        ...{ id: modelIdOf(1), experiment: '0', name: 'm', modelType: 'linear', run },
        ...{ tags: { a: '1' }, parameters: { lr: '0.1' } },
      }
      const made = await store.createLoggedModel(model, 5)
      equal(
        made,
        {
          ...model,
          ...{ status: 'LOGGED_MODEL_PENDING', createdAt: 5, updatedAt: 5, metrics: [] },
          artifactUri: `mlflow-artifacts:/0/models/${model.id}/artifacts`,
        },
        'what was made',
      )
      equal(await store.createLoggedModel(model, 6), made, 'what making it again gives')
      const on = { name: 'flights', digest: 'abc' }
      const measured = [
        metric('auc', 0.9, { model: model.id, dataset: on }),
        metric('auc', 0.8, { model: model.id, step: 1 }),
        metric('loss', Number.NaN, { model: model.id }),
      ]
      await store.log(run, { metrics: [...measured, metric('auc', 0.1, { step: 7 })], parameters: [], tags: [] })
      const ready = await store.updateLoggedModel(
        model.id,
        { status: 'LOGGED_MODEL_READY', tags: { a: null, b: '2' }, parameters: { lr: '0.1', depth: '3' } },
        9,
      )
      equal(ready, await store.loggedModel(model.id), 'what is read')
      equal(
        [ready.status, ready.tags, ready.parameters, ready.updatedAt],
        ['LOGGED_MODEL_READY', { b: '2' }, { lr: '0.1', depth: '3' }, 9],
        'what it was changed to',
      )
      equal(
        ready.metrics,
        measured.map((one) => ({ ...one, run })),
        'what was measured',
      )
      await rejects(
        store.updateLoggedModel(model.id, { parameters: { lr: '0.2' } }, 10),
        'SX_PARAMETER_CHANGED',
        'another value of a parameter',
      )
      const elsewhere = metric('x', 1, { model: modelIdOf(9) })
      await rejects(
        store.log(run, { metrics: [elsewhere], parameters: [{ key: 'p', value: '1' }], tags: [] }),
        'SX_UNKNOWN_LOGGED_MODEL',
        'a metric of no model',
      )
      equal((await store.run(run))?.parameters, {}, 'what is there of that batch')
      await store.updateLoggedModel(model.id, { deleted: true }, 11)
      equal(await store.loggedModel(model.id), null, 'what is read of a deleted one')
      await rejects(store.updateLoggedModel(model.id, { tags: {} }, 12), 'SX_UNKNOWN_LOGGED_MODEL', 'a change of it')
      await rejects(
        store.createLoggedModel({ ...model, id: modelIdOf(3), experiment: '77' }, 1),
        'SX_UNKNOWN_EXPERIMENT',
        'a model of no experiment',
      )
    }),

    named('keeps files by path, one at a time, and lists and deletes what lies below a folder', async (store) => {
      const file = (path: string, sha256 = 'a'.repeat(64)) => ({ path, sha256, bytes: 2 ** 40, at: 4_102_444_800_123 })
      const paths = ['1/a/b/c', '1/a/b/d', '1/a/bc', '1/a-b', '1/a0', '1/ä/x', '2/a']
      for (const path of [...paths].reverse()) await store.putFile(file(path))
      equal(await store.file('1/a/b/c'), file('1/a/b/c'), 'a file')
      equal(
        (await store.files('1/a', 10)).map(({ path }) => path),
        ['1/a/b/c', '1/a/b/d', '1/a/bc'],
        'what lies below 1/a',
      )
      equal(
        (await store.files('', 100)).map(({ path }) => path),
        [...paths].sort(),
        'all of them',
      )
      equal((await store.files('1', 2)).length, 2, 'how many there are at most')
      equal(await store.files('none', 10), [], 'what lies below no folder')
      await store.putFile(file('1/a/b/c', 'b'.repeat(64)))
      equal((await store.file('1/a/b/c'))?.sha256, 'b'.repeat(64), 'what replaced it')
      equal(await store.deleteFiles('1/a/b'), 2, 'how many went')
      equal(await store.deleteFiles('1/a/b'), 0, 'how many went again')
      equal(
        (await store.files('1/a', 10)).map(({ path }) => path),
        ['1/a/bc'],
        'what is left',
      )
      await rejects(store.putFile(file('x'.repeat(5_000))), 'SX_PATH_INVALID', 'a path that is too long')
      await rejects(store.putFile(file('1/a')), 'SX_PATH_INVALID', 'a file that is a folder')
      await rejects(store.putFile(file('1/a/bc/d/e')), 'SX_PATH_INVALID', 'a file below a file')
    }),

    named('lets a path be a file or a folder, whichever of many at once comes first', async (store) => {
      const put = (path: string): Promise<boolean> =>
        store.putFile({ path, sha256: 'a'.repeat(64), bytes: 1, at: 1 }).then(
          () => true,
          () => false,
        )
      for (let round = 0; round < 10; round++) {
        const [file, within] = [`1/${round}`, `1/${round}/a`]
        const done = await Promise.all([put(file), put(within), put(file), put(within)])
        const there = (await store.files('1', 1_000)).map(({ path }) => path).filter((path) => path.startsWith(file))
        equal(there.length, 1, 'how many are there')
        equal(done.filter((one) => one).length, 2, 'how many were put')
      }
    }),

    named('takes away for good what was deleted before an instant, and nothing else', async (store) => {
      const file = (path: string, sha256: string) => ({ path, sha256: sha256.repeat(64), bytes: 1, at: 1 })
      const elsewhere = 'mlflow-artifacts:/shared'
      const experiment = await store.createExperiment({ name: 'one', artifactLocation: elsewhere, tags: { a: 'b' } }, 1)
      const [kept, gone] = [newRun(1), newRun(2)]
      for (const run of [kept, gone]) {
        await store.createRun(run)
        await store.log(run.id, { metrics: [metric('x', 1)], parameters: [{ key: 'p', value: 'v' }], tags: [] })
      }
      const within = { ...newRun(3), experiment }
      await store.createRun(within)
      const model = {
        id: modelIdOf(1),
        experiment,
        name: 'm',
        modelType: '',
        run: null,
        tags: {},
        parameters: { p: '1' },
      }
      await store.createLoggedModel(model, 1)
      await store.putFile(file(`0/${gone.id}/artifacts/a`, 'a'))
      await store.putFile(file(`0/${gone.id}/artifacts/b`, 'b'))
      await store.putFile(file(`0/${kept.id}/artifacts/b`, 'b'))
      await store.putFile(file(`shared/${within.id}/artifacts/c`, 'c'))
      await store.putFile(file(`shared/models/${model.id}/artifacts/d`, 'd'))
      await store.putFile(file('shared/of-another', 'e'))
      await store.updateRun(gone.id, { lifecycle: 'deleted' })
      await store.updateExperiment(experiment, { lifecycle: 'deleted' }, 2)

      const ever = Number.MAX_SAFE_INTEGER
      const nothing = { experiments: 0, runs: 0, loggedModels: 0, artifacts: [] }
      equal(await store.purge(1, false), nothing, 'what goes of what was deleted later')
      const all = { experiments: 1, runs: 2, loggedModels: 1, artifacts: ['a', 'c', 'd'].map((one) => one.repeat(64)) }
      equal(await store.purge(ever, true), all, 'what a dry run tells')
      equal((await store.run(gone.id))?.lifecycle, 'deleted', 'what it leaves')
      equal(await store.purge(ever, false), all, 'what goes')
      equal(await store.purge(ever, false), nothing, 'what goes again')
      equal([await store.run(gone.id), await store.run(within.id)], [null, null], 'the runs')
      equal([await store.experiment(experiment), await store.loggedModel(model.id)], [null, null], 'the others')
      equal((await store.run(kept.id))?.parameters, { p: 'v' }, 'what stays')
      equal(
        (await store.files('', 10)).map(({ path }) => path),
        [`0/${kept.id}/artifacts/b`, 'shared/of-another'],
        'files that stay',
      )
      const again = await store.createExperiment({ name: 'one', artifactLocation: null, tags: {} }, 3)
      equal((await store.experiment(again))?.tags, {}, 'tags of another of its name')
    }),

    {
      name: 'keeps no file of an artifact that is being collected, and lets none be collected that is kept',
      run: async () => {
        const store = await open()
        try {
          const [kept, gone] = ['a'.repeat(64), 'b'.repeat(64)]
          await store.tracking.putFile({ path: '1/kept', sha256: kept, bytes: 1, at: 1 })
          equal([...(await store.registry.references())], [kept], 'the artifacts that something refers to')
          const at = 1_800_000_000_000
          equal(await store.registry.condemn([kept, gone], at), [gone], 'those that are condemned')
          await rejects(
            store.tracking.putFile({ path: '1/gone', sha256: gone, bytes: 1, at: 1 }),
            'SX_ARTIFACT_CONDEMNED',
            'a file of a condemned artifact',
          )
          equal(await store.tracking.file('1/gone'), null, 'what is there of it')
          equal(await store.registry.spare([gone], at + condemnedMs), [], 'what is still condemned')
          await store.tracking.putFile({ path: '1/gone', sha256: gone, bytes: 1, at: 1 })
          await store.tracking.deleteFiles('1/kept')
          equal(await store.registry.condemn([kept], at), [kept], 'what is condemned once its file was deleted')
        } finally {
          await store.close()
        }
      },
    },

    beside(
      'is seen by another process as soon as a call has resolved, and when it is opened again',
      async (store, other) => {
        const runs: NewRun[] = []
        for (let round = 0; round < 8; round += 1) {
          const [writer, reader] = round % 2 === 0 ? [store, other] : [other, store]
          const run = newRun(round)
          await writer.createRun(run)
          await writer.log(run.id, { metrics: [metric('x', round)], parameters: [{ key: 'p', value: 'v' }], tags: [] })
          const found = await reader.run(run.id)
          equal([found?.metrics, found?.parameters], [[metric('x', round)], { p: 'v' }], 'what the other sees')
          runs.push(run)
        }
      },
    ),

    beside('shows all of a batch or nothing of it', async (store, other) => {
      const { id } = await store.createRun(newRun(1))
      let done = false
      const writing = (async () => {
        for (let round = 1; round <= 30; round += 1)
          await store.log(id, {
            metrics: Array.from({ length: 600 }, (_, key) => metric(`k${key}`, round, { step: round })),
            ...{ parameters: [{ key: `p${round}`, value: '' }], tags: [{ key: 'round', value: `${round}` }] },
          })
        done = true
      })()
      while (!done) {
        const run = (await other.run(id))!
        const round = Number(run.tags['round'] ?? 0)
        equal(Object.keys(run.parameters).length, round, 'how many parameters are seen')
        check(
          run.metrics.length === (round === 0 ? 0 : 600) && run.metrics.every(({ value }) => value === round),
          `of round ${round} a part is seen`,
        )
      }
      await writing
    }),

    ...trackingSearchCases(open, again),
  ]
}
