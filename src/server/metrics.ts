/**
 * GET /metrics, in Prometheus' text format: the same figures as GET /v1/status, as time series. It answers soon also while a store
 * does not, since the queue is wanted most of all then; what nobody knows is left out. A text is made once a second at most, however
 * many ask.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { ModelStatus, Services, Status } from '../api/index.ts'

export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
}

const freshMs = 1_000
const stages = ['features', 'assembly', 'inference', 'post', 'total'] as const

export function metricsOf(services: Services): Metrics {
  const registry = new Registry()
  const fillModels = modelMetrics(registry)
  const fillStores = storeMetrics(registry)
  let made = Number.NEGATIVE_INFINITY
  let text: Promise<string> | null = null

  const make = async (): Promise<string> => {
    const status = await services.status()
    registry.resetMetrics()
    fillModels(status.models)
    fillStores(status)
    return `${await registry.metrics()}\n${await ofProcess().metrics()}`
  }
  return {
    contentType: registry.contentType,
    text: () => {
      if (text === null || performance.now() - made > freshMs) {
        made = performance.now()
        text = make().catch((error: unknown) => {
          text = null
          throw error
        })
      }
      return text
    },
  }
}

const metricsIn = (registry: Registry) => ({
  gauge: <L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> =>
    new Gauge({ name, help, labelNames, registers: [registry] }),
  counter: <L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers: [registry] }),
})

function modelMetrics(registry: Registry): (models: readonly ModelStatus[]) => void {
  const { gauge, counter } = metricsIn(registry)
  const rows = gauge('sixfold_queue_rows', 'Rows that wait for a model, or are being computed by it.', 'model')
  const version = gauge(
    'sixfold_model_version_info',
    '1 for the version of a model that answers. Without one the fallback does.',
    'model',
    'version',
  )
  const predictions = counter(
    'sixfold_predictions_total',
    'Predictions that were answered. Degraded: in whatever part.',
    'model',
    'degraded',
  )
  const degradations = counter(
    'sixfold_degradations_total',
    'Parts of predictions that something else stood in for. A prediction may have several.',
    'model',
    'reason',
  )
  const refused = counter(
    'sixfold_predictions_refused_total',
    'Questions that were not answered, by the code of the error.',
    'model',
    'code',
  )
  const seconds = counter(
    'sixfold_stage_seconds_total',
    'Time that predictions spent in a stage. Its rate over that of sixfold_predictions_total is the mean.',
    'model',
    'stage',
  )
  const quantiles = gauge(
    'sixfold_stage_quantile_seconds',
    'Quantiles of the time in a stage, over all predictions since the server started.',
    'model',
    'stage',
    'quantile',
  )
  return (models) => {
    for (const { model, version: answering, waiting, measures } of models) {
      rows.set({ model }, waiting)
      if (answering !== null) version.set({ model, version: answering }, 1)
      predictions.inc({ model, degraded: 'true' }, measures.degradedPredictions)
      predictions.inc({ model, degraded: 'false' }, measures.predictions - measures.degradedPredictions)
      for (const [reason, count] of Object.entries(measures.degraded)) degradations.inc({ model, reason }, count)
      for (const [code, count] of Object.entries(measures.refused)) refused.inc({ model, code }, count)
      if (measures.predictions === 0) continue
      for (const stage of stages) {
        const { p50, p99, mean } = measures.stages[stage]
        seconds.inc({ model, stage }, (mean * measures.predictions) / 1000)
        quantiles.set({ model, stage, quantile: '0.5' }, p50 / 1000)
        quantiles.set({ model, stage, quantile: '0.99' }, p99 / 1000)
      }
    }
  }
}

function storeMetrics(registry: Registry): (status: Status) => void {
  const { gauge } = metricsIn(registry)
  const up = gauge(
    'sixfold_store_up',
    '1 for a store that can be used, 0 for one that cannot be reached or says why not.',
    'port',
    'technology',
  )
  const lag = gauge(
    'sixfold_log_lag_entries',
    'Entries of the log that the state of a view does not have yet. All servers say the same of it.',
    'view',
  )
  const entries = gauge(
    'sixfold_log_entries',
    'Entries of a topic of the log. All servers say the same of it.',
    'topic',
  )
  const online = gauge(
    'sixfold_online_entries',
    'Entries of the online store. All servers say the same of it.',
    'technology',
  )
  const roundTrip = gauge(
    'sixfold_store_round_trip_seconds',
    'The median of several small questions to a store.',
    'port',
    'technology',
  )
  return ({ views, topics, store, stores }) => {
    for (const { view, behind } of views) if (behind !== null) lag.set({ view }, behind)
    for (const { topic, end } of topics) entries.set({ topic }, end)
    for (const { port, report } of stores) {
      const { technology, roundTripMs, problems } = report
      if (port === 'online' && store !== null) online.set({ technology }, store.entries)
      up.set({ port, technology }, problems.some(({ severity }) => severity === 'error') ? 0 : 1)
      if (roundTripMs !== null) roundTrip.set({ port, technology }, roundTripMs / 1000)
    }
  }
}

/** Of the process, and so one for all its servers: memory, CPU, how late the event loop is. */
let processRegistry: Registry | null = null
function ofProcess(): Registry {
  if (processRegistry === null) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
  }
  return processRegistry
}
