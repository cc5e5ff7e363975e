/**
 * What is served, as the protocol sees it. A defined model is there twice: under its own name as its file has it, tensors in and tensors
 * out; and as NAME.pipeline, asked with keys and request fields, with features, fallback and log.
 */
import type { Services } from '../../api/index.ts'
import type { FieldShape } from '../../definition/field.ts'
import { shapesOf } from '../../definition/field.ts'
import { modelNamed } from '../../definition/graph.ts'
import type { Model } from '../../definition/model.ts'
import { requestOf } from '../../definition/model.ts'
import type { ServedModel, ServedVersion } from '../../inference/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import { datatypeOf } from './tensors.ts'

export interface TensorMetadata {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
}

export interface Metadata {
  readonly name: string
  readonly versions: readonly string[]
  readonly platform: string
  readonly inputs: readonly TensorMetadata[]
  readonly outputs: readonly TensorMetadata[]
}

/** One model of the protocol. */
export interface Named {
  readonly name: string
  /** Of the definition. */
  readonly model: string
  readonly pipeline: boolean
  readonly served: ServedModel
}

const suffix = '.pipeline'

/** Throws SX_UNKNOWN_MODEL in the protocol's words. */
export function named({ inference }: Services, name: string): Named {
  const pipeline = name.endsWith(suffix)
  const model = pipeline ? name.slice(0, -suffix.length) : name
  const served = inference.of(model)
  if (served === null)
    throw new SixfoldError('SX_UNKNOWN_MODEL', `Request for unknown model: '${shorten(name)}' is not found`)
  return { name, model, pipeline, served }
}

export const allNamed = ({ inference }: Services): readonly Named[] =>
  inference.served().flatMap((served) => [
    { name: served.model, model: served.model, pipeline: false, served },
    { name: served.model + suffix, model: served.model, pipeline: true, served },
  ])

/** A version that is ready; null asks for the one that answers. Throws SX_UNKNOWN_VERSION, SX_MODEL_UNREADY. */
export function readyVersion(
  { name, served }: Named,
  version: string | null,
): ServedVersion & { readonly detail: object } {
  const wanted = version ?? served.answering
  const found = served.versions.find((one) => one.version === wanted)
  if (version !== null && found === undefined)
    throw new SixfoldError(
      'SX_UNKNOWN_VERSION',
      `Request for unknown model: '${shorten(name)}' version ${shorten(version)} is not found`,
    )
  if (found === undefined || found.detail === null)
    throw new SixfoldError(
      'SX_MODEL_UNREADY',
      `Request for unknown model: '${shorten(name)}' has no available versions${found === undefined || found.reason === '' ? '' : `: ${found.reason}`}`,
    )
  return found as ServedVersion & { readonly detail: object }
}

/** A pipeline answers also where no version does: by its fallback. */
export function isReady(one: Named, version: string | null): boolean {
  if (one.pipeline) return version === null || version === pipelineVersion(one)
  const wanted = version ?? one.served.answering
  return one.served.versions.some((found) => found.version === wanted && found.state === 'ready')
}

export const pipelineVersion = ({ served }: Named): string => served.answering ?? '0'

export function metadataOf(services: Services, one: Named, version: string | null): Metadata {
  const { name, served } = one
  if (one.pipeline) {
    checkPipelineVersion(one, version)
    const { inputs, outputs } = pipelineOf(definitionOf(services, one))
    const columns = inputs.map(({ name, datatype }) => ({ name, datatype, shape: [-1] }))
    return { name, versions: [pipelineVersion(one)], platform: 'ensemble', inputs: columns, outputs }
  }
  const { detail } = readyVersion(one, version)
  const info = (
    tensors: readonly { readonly name: string; readonly type: string; readonly shape: readonly number[] }[],
  ) =>
    tensors
      .filter(({ type }) => type !== 'no tensor')
      .map(({ name, type, shape }) => ({ name, datatype: datatypeOf(type), shape }))
  return {
    name,
    versions: served.versions.filter(({ state }) => state === 'ready').map((ready) => ready.version),
    platform: 'onnxruntime_onnx',
    inputs: info(detail!.inputs),
    outputs: info(detail!.outputs),
  }
}

/** Throws SX_UNKNOWN_VERSION: a pipeline is always that of the version that answers. */
export function checkPipelineVersion(one: Named, version: string | null): void {
  if (version === null || version === pipelineVersion(one)) return
  throw new SixfoldError(
    'SX_UNKNOWN_VERSION',
    `Request for unknown model: '${shorten(one.name)}' version ${shorten(version)} is not found`,
    { fix: 'A pipeline has the version that answers: leave the version out.' },
  )
}

export const definitionOf = ({ platform }: Services, { model }: Named): Model => modelNamed(platform, model)

export interface Column {
  readonly name: string
  readonly datatype: string
  /** Whether it is a key or a field of the request. */
  readonly part: 'keys' | 'request'
}

/** The columns that a pipeline is asked with, and what it gives. */
export function pipelineOf(model: Model): {
  readonly inputs: readonly Column[]
  readonly outputs: readonly TensorMetadata[]
} {
  const columns = (shapes: readonly FieldShape[], part: Column['part']): readonly Column[] =>
    shapes.map(({ name, type }) => ({ name, datatype: datatypeOfScalar(type), part }))
  return {
    inputs: [...columns(shapesOf(model.key), 'keys'), ...columns(shapesOf(requestOf(model.inputs)), 'request')],
    outputs: [
      ...Object.entries(model.output).map(([name, kind]) =>
        typeof kind === 'object' && 'vector' in kind
          ? { name, datatype: 'FP64', shape: [-1, kind.vector] }
          : { name, datatype: typeof kind === 'object' ? 'BYTES' : 'FP64', shape: [-1] },
      ),
      { name: predictionId, datatype: 'BYTES', shape: [-1] },
    ],
  }
}

/** The output with the id of each row's entry in the log. */
export const predictionId = 'prediction_id'

/** Instants go as texts, as they do in JSON. */
const datatypeOfScalar = (type: string): string =>
  type === 'int64' ? 'INT64' : type === 'float64' ? 'FP64' : type === 'boolean' ? 'BOOL' : 'BYTES'
