/** What the protocol's clients read of models beside their shape: configuration and statistics, in the forms that Triton gave them. */
import type { Services } from '../../api/index.ts'
import type { ServedVersion } from '../../inference/index.ts'
import type { Metadata, Named } from './models.ts'
import { isReady, metadataOf, pipelineVersion } from './models.ts'

/** Nanoseconds, as whole numbers. */
const ns = (milliseconds: number): number => Math.round(milliseconds * 1e6)
const times = (count: number, milliseconds: number) => ({ count, ns: ns(milliseconds) })

export function statisticsOf(services: Services, one: Named, version: string | null): readonly object[] {
  if (one.pipeline) return [pipelineStatistics(services, one)]
  return one.served.versions
    .filter((found) => found.detail !== null && (version === null || found.version === version))
    .map((found) => tensorStatistics(one.name, found))
}

function tensorStatistics(name: string, { version, detail }: ServedVersion): object {
  const { counts } = detail!.scheduling
  const { succeeded, failed, rows, calls, batches, queuedMs, computedMs, refused, expired } = counts
  const turnedAway = refused.full + refused.late + refused.limit + refused.short + expired
  return {
    name,
    version,
    last_inference: detail!.lastAnswer ?? 0,
    inference_count: rows,
    execution_count: calls,
    inference_stats: {
      success: times(succeeded, queuedMs + computedMs),
      fail: times(failed + turnedAway, 0),
      queue: times(succeeded, queuedMs),
      compute_input: times(succeeded, 0),
      compute_infer: times(succeeded, computedMs),
      compute_output: times(succeeded, 0),
      cache_hit: times(0, 0),
      cache_miss: times(0, 0),
    },
    response_stats: {},
    batch_stats: batches.map((batch) => ({
      batch_size: batch.rows,
      compute_input: times(batch.calls, 0),
      compute_infer: times(batch.calls, batch.milliseconds),
      compute_output: times(batch.calls, 0),
    })),
    memory_usage: [],
  }
}

/** Of a pipeline what it answered is known, and how long that took in all. */
function pipelineStatistics(services: Services, one: Named): object {
  const { predictions, meanMs, lastAnswer } = services.inference.pipeline(one.model)
  return {
    name: one.name,
    version: pipelineVersion(one),
    last_inference: lastAnswer ?? 0,
    inference_count: predictions,
    execution_count: predictions,
    inference_stats: {
      success: times(predictions, predictions * meanMs),
      fail: times(0, 0),
      queue: times(0, 0),
      compute_input: times(0, 0),
      compute_infer: times(predictions, predictions * meanMs),
      compute_output: times(0, 0),
      cache_hit: times(0, 0),
      cache_miss: times(0, 0),
    },
    response_stats: {},
    batch_stats: [],
    memory_usage: [],
  }
}

/** A model's configuration. Its first dimension, where it is free, is that of the batch, and stands in no shape. */
export function configOf(services: Services, one: Named, version: string | null): object {
  const metadata = metadataOf(services, one, version)
  const found = one.served.versions.find((served) => served.version === (version ?? one.served.answering))
  const batched = metadata.inputs.every(({ shape }) => shape[0] === -1)
  const tensors = (list: Metadata['inputs']): readonly object[] =>
    list.map(({ name, datatype, shape }) => ({
      name,
      data_type: `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`,
      dims: batched && shape[0] === -1 ? (shape.length > 1 ? shape.slice(1) : [1]) : shape,
    }))
  const workers = found?.detail?.scheduling.workers
  return {
    name: one.name,
    platform: metadata.platform,
    backend: one.pipeline ? '' : 'onnxruntime',
    version_policy: { specific: { versions: metadata.versions.map(Number) } },
    max_batch_size: batched ? (one.pipeline ? services.limits.requestRows : (found?.detail?.maxRows ?? 0)) : 0,
    input: tensors(metadata.inputs),
    output: tensors(metadata.outputs),
    ...(one.pipeline
      ? {}
      : {
          dynamic_batching: { preferred_batch_size: [], max_queue_delay_microseconds: 0 },
          instance_group: [{ name: `${one.name}_0`, kind: 'KIND_CPU', count: workers?.max ?? 1 }],
        }),
  }
}

/** The repository: every model with each of its versions, and whether it answers. */
export const indexOf = (all: readonly Named[], readyOnly: boolean): readonly object[] =>
  all.flatMap((one) => {
    const versions = one.pipeline
      ? [{ version: pipelineVersion(one), state: 'ready' as const, reason: '' }]
      : one.served.versions
    if (versions.length === 0) return readyOnly ? [] : [{ name: one.name }]
    return versions
      .filter(({ version }) => !readyOnly || isReady(one, version))
      .map(({ version, state, reason }) => ({
        name: one.name,
        version,
        state: state === 'ready' ? 'READY' : state === 'loading' ? 'LOADING' : 'UNAVAILABLE',
        ...(reason === '' ? {} : { reason }),
      }))
  })
