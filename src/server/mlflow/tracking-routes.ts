/** Experiments, runs, metrics and logged models in MLflow's API. */
import type { LoggedModelStatus, Metric, Query, RunStatus, View } from '../../api/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import {
  experimentAnswer,
  fileAnswer,
  infoAnswer,
  loggedModelAnswer,
  metricAnswer,
  page,
  runAnswer,
} from './answers.ts'
import type { Call, Route } from './call.ts'
import { ask, get, patch, post, remove } from './call.ts'
import type { Given } from './given.ts'
import {
  flagOr,
  missing,
  number,
  object,
  objects,
  oneOf,
  optionalText,
  optionalWhole,
  pairs,
  text,
  textOr,
  texts,
  wholeOr,
} from './given.ts'

const statuses: readonly RunStatus[] = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']
const modelStatuses: readonly LoggedModelStatus[] = [
  'LOGGED_MODEL_PENDING',
  'LOGGED_MODEL_READY',
  'LOGGED_MODEL_UPLOAD_FAILED',
]
const views = ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL'] as const
const viewOf = { ACTIVE_ONLY: 'active', DELETED_ONLY: 'deleted', ALL: 'all' } as const

const viewIn = (given: Given, name: string): View => viewOf[oneOf(given, name, views) ?? 'ACTIVE_ONLY']
/** Older clients call it `run_uuid`, and newer ones send both. */
const runIn = (given: Given): string => optionalText(given, 'run_id') || text(given, 'run_uuid')

export const queryIn = (given: Given, usual: number): Query => ({
  filter: textOr(given, 'filter', ''),
  order: texts(given, 'order_by'),
  limit: wholeOr(given, 'max_results', usual),
  page: optionalText(given, 'page_token'),
})

const metricIn = (given: Given): Metric => {
  const [name, digest] = [optionalText(given, 'dataset_name') || null, optionalText(given, 'dataset_digest') || null]
  const at = optionalWhole(given, 'timestamp')
  if (at === null) throw missing('timestamp')
  return {
    key: text(given, 'key'),
    value: number(given, 'value'),
    at,
    step: wholeOr(given, 'step', 0),
    dataset: name === null && digest === null ? null : { name: name ?? '', digest: digest ?? '' },
    model: optionalText(given, 'model_id') || null,
  }
}

const noTag = (key: string, of: string): SixfoldError =>
  new SixfoldError('SX_UNKNOWN_FILE', `${of} has no tag '${shorten(key)}'.`, { fix: 'Nothing needs to be removed.' })

const searchExperiments = async ({ given, tracking }: Call) =>
  page('experiments', await tracking.searchExperiments(queryIn(given, 0), viewIn(given, 'view_type')), experimentAnswer)

const experiments: readonly Route[] = [
  post('2.0/mlflow/experiments/create', 'write', 'Creates an experiment', async ({ given, tracking }) => ({
    experiment_id: await tracking.createExperiment({
      name: text(given, 'name'),
      artifactLocation: optionalText(given, 'artifact_location') || null,
      tags: pairs(given, 'tags'),
    }),
  })),
  get('2.0/mlflow/experiments/get', 'read', 'An experiment', async ({ given, tracking }) => ({
    experiment: experimentAnswer(await tracking.experiment(text(given, 'experiment_id'))),
  })),
  get('2.0/mlflow/experiments/get-by-name', 'read', 'An experiment, by its name', async ({ given, tracking }) => ({
    experiment: experimentAnswer(await tracking.experimentNamed(text(given, 'experiment_name'))),
  })),
  ask('2.0/mlflow/experiments/search', 'read', 'Experiments that a filter selects', searchExperiments),
  get('2.0/mlflow/experiments/search', 'read', 'The same', searchExperiments),
  post(
    '2.0/mlflow/experiments/delete',
    'write',
    'Deletes an experiment; it can be restored',
    async ({ given, tracking }) => {
      await tracking.setExperiment(text(given, 'experiment_id'), 'deleted')
      return {}
    },
  ),
  post('2.0/mlflow/experiments/restore', 'write', 'Brings it back', async ({ given, tracking }) => {
    await tracking.setExperiment(text(given, 'experiment_id'), 'active')
    return {}
  }),
  post('2.0/mlflow/experiments/update', 'write', 'Renames an experiment', async ({ given, tracking }) => {
    await tracking.renameExperiment(text(given, 'experiment_id'), text(given, 'new_name'))
    return {}
  }),
  post('2.0/mlflow/experiments/set-experiment-tag', 'write', 'Tags an experiment', async ({ given, tracking }) => {
    await tracking.tagExperiment(text(given, 'experiment_id'), text(given, 'key'), textOr(given, 'value', ''))
    return {}
  }),
  post('2.0/mlflow/experiments/delete-experiment-tag', 'write', 'Removes a tag', async ({ given, tracking }) => {
    const key = text(given, 'key')
    if (!(await tracking.untagExperiment(text(given, 'experiment_id'), key))) throw noTag(key, 'The experiment')
    return {}
  }),
  ask('2.0/mlflow/experiments/search-datasets', 'read', 'Which datasets the runs read', async ({ given, tracking }) => {
    const found = await tracking.datasets(texts(given, 'experiment_ids'))
    return {
      dataset_summaries: found.map(({ experiment, name, digest, context }) => ({
        ...{ experiment_id: experiment, name, digest },
        context: context ?? undefined,
      })),
    }
  }),
]

const runs: readonly Route[] = [
  post('2.0/mlflow/runs/create', 'write', 'Begins a run', async ({ given, tracking }) => {
    const tags = pairs(given, 'tags')
    const run = await tracking.createRun({
      experiment: textOr(given, 'experiment_id', '') || '0',
      name: textOr(given, 'run_name', ''),
      user: textOr(given, 'user_id', ''),
      startedAt: optionalWhole(given, 'start_time'),
      tags,
    })
    return { run: runAnswer(run) }
  }),
  get('2.0/mlflow/runs/get', 'read', 'A run, with all that was logged to it', async ({ given, tracking }) => ({
    run: runAnswer(await tracking.run(runIn(given))),
  })),
  post('2.0/mlflow/runs/update', 'write', 'Ends a run, or renames it', async ({ given, tracking }) => {
    const [name, endedAt] = [optionalText(given, 'run_name'), optionalWhole(given, 'end_time')]
    const status = oneOf(given, 'status', statuses)
    const run = await tracking.updateRun(runIn(given), {
      ...(name === null ? {} : { name }),
      ...(status === null ? {} : { status }),
      ...(endedAt === null ? {} : { endedAt }),
    })
    return { run_info: infoAnswer(run) }
  }),
  post('2.0/mlflow/runs/delete', 'write', 'Deletes a run; it can be restored', async ({ given, tracking }) => {
    await tracking.setRun(text(given, 'run_id'), 'deleted')
    return {}
  }),
  post('2.0/mlflow/runs/restore', 'write', 'Brings it back', async ({ given, tracking }) => {
    await tracking.setRun(text(given, 'run_id'), 'active')
    return {}
  }),
  post('2.0/mlflow/runs/log-parameter', 'write', 'Logs a parameter', async ({ given, tracking }) => {
    const parameters = [{ key: text(given, 'key'), value: textOr(given, 'value', '') }]
    await tracking.log(runIn(given), { parameters })
    return {}
  }),
  post('2.0/mlflow/runs/log-metric', 'write', 'Logs a value of a metric', async ({ given, tracking }) => {
    await tracking.log(runIn(given), { metrics: [metricIn(given)] })
    return {}
  }),
  post('2.0/mlflow/runs/set-tag', 'write', 'Tags a run', async ({ given, tracking }) => {
    await tracking.log(runIn(given), { tags: [{ key: text(given, 'key'), value: textOr(given, 'value', '') }] })
    return {}
  }),
  post('2.0/mlflow/runs/delete-tag', 'write', 'Removes a tag', async ({ given, tracking }) => {
    const key = text(given, 'key')
    if (!(await tracking.untagRun(text(given, 'run_id'), key))) throw noTag(key, 'The run')
    return {}
  }),
  post(
    '2.0/mlflow/runs/log-batch',
    'write',
    'Logs metrics, parameters and tags: all, or none',
    async ({ given, tracking }) => {
      const keyed = (one: Given) => ({ key: text(one, 'key'), value: textOr(one, 'value', '') })
      await tracking.log(text(given, 'run_id'), {
        metrics: objects(given, 'metrics').map(metricIn),
        parameters: objects(given, 'params').map(keyed),
        tags: objects(given, 'tags').map(keyed),
      })
      return {}
    },
  ),
  post(
    '2.0/mlflow/runs/log-inputs',
    'write',
    'Logs which datasets and models a run read',
    async ({ given, tracking }) => {
      const datasets = objects(given, 'datasets').map((input) => {
        const dataset = object(input, 'dataset') ?? {}
        return {
          tags: pairs(input, 'tags'),
          dataset: {
            name: textOr(dataset, 'name', ''),
            digest: textOr(dataset, 'digest', ''),
            sourceType: textOr(dataset, 'source_type', ''),
            source: textOr(dataset, 'source', ''),
            schema: optionalText(dataset, 'schema'),
            profile: optionalText(dataset, 'profile'),
          },
        }
      })
      const models = objects(given, 'models').map((one) => ({ model: text(one, 'model_id') }))
      await tracking.logInputs(text(given, 'run_id'), datasets, models)
      return {}
    },
  ),
  post('2.0/mlflow/runs/outputs', 'write', 'Logs which models a run made', async ({ given, tracking }) => {
    const models = objects(given, 'models').map((one) => ({
      model: text(one, 'model_id'),
      step: wholeOr(one, 'step', 0),
    }))
    await tracking.logOutputs(text(given, 'run_id'), models)
    return {}
  }),
  post(
    '2.0/mlflow/runs/log-model',
    'write',
    'Notes a model among the artifacts of a run, as clients before 3 do',
    logModel,
  ),
  ask('2.0/mlflow/runs/search', 'read', 'Runs that a filter selects', async ({ given, tracking }) => {
    const found = await tracking.searchRuns(
      texts(given, 'experiment_ids'),
      queryIn(given, 1_000),
      viewIn(given, 'run_view_type'),
    )
    return page('runs', found, runAnswer)
  }),
  get('2.0/mlflow/metrics/get-history', 'read', 'All values of a metric', async ({ given, tracking }) => {
    const limit = optionalWhole(given, 'max_results')
    const found = await tracking.metricHistory(
      runIn(given),
      text(given, 'metric_key'),
      limit,
      optionalText(given, 'page_token'),
    )
    return page('metrics', found, (metric) => metricAnswer(metric))
  }),
  get(
    '2.0/mlflow/metrics/get-history-bulk-interval',
    'read',
    'Values of a metric of several runs',
    async ({ given, tracking }) => {
      const [from, to] = [optionalWhole(given, 'start_step'), optionalWhole(given, 'end_step')]
      const limit = wholeOr(given, 'max_results', 2_500)
      if (
        (from === null) !== (to === null) ||
        (from !== null && to !== null && from > to) ||
        limit < 1 ||
        limit > 2_500
      )
        throw new SixfoldError(
          'SX_REQUEST_INVALID',
          "'start_step' and 'end_step' are given together, the second not before the first, and 'max_results' is 1 to 2500.",
        )
      const ids = texts(given, 'run_ids')
      if (ids.length === 0) throw missing('run_ids')
      const steps = from === null || to === null ? null : ([from, to] as const)
      const all = await tracking.metricHistories(ids, text(given, 'metric_key'), steps, limit)
      return {
        metrics: all.map(({ run, key, value, at, step }) =>
          metricAnswer({ key, value, at, step, dataset: null, model: null }, run),
        ),
      }
    },
  ),
  get('2.0/mlflow/artifacts/list', 'read', 'Files of a run', async ({ given, tracking }) => {
    const run = await tracking.run(runIn(given))
    const path = textOr(given, 'path', '')
    const found = (await tracking.listFilesOf(run, path)) ?? []
    return { root_uri: run.artifactUri, files: found.map((one) => fileAnswer(one, path)) }
  }),
]

/** Into a tag, as the server of those clients does: a list of all models of the run. */
async function logModel({ given, tracking }: Call) {
  const tag = 'mlflow.log-model.history'
  const id = text(given, 'run_id')
  const parse = (json: string): unknown => {
    try {
      return JSON.parse(json)
    } catch {
      return null
    }
  }
  const model = parse(text(given, 'model_json')) as Given | null
  const wanted = ['artifact_path', 'flavors', 'utc_time_created', 'run_id']
  const lacking =
    typeof model === 'object' && model !== null ? wanted.filter((name) => !Object.hasOwn(model, name)) : wanted
  if (model === null || lacking.length > 0)
    throw new SixfoldError(
      'SX_REQUEST_INVALID',
      `'model_json' is no description of a model: it lacks ${lacking.join(', ')}.`,
    )
  const { tags } = await tracking.run(id)
  const before = Object.hasOwn(tags, tag) ? parse(tags[tag]!) : []
  const { artifact_path, flavors, run_id, utc_time_created, model_uuid } = model
  const all = [
    ...(Array.isArray(before) ? before : []),
    { artifact_path, flavors, run_id, utc_time_created, model_uuid },
  ]
  await tracking.log(id, { tags: [{ key: tag, value: JSON.stringify(all) }] })
  return {}
}

const models: readonly Route[] = [
  post('2.0/mlflow/logged-models', 'write', 'Begins to log a model', async ({ given, tracking }) => {
    const model = await tracking.createLoggedModel({
      experiment: text(given, 'experiment_id'),
      name: optionalText(given, 'name') || null,
      modelType: textOr(given, 'model_type', ''),
      run: optionalText(given, 'source_run_id') || null,
      tags: pairs(given, 'tags'),
      parameters: pairs(given, 'params'),
    })
    return { model: loggedModelAnswer(model) }
  }),
  ask('2.0/mlflow/logged-models/search', 'read', 'Logged models that a filter selects', async ({ given, tracking }) => {
    const measuredOn = (one: Given) => ({
      name: optionalText(one, 'dataset_name') || null,
      digest: optionalText(one, 'dataset_digest') || null,
    })
    const ids = texts(given, 'experiment_ids')
    if (ids.length === 0) throw missing('experiment_ids')
    const found = await tracking.searchLoggedModels(ids, {
      filter: textOr(given, 'filter', ''),
      order: objects(given, 'order_by').map((one) => {
        const on = measuredOn(one)
        return {
          field: text(one, 'field_name'),
          descending: !flagOr(one, 'ascending', true),
          datasets: on.name === null && on.digest === null ? [] : [on],
        }
      }),
      datasets: objects(given, 'datasets').map(measuredOn),
      limit: wholeOr(given, 'max_results', 50),
      page: optionalText(given, 'page_token'),
    })
    return page('models', found, loggedModelAnswer)
  }),
  get('2.0/mlflow/logged-models/:id', 'read', 'A logged model', async ({ path, tracking }) => ({
    model: loggedModelAnswer(await tracking.loggedModel(path['id']!)),
  })),
  patch(
    '2.0/mlflow/logged-models/:id',
    'write',
    'Says that all of it was sent, or that it failed',
    async ({ given, path, tracking }) => {
      const status = oneOf(given, 'status', modelStatuses)
      if (status === null) throw missing('status')
      return { model: loggedModelAnswer(await tracking.updateLoggedModel(path['id']!, { status })) }
    },
  ),
  remove('2.0/mlflow/logged-models/:id', 'write', 'Deletes a logged model', async ({ path, tracking }) => {
    await tracking.deleteLoggedModel(path['id']!)
    return {}
  }),
  patch('2.0/mlflow/logged-models/:id/tags', 'write', 'Tags a logged model', async ({ given, path, tracking }) => {
    await tracking.updateLoggedModel(path['id']!, { tags: pairs(given, 'tags') })
    return {}
  }),
  remove('2.0/mlflow/logged-models/:id/tags/:key', 'write', 'Removes a tag', async ({ path, tracking }) => {
    if (!(await tracking.untagLoggedModel(path['id']!, path['key']!))) throw noTag(path['key']!, 'The logged model')
    return {}
  }),
  post(
    '2.0/mlflow/logged-models/:id/params',
    'write',
    'Logs parameters of a logged model',
    async ({ given, path, tracking }) => {
      await tracking.updateLoggedModel(path['id']!, { parameters: pairs(given, 'params') })
      return {}
    },
  ),
  get(
    '2.0/mlflow/logged-models/:id/artifacts/directories',
    'read',
    'Files of a logged model',
    async ({ given, path, tracking }) => {
      const model = await tracking.loggedModel(path['id']!)
      const folder = textOr(given, 'artifact_directory_path', '')
      const found = (await tracking.listFilesOf(model, folder)) ?? []
      return { root_uri: model.artifactUri, files: found.map((one) => fileAnswer(one, folder)) }
    },
  ),
]

export const trackingRoutes: readonly Route[] = [...experiments, ...runs, ...models]
