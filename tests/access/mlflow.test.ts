/** Keys on MLflow's routes: as its clients send them, with errors in the form that these read, and confined as everywhere else. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listen } from '../../src/runtime/listen.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { couriers } from '../http/service.ts'

const adminKey = 'an-admin-key-of-thirty-two-signs'
let folder: string
let opened: Opened
let server: { readonly url: string; close(): Promise<void> }
const keys: { [name: string]: string } = {}
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sixfold-access-'))
  opened = await open(couriers, { data: folder, adminKey })
  server = await listen(opened, { port: 0, access: 'keys' })
  const by = { actor: 'local:ana', reason: null }
  for (const [name, role, models] of [
    ['viewer', 'viewer', []],
    ['editor', 'editor', []],
    ['approver', 'approver', []],
    ['one-viewer', 'viewer', ['one']],
    ['one-editor', 'editor', ['one']],
  ] as const)
    keys[name] = (await opened.registry.createKey({ name, role, models, expiresAt: null }, by)).key
  keys['admin'] = adminKey
})
afterAll(async () => {
  await server.close()
  await opened.close()
  await rm(folder, { recursive: true, force: true })
})

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: for the test to say
  readonly json: any
}
async function call(key: string | null, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`${server.url}/api/2.0/${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      // As the client sends MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
      ...(key === null ? {} : { authorization: `Basic ${Buffer.from(`ana:${key}`).toString('base64')}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, json: text === '' ? null : JSON.parse(text) }
}

const errors: readonly (readonly [
  name: string | null,
  method: string,
  path: string,
  body: object | undefined,
  status: number,
])[] = [
  [null, 'GET', 'mlflow/experiments/get?experiment_id=0', undefined, 401],
  [null, 'PUT', 'mlflow-artifacts/artifacts/0/x', {}, 401],
  ['viewer', 'POST', 'mlflow/runs/create', { experiment_id: '0' }, 403],
  ['viewer', 'POST', 'mlflow/registered-models/create', { name: 'one' }, 403],
  ['editor', 'POST', 'mlflow/registered-models/alias', { name: 'one', alias: 'a', version: '1' }, 403],
  ['editor', 'DELETE', 'mlflow/registered-models/delete', { name: 'one' }, 403],
  ['approver', 'GET', 'mlflow/webhooks', undefined, 403],
  ['one-editor', 'POST', 'mlflow/registered-models/create', { name: 'two' }, 403],
  ['one-editor', 'GET', 'mlflow/registered-models/get?name=two', undefined, 403],
  ['one-editor', 'POST', 'mlflow/model-versions/create', { name: 'one', source: 'models:/two/1' }, 403],
  ['one-editor', 'POST', 'mlflow/model-versions/create', { name: 'one', source: 'models:/two%2F1' }, 403],
  ['one-editor', 'POST', 'mlflow/model-versions/create', { name: 'one', source: 'MODELS:///two/1' }, 403],
  ['one-editor', 'POST', 'mlflow/model-versions/create', { name: 'one', source: 'models:/two@champion' }, 403],
  ['one-viewer', 'POST', 'mlflow/runs/search', { experiment_ids: ['0'] }, 403],
  ['one-viewer', 'GET', 'mlflow-artifacts/artifacts/0/x', undefined, 403],
]
test.each(errors)('%s: %s %s %j is %i', async (name, method, path, body, status) => {
  const { status: answered, json } = await call(name === null ? null : keys[name]!, method, path, body)
  expect(answered).toBe(status)
  expect(json.error_code).toBe(status === 401 ? 'UNAUTHENTICATED' : 'PERMISSION_DENIED')
  expect(json.message).toMatch(status === 401 ? /key/ : /role/)
})

describe('whoever may', () => {
  test('logs runs, and registers models of its own', async () => {
    const key = keys['one-editor']!
    const run = await call(key, 'POST', 'mlflow/runs/create', { experiment_id: '0' })
    expect(run.status).toBe(200)
    expect((await call(key, 'POST', 'mlflow/registered-models/create', { name: 'one' })).status).toBe(200)
    const made = (await opened.registry.audit({ limit: 1 }))[0]!
    expect(made).toMatchObject({ action: 'model.created', model: 'one', actor: 'key:one-editor' })
  })

  test('sees what it may alone', async () => {
    await call(adminKey, 'POST', 'mlflow/registered-models/create', { name: 'two' })
    const names = async (name: string): Promise<string[]> =>
      (await call(keys[name]!, 'GET', 'mlflow/registered-models/search')).json.registered_models.map(
        (model: { name: string }) => model.name,
      )
    expect(await names('viewer')).toEqual(['one', 'two'])
    expect(await names('one-viewer')).toEqual(['one'])
  })

  test('makes webhooks, where they lead nowhere within', async () => {
    const events = [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }]
    const make = (url: string) =>
      call(adminKey, 'POST', 'mlflow/webhooks', { name: 'ci', url, events, secret: 's3cret' })
    expect((await make('https://169.254.169.254/')).json.error_code).toBe('INVALID_PARAMETER_VALUE')
    const { status, json } = await make('http://127.0.0.1:1/')
    expect(status).toBe(200)
    expect(JSON.stringify(json)).not.toContain('s3cret')
    const all = await call(adminKey, 'GET', 'mlflow/webhooks')
    expect(all.json.webhooks).toMatchObject([{ name: 'ci', status: 'ACTIVE', events }])
    const audit = JSON.stringify(await opened.registry.audit({ limit: 10 }))
    expect(audit).toContain('webhook.created')
    expect(audit).not.toContain('s3cret')
  })
})

test('without the need of a key, who a client says it is stands in the audit', async () => {
  const free = await listen(opened, { port: 0 })
  const create = (name: string, user: string | null) =>
    fetch(`${free.url}/api/2.0/mlflow/registered-models/create`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(user === null ? {} : { authorization: `Basic ${Buffer.from(`${user}:x`).toString('base64')}` }),
      },
      body: JSON.stringify({ name }),
    })
  expect((await create('three', 'bob')).status).toBe(200)
  expect((await create('four', null)).status).toBe(200)
  const [newest, before] = await opened.registry.audit({ limit: 2 })
  expect([before!.actor, newest!.actor]).toEqual(['mlflow:bob', 'mlflow:unknown'])
  await free.close()
})
