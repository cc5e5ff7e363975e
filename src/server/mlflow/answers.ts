/** What the system answers, in the form of MLflow's API: what is unset is left out, instants are milliseconds, ids and versions are text. */
import type {
  Experiment,
  Found,
  Listed,
  LoggedModel,
  Metric,
  ModelVersion,
  NamedModel,
  Run,
  Webhook,
} from '../../api/index.ts'

export type Answer = { readonly [member: string]: unknown }

const tagsOf = (tags: { readonly [key: string]: string }): readonly Answer[] | undefined => {
  const all = Object.entries(tags).map(([key, value]) => ({ key, value }))
  return all.length === 0 ? undefined : all
}
/** An empty list is as good as none. */
const some = <T>(all: readonly T[]): readonly T[] | undefined => (all.length === 0 ? undefined : all)
export const page = <T>(name: string, { items, next }: Found<T>, form: (item: T) => Answer): Answer => ({
  [name]: some(items.map(form)),
  next_page_token: next ?? undefined,
})

export const experimentAnswer = ({
  id,
  name,
  artifactLocation,
  lifecycle,
  tags,
  createdAt,
  updatedAt,
}: Experiment): Answer => ({
  experiment_id: id,
  name,
  artifact_location: artifactLocation,
  lifecycle_stage: lifecycle,
  last_update_time: updatedAt,
  creation_time: createdAt,
  tags: tagsOf(tags),
})

export const infoAnswer = (run: Run): Answer => ({
  run_uuid: run.id,
  run_id: run.id,
  experiment_id: run.experiment,
  run_name: run.name,
  user_id: run.user,
  status: run.status,
  start_time: run.startedAt,
  end_time: run.endedAt ?? undefined,
  artifact_uri: run.artifactUri,
  lifecycle_stage: run.lifecycle,
})

export const runAnswer = (run: Run): Answer => ({
  info: infoAnswer(run),
  data: {
    metrics: some(run.metrics.map((metric) => metricAnswer(metric))),
    params: tagsOf(run.parameters),
    tags: tagsOf(run.tags),
  },
  inputs: {
    dataset_inputs: some(
      run.inputs.datasets.map(({ dataset, tags }) => ({
        tags: tagsOf(tags),
        dataset: {
          name: dataset.name,
          digest: dataset.digest,
          source_type: dataset.sourceType,
          source: dataset.source,
          schema: dataset.schema ?? undefined,
          profile: dataset.profile ?? undefined,
        },
      })),
    ),
    model_inputs: some(run.inputs.models.map(({ model }) => ({ model_id: model }))),
  },
  outputs: { model_outputs: some(run.outputs.map(({ model, step }) => ({ model_id: model, step }))) },
})

export const metricAnswer = ({ key, value, at, step, dataset, model }: Metric, run?: string): Answer => ({
  key,
  value: Number.isFinite(value) ? value : String(value),
  timestamp: at,
  step,
  dataset_name: dataset?.name || undefined,
  dataset_digest: dataset?.digest || undefined,
  model_id: model ?? undefined,
  run_id: run,
})

export const loggedModelAnswer = (model: LoggedModel): Answer => ({
  info: {
    model_id: model.id,
    experiment_id: model.experiment,
    name: model.name,
    creation_timestamp_ms: model.createdAt,
    last_updated_timestamp_ms: model.updatedAt,
    artifact_uri: model.artifactUri,
    status: model.status,
    model_type: model.modelType,
    source_run_id: model.run ?? '',
    tags: tagsOf(model.tags),
  },
  data: {
    params: tagsOf(model.parameters),
    metrics: some(model.metrics.map((metric) => metricAnswer(metric, metric.run))),
  },
})

const stageNames = {
  registered: 'None',
  validated: 'None',
  staging: 'Staging',
  production: 'Production',
  archived: 'Archived',
} as const

export const versionAnswer = (version: ModelVersion, environment: string): Answer => {
  const place = Object.hasOwn(version.places, environment) ? version.places[environment]! : null
  return {
    name: version.model,
    version: String(version.version),
    creation_timestamp: version.at,
    last_updated_timestamp: Math.max(version.updatedAt, place?.at ?? 0),
    current_stage: stageNames[place?.stage ?? 'registered'],
    description: version.description ?? '',
    source: version.source,
    run_id: version.run ?? '',
    status: 'READY',
    run_link: version.runLink ?? '',
    tags: tagsOf(version.tags),
    aliases: some(version.aliases),
  }
}

export const modelAnswer = (model: NamedModel, environment: string): Answer => ({
  name: model.name,
  creation_timestamp: model.createdAt,
  last_updated_timestamp: model.updatedAt,
  description: model.description || undefined,
  latest_versions: some(model.latest.map((version) => versionAnswer(version, environment))),
  tags: tagsOf(model.tags),
  aliases: some(Object.entries(model.aliases).map(([alias, version]) => ({ alias, version: String(version) }))),
})

export const fileAnswer = ({ name, bytes }: Listed, folder = ''): Answer => ({
  path: folder === '' ? name : `${folder}/${name}`,
  is_dir: bytes === null,
  file_size: bytes ?? undefined,
})

export const webhookAnswer = (hook: Omit<Webhook, 'secret'>): Answer => ({
  webhook_id: hook.id,
  name: hook.name,
  description: hook.description ?? undefined,
  url: hook.url,
  events: hook.events.map((event) => {
    const [entity = '', action = ''] = event.split('.')
    return { entity: entity.toUpperCase(), action: action.toUpperCase() }
  }),
  status: hook.active ? 'ACTIVE' : 'DISABLED',
  creation_timestamp: hook.createdAt,
  last_updated_timestamp: hook.updatedAt,
})
