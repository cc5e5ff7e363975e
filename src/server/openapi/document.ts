/** The OpenAPI document of a platform: the table of routes, with what its definitions say. It holds nothing that is secret. */
import type { Platform } from '../../definition/graph.ts'
import { modelsOf } from '../../definition/graph.ts'
import { batchRows } from './batches.ts'
import type { Operation, Parameter, Rows } from './operation.ts'
import { templateOf } from './operation.ts'
import { predictionRows } from './predictions.ts'
import { protocolRows, protocolSchemas } from './protocols.ts'
import { registryRows, serverRows } from './registry.ts'
import type { Schema } from './schema.ts'
import { anything, mapOf, number, object, text, whole, yes } from './schema.ts'

/** What is said of each route: every route of the server stands here, or among those that are documented elsewhere. */
export const operations: Rows = { ...predictionRows, ...batchRows, ...serverRows, ...registryRows, ...protocolRows }

/** MLflow's own API is documented by MLflow, and the console is pages. */
export const documentedElsewhere = /^\w+ \/(api|ajax-api)\//

const schemas: { readonly [name: string]: Schema } = {
  Problem: object(
    {
      type: text,
      title: text,
      status: whole,
      code: text,
      detail: text,
      fix: text,
      retry: yes,
      details: mapOf(anything),
    },
    { optional: ['details'] },
  ),
  Degradation: object({ stage: text, by: text, reason: text }),
  StageTimes: object(
    Object.fromEntries(
      ['gateway', 'features', 'assembly', 'queue', 'inference', 'post', 'total'].map((name) => [name, number]),
    ),
  ),
  ...protocolSchemas,
}

export interface OpenApiOptions {
  readonly platform: Platform
  /** Of Sixfold. */
  readonly version: string
}

export type OpenApiDocument = { readonly openapi: string; readonly paths: { readonly [path: string]: object } } & Schema

export function openApi({ platform, version }: OpenApiOptions): OpenApiDocument {
  const paths: { [path: string]: { [method: string]: object } } = {}
  const names = modelsOf(platform).map(({ name }) => name)
  for (const [route, row] of Object.entries(operations)) {
    const [method, path] = route.split(' ') as [string, string]
    for (const [at, operation] of typeof row === 'function' ? row(platform) : [[templateOf(path), row] as const]) {
      paths[at] = { ...paths[at], [method.toLowerCase()]: written(method, at, operation, names) }
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Sixfold', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    security: [{ bearer: [] }, { basic: [] }, {}],
    tags: [
      ...new Set(
        Object.values(paths).flatMap((at) => Object.values(at).flatMap((one) => (one as { tags: string[] }).tags)),
      ),
    ].map((name) => ({ name })),
    paths,
    components: {
      schemas,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } },
    },
  }
}

function written(method: string, path: string, operation: Operation, models: readonly string[]): object {
  const { tag, what, query = {}, headers = {}, body, bodyOptional = false, open = false } = operation
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
  const parameters = [
    ...inPath.map((name) => ({ name, in: 'path', required: true, schema: schemaOfPart(name, path, models) })),
    ...parametersIn('query', query),
    ...parametersIn('header', headers),
  ]
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase())}`,
    tags: [tag],
    summary: what,
    ...(open ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body === undefined ? {} : { requestBody: { required: !bodyOptional, content: contentOf(body) } }),
    responses: responsesOf(operation),
  }
}

function schemaOfPart(name: string, path: string, models: readonly string[]): Schema {
  const named = name === 'model' || (name === 'name' && path.startsWith('/v2/'))
  if (named && !path.startsWith('/v1/registry') && models.length > 0)
    return { ...text, enum: name === 'name' ? models.flatMap((model) => [model, `${model}.pipeline`]) : models }
  return { ...text, minLength: 1 }
}

const parametersIn = (place: 'query' | 'header', of: { readonly [name: string]: Parameter }): readonly object[] =>
  Object.entries(of).map(([name, { schema, what, required = false }]) => ({
    ...{ name, in: place, required, description: what, schema },
  }))

const contentOf = (types: { readonly [type: string]: Schema }): object =>
  Object.fromEntries(
    Object.entries(types).map(([type, schema]) => [type, Object.keys(schema).length === 0 ? {} : { schema }]),
  )

/** What any route may answer: refusals of the caller's, and that it is too much, stopping, or too late. */
const refusals: { readonly [status: string]: string } = {
  '4XX': 'What is wrong with the request, and how to mend it.',
  '503': 'Overloaded, stopping, or a store is away: Retry-After says when to come again.',
  '504': 'The time for the answer has passed.',
}

function responsesOf({ answer, status: good = 200, also = {}, errors }: Operation): object {
  const form = (description: string): object =>
    errors === null
      ? { description }
      : {
          description,
          content: {
            [errors === 'Problem' ? 'application/problem+json' : 'application/json']: {
              schema: { $ref: `#/components/schemas/${errors}` },
            },
          },
        }
  const ok =
    Object.keys(answer).length === 0 ? {} : { [good]: { description: 'The answer.', content: contentOf(answer) } }
  return {
    ...ok,
    ...Object.fromEntries(
      Object.entries(errors === null ? {} : refusals).map(([status, words]) => [status, form(words)]),
    ),
    ...Object.fromEntries(
      Object.entries(also).map(([status, words]) => [
        status,
        // What is no refusal has the form of the answer.
        status === '503'
          ? { description: words, content: contentOf(answer) }
          : status === '304'
            ? { description: words }
            : form(words),
      ]),
    ),
  }
}
