/** One row of the table of routes: what OpenAPI says of it. */
import type { Platform } from '../../definition/graph.ts'
import type { Schema } from './schema.ts'

export type Tag =
  | 'predictions'
  | 'batches'
  | 'features'
  | 'models'
  | 'registry'
  | 'server'
  | 'Open Inference'
  | 'TensorFlow Serving'
  | 'MLflow'

export interface Parameter {
  readonly schema: Schema
  readonly what: string
  readonly required?: boolean
}

export interface Operation {
  readonly tag: Tag
  readonly what: string
  readonly query?: { readonly [name: string]: Parameter }
  readonly headers?: { readonly [name: string]: Parameter }
  /** By content type; null: none is read. */
  readonly body?: { readonly [type: string]: Schema }
  readonly bodyOptional?: true
  /** Of the answer. By default 200. */
  readonly status?: 200 | 202
  /** By content type. */
  readonly answer: { readonly [type: string]: Schema }
  /** Other statuses that are answers, with their words. */
  readonly also?: { readonly [status: string]: string }
  /** In which form errors come. */
  readonly errors: 'Problem' | 'ProtocolError' | 'MlflowError' | null
  /** Asked without a key. */
  readonly open?: true
}

/** A route as the server has it, 'POST /v1/models/:model/predict', and its operations: by the path that they are for, of this platform. */
export type Rows = {
  readonly [route: string]: Operation | ((platform: Platform) => readonly (readonly [path: string, Operation])[])
}

/** ':model' is '{model}' there. */
export const templateOf = (path: string): string => path.replace(/:(\w+)/g, '{$1}')
