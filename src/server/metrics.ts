/**
 * GET /metrics, in Prometheus' text format: the same figures as GET /v1/status, as time series. It answers soon also while a store
 * does not, since the queue is wanted most of all then; what nobody knows is left out. A text is made once a second at most, however
 * many ask.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Services } from '../api/index.ts'
import { batchMetrics } from './metrics/batches.ts'
import { familiesIn } from './metrics/families.ts'
import type { GrpcCounts } from './metrics/grpc.ts'
import { grpcMetrics } from './metrics/grpc.ts'
import { predictionMetrics } from './metrics/predictions.ts'
import { remoteMetrics } from './metrics/remotes.ts'
import type { RequestCounts } from './metrics/requests.ts'
import { requestMetrics } from './metrics/requests.ts'
import { schedulingMetrics } from './metrics/scheduling.ts'
import { storeMetrics } from './metrics/stores.ts'

export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
}

const freshMs = 1_000

export function metricsOf(services: Services, requests: RequestCounts, grpc: GrpcCounts): Metrics {
  const registry = new Registry()
  const families = familiesIn(registry)
  const fillPredictions = predictionMetrics(families)
  const fillScheduling = schedulingMetrics(families)
  const fillRemotes = remoteMetrics(families)
  const fillRequests = requestMetrics(families)
  const fillGrpc = grpcMetrics(families)
  const fillBatches = batchMetrics(families)
  const fillStores = storeMetrics(families)
  let made = Number.NEGATIVE_INFINITY
  let text: Promise<string> | null = null

  const make = async (): Promise<string> => {
    const status = await services.status()
    registry.resetMetrics()
    fillPredictions(status.models)
    fillScheduling(status.models)
    fillRemotes(status.models)
    fillRequests(requests)
    fillGrpc(grpc)
    fillBatches(status)
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

/** Of the process, and so one for all its servers: memory, CPU, how late the event loop is. */
let processRegistry: Registry | null = null
function ofProcess(): Registry {
  if (processRegistry === null) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
    let before = performance.eventLoopUtilization()
    new Gauge({
      name: 'sixfold_event_loop_utilization',
      help: 'Share of the time since the last scrape in which the thread that receives requests was busy: at 1 requests wait unseen.',
      registers: [processRegistry],
      collect() {
        const now = performance.eventLoopUtilization()
        this.set(performance.eventLoopUtilization(now, before).utilization)
        before = now
      },
    })
  }
  return processRegistry
}
