/** The OpenAPI document: valid, whole, typed by the definitions, and true of what the server answers. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { limits } from '../../src/kernel/limits.ts'
import { httpServer } from '../../src/server/index.ts'
import { documentedElsewhere, openApi, operations } from '../../src/server/openapi/index.ts'
import type { Service } from '../http/service.ts'
import { couriers, deliver, question, service } from '../http/service.ts'
import { linear, logistic } from '../models/graphs.ts'

const document = openApi({ platform: couriers, version: '1.2.3' })
// biome-ignore lint/suspicious/noExplicitAny: a document of any form
const paths = document.paths as any

test('is valid by the schema of OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)))
  expect(errors).toBeUndefined()
  expect(valid).toBe(true)
})

test('says of each model, view and source what it takes and gives', () => {
  const { requestBody, responses } = paths['/v1/models/eta/predict'].post
  const { properties, required } = requestBody.content['application/json'].schema
  expect(required).toEqual(['keys', 'request'])
  expect(properties.keys.properties.courier.type).toEqual(['string', 'null'])
  expect(properties.request.required).toEqual(['km'])
  expect(properties.request.properties.km).toEqual({ type: 'number' })
  const answer = responses['200'].content['application/json'].schema
  expect(answer.properties.prediction.properties).toEqual({ minutes: { type: 'number' } })
  expect(paths['/v1/events/deliveries'].post).toBeDefined()
  expect(paths['/v1/views/pace/read'].post).toBeDefined()
  const label = paths['/v1/models/vehicle/predict'].post.responses['200'].content['application/json'].schema
  expect(label.properties.prediction.properties.vehicle.enum).toEqual(['bike', 'van'])
})

describe('a server', () => {
  let open: Service
  beforeAll(async () => {
    open = await service()
    await deliver(open)
    await open.add('eta', linear([1, 2], 0.5))
    await open.add('late', logistic([1], 0))
  })
  afterAll(() => open.close())

  test('every route is in the table, and nothing else is', async () => {
    const server = httpServer({
      services: { platform: couriers, limits, inference: {} } as never,
      access: { required: false, identify: () => ({}) } as never,
      hosts: [],
      console: null,
      logger: { isLevelEnabled: () => false } as never,
      version: '1.2.3',
    })
    // Some are registered as it starts.
    await server.listen(0, '127.0.0.1')
    const { routes } = server
    await server.close()
    const served = routes.filter((route) => !route.startsWith('HEAD ') && !documentedElsewhere.test(route))
    expect(new Set(served)).toEqual(new Set(Object.keys(operations)))
  })

  test('serves it, without anything that is secret', async () => {
    const { status, json, text } = await open.get('/openapi.json')
    expect(status).toBe(200)
    expect(Object.keys(json.paths)).toEqual(Object.keys(document.paths))
    expect(text).not.toContain(open.folder)
    expect(text).not.toMatch(/sxk_|file:|postgres:|redis:/)
  })

  // Whatever it says of an answer holds for a real one.
  test.each<[string, string, unknown?]>([
    ['post', '/v1/models/eta/predict', question],
    ['post', '/v1/models/late/predict', question],
    ['post', '/v1/models/vehicle/predict', { request: { km: 1, load: 2, spare: 3 } }],
    ['post', '/v1/views/pace/read', { keys: { courier: 'ann' } }],
    [
      'post',
      '/v1/events/deliveries',
      { events: [{ order: 'b1', courier: 'bob', minutes: 1, parcels: 1, delivered: '2024-05-01T11:00:00Z' }] },
    ],
    ['get', '/v1/status'],
    ['get', '/v1/platform'],
    ['get', '/v1/models/{model}'],
    ['get', '/v1/models/{model}/metadata'],
    ['get', '/v2'],
    ['get', '/v2/models/{name}'],
    ['get', '/v2/models/{name}/stats'],
    ['post', '/v1/models/eta:predict', { instances: [[1, 2]] }],
    ['post', '/v1/models/{model}/invocations', { inputs: [[1, 2]] }],
    ['get', '/v1/registry/access'],
    ['get', '/v1/registry/models'],
    ['get', '/healthz'],
  ])('%s %s answers as it says', async (method, path, body) => {
    const at = path.replace('{model}', 'eta').replace('{name}', 'eta')
    const answer = method === 'get' ? await open.get(at) : await open.post(at, body)
    expect([answer.status, answer.json]).toMatchObject([200, {}])
    const schema = paths[path][method].responses['200'].content['application/json'].schema
    const ajv = new Ajv2020({ strict: false, allErrors: true })
    addFormats.default(ajv)
    const check = ajv.compile(JSON.parse(JSON.stringify({ allOf: [schema], components: document['components'] })))
    check(answer.json)
    expect(check.errors).toBeNull()
  })

  test('an error has the form that it says', async () => {
    const { json } = await open.post('/v1/models/eta/predict', {})
    const ajv = new Ajv2020({ strict: false })
    const { components } = document as unknown as { components: { schemas: { Problem: object } } }
    expect(ajv.validate(JSON.parse(JSON.stringify(components.schemas.Problem)) as object, json)).toBe(true)
  })
})
