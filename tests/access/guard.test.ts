/** What stands before the routes: keys and what they may, strange names, and pages that trick a browser into asking. */
import { mkdtemp, rm } from 'node:fs/promises'
import { request as ask } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KeyRing, WantedKey } from '../../src/access/index.ts'
import { keyRing, keysOf } from '../../src/access/index.ts'
import { connect } from '../../src/client/index.ts'
import { listen } from '../../src/runtime/listen.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { couriers, minutesAgo, question } from '../http/service.ts'
import { keyStore } from './key-store.ts'

const adminKey = 'an-admin-key-of-thirty-two-signs'
const logged: string[] = []
let folder: string
let opened: Opened
const store = keyStore()
let ring: KeyRing
let closed: { readonly url: string; readonly port: number; close(): Promise<void> }
let open_: typeof closed
const keys: { [name: string]: string } = {}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sixfold-access-'))
  const logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) })
  opened = await open(couriers, { data: folder, logger })
  ring = keyRing({ store, now: Date.now, adminKey })
  const describe = (): never => {
    throw new Error('out of order')
  }
  const own = { ...opened, keys: ring, describe }
  closed = await listen(own, { port: 0, access: 'keys' })
  open_ = await listen(own, { port: 0, hosts: ['sixfold.example'] })
  const { createKey } = keysOf({ store, now: Date.now, changed: () => ring.refresh() })
  const make = async (name: string, role: WantedKey['role'], models: readonly string[] = []): Promise<void> => {
    keys[name] = (await createKey({ name, role, models, expiresAt: null }, { actor: 'local:ana', reason: null })).key
  }
  await make('viewer', 'viewer')
  await make('editor', 'editor')
  await make('approver', 'approver')
  await make('admin', 'admin')
  await make('late-viewer', 'viewer', ['late'])
  await make('late-editor', 'editor', ['late'])
})
afterAll(async () => {
  await closed.close()
  await open_.close()
  await opened.close()
  await rm(folder, { recursive: true, force: true })
})

interface Answered {
  readonly status: number
  readonly headers: { readonly [name: string]: string | string[] | undefined }
  // biome-ignore lint/suspicious/noExplicitAny: for the test to say
  readonly json: any
}
/** By node:http, which lets a test say any header. */
function send(
  port: number,
  method: string,
  path: string,
  headers: { readonly [name: string]: string } = {},
  body?: object,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = ask({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { 'content-type': 'application/json', ...headers },
    })
    sent.on('error', reject)
    sent.on('response', (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () => {
        const json = (answer.headers['content-type'] ?? '').includes('json') && text !== '' ? JSON.parse(text) : null
        resolve({ status: answer.statusCode!, headers: answer.headers, json })
      })
    })
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
const bearer = (key: string | undefined) => ({ authorization: `Bearer ${key}` })

describe('where keys are needed', () => {
  test.each(['/healthz', '/readyz'])('%s is for everybody', async (path) => {
    expect((await send(closed.port, 'GET', path)).status).toBe(200)
  })

  test.each([
    ['GET', '/v1/status'],
    ['GET', '/v1/platform'],
    ['GET', '/metrics'],
    ['HEAD', '/metrics'],
    ['GET', '/v1/predictions/late.1.00000000'],
    ['POST', '/v1/models/late/predict'],
    ['POST', '/v1/views/pace/read'],
    ['POST', '/v1/events/deliveries'],
    ['POST', '/v1/outcomes'],
    ['POST', '/v1/clock'],
  ])('%s %s is not', async (method, path) => {
    for (const headers of [{}, bearer('nonsense'), bearer(`${keys['admin']}x`)]) {
      const { status, headers: answered, json } = await send(closed.port, method, path, headers)
      expect(status).toBe(401)
      expect(answered['www-authenticate']).toBe('Bearer realm="sixfold"')
      if (method !== 'HEAD') expect(json.code).toBe('SX_UNAUTHENTICATED')
    }
  })

  const late = { ...question }
  const push = { events: [{ order: 'x', courier: 'ann', minutes: 1, delivered: minutesAgo(1) }] }
  const outcome = (model: string) => ({
    id: `${model}.1.00000000`,
    outcome: model === 'late' ? { late: true } : { minutes: 1 },
  })
  test.each([
    ['viewer', 'POST', '/v1/models/late/predict', late, 200],
    ['viewer', 'POST', '/v1/views/pace/read', { keys: { courier: 'ann' } }, 200],
    ['viewer', 'GET', '/v1/status', undefined, 200],
    ['viewer', 'GET', '/metrics', undefined, 200],
    ['viewer', 'POST', '/v1/events/deliveries', push, 403, 'editor'],
    ['viewer', 'POST', '/v1/outcomes', outcome('late'), 403, 'editor'],
    ['editor', 'POST', '/v1/events/deliveries', push, 200],
    ['editor', 'POST', '/v1/outcomes', outcome('late'), 404],
    ['approver', 'POST', '/v1/clock', { now: '2030-01-01T00:00:00Z' }, 403, 'admin'],
    ['admin', 'POST', '/v1/clock', { now: '2030-01-01T00:00:00Z' }, 404],
    ['late-viewer', 'POST', '/v1/models/late/predict', late, 200],
    ['late-viewer', 'POST', '/v1/models/eta/predict', late, 403, 'eta'],
    ['late-viewer', 'POST', '/v1/views/pace/read', { keys: { courier: 'ann' } }, 403, 'late'],
    ['late-viewer', 'GET', '/v1/predictions/eta.1.00000000', undefined, 403, 'eta'],
    ['late-viewer', 'GET', '/v1/predictions/late.1.00000000', undefined, 404],
    ['late-viewer', 'GET', '/metrics', undefined, 403, 'all models'],
    ['late-editor', 'POST', '/v1/events/deliveries', push, 403, 'all models'],
    ['late-editor', 'POST', '/v1/outcomes', outcome('late'), 404],
    ['late-editor', 'POST', '/v1/outcomes', outcome('eta'), 403, 'eta'],
    ['late-editor', 'POST', '/v1/outcomes', { outcomes: [outcome('late'), outcome('eta')] }, 403, 'eta'],
  ] as const)('%s: %s %s %j is %i', async (name, method, path, body, status, named?: string) => {
    const answer = await send(closed.port, method, path, bearer(keys[name]), body)
    expect(answer.status).toBe(status)
    if (status === 403) {
      expect(answer.json.code).toBe('SX_FORBIDDEN')
      expect(`${answer.json.detail} ${answer.json.fix}`).toContain(named ?? 'nothing')
    }
  })

  test('of other models a confined key sees nothing in the status', async () => {
    const all = await send(closed.port, 'GET', '/v1/status', bearer(keys['viewer']))
    const some = await send(closed.port, 'GET', '/v1/status', bearer(keys['late-viewer']))
    const names = ({ json }: Answered) => json.models.map(({ model }: { model: string }) => model).sort()
    expect(names(all)).toEqual(['eta', 'late', 'vehicle'])
    expect(names(some)).toEqual(['late'])
    expect(JSON.stringify(some.json.topics)).not.toContain('predictions.eta')
  })

  test('the client sends the key it is given', async () => {
    const client = connect<typeof couriers>(closed.url, { key: keys['viewer']! })
    expect((await client.late.predict({ courier: 'ann' }, { km: 2 })).record.id).toBeTypeOf('string')
    const without = connect<typeof couriers>(closed.url)
    await expect(without.late.predict({ courier: 'ann' }, { km: 2 })).rejects.toMatchObject({
      code: 'SX_UNAUTHENTICATED',
    })
  })

  test('a body that nobody may send is not taken in', async () => {
    const long = { ...bearer('nonsense'), 'content-length': String(2 ** 40) }
    const answer = await new Promise<number>((resolve, reject) => {
      const sent = ask({ host: '127.0.0.1', port: closed.port, method: 'POST', path: '/v1/outcomes', headers: long })
      sent.on('response', (response) => resolve(response.statusCode!))
      sent.on('error', reject)
      sent.write('x')
    })
    expect(answer).toBe(401)
  })

  test('whoever tries a thousand keys slows nobody', async () => {
    const predict = async (): Promise<number> => {
      const began = performance.now()
      await send(closed.port, 'POST', '/v1/models/late/predict', bearer(keys['viewer']), late)
      return performance.now() - began
    }
    const median = (all: number[]): number => all.sort((a, b) => a - b)[all.length >> 1]!
    for (let i = 0; i < 20; i++) await predict()
    const alone = median(await several(50, predict))
    const guesses = several(1_000, (i) =>
      send(closed.port, 'GET', '/v1/status', bearer(`sxk_${String(i).padStart(10, '0')}_${'g'.repeat(43)}`)),
    )
    const beside = median(await several(50, predict))
    expect((await guesses).every(({ status }) => status === 401)).toBe(true)
    expect(beside).toBeLessThan(alone * 20 + 50)
  })

  test('a page elsewhere is refused, also with a key that a browser added', async () => {
    const headers = { ...bearer(keys['admin']), origin: 'https://evil.example' }
    expect((await send(closed.port, 'POST', '/v1/models/late/predict', headers, late)).json.code).toBe(
      'SX_ORIGIN_REFUSED',
    )
  })
})

async function several<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (let i = 0; i < count; i++) all.push(await work(i))
  return all
}

describe('without keys, on this machine', () => {
  const predict = (headers: { readonly [name: string]: string }) =>
    send(open_.port, 'POST', '/v1/models/late/predict', headers, question)
  const own = () => `127.0.0.1:${open_.port}`

  test.each([
    {},
    { host: 'localhost' },
    { host: 'localhost:9999' },
    { host: '[::1]:6006' },
    { host: 'sixfold.localhost' },
    { host: 'SIXFOLD.example:443' },
    { 'sec-fetch-site': 'same-origin', origin: 'https://sixfold.example' },
    { 'sec-fetch-site': 'none' },
    { 'x-forwarded-for': '127.0.0.1, ::1' },
    { 'x-forwarded-for': '203.0.113.7', host: 'sixfold.example' },
    // nginx before it, which leaves the port of its name out, or says it.
    { host: 'localhost', origin: 'http://localhost:8080' },
    { host: '127.0.0.1', 'x-forwarded-host': 'sixfold.example:8080', origin: 'http://sixfold.example:8080' },
    { authorization: 'Basic YW5hOng=' },
  ])('%j is answered', async (headers) => {
    expect((await predict(headers as { readonly [name: string]: string })).status).toBe(200)
  })
  test('and so is its own page', async () => {
    expect((await predict({ origin: `http://${own()}` })).status).toBe(200)
  })

  test.each([
    { host: 'evil.example' },
    { host: 'evil.example:6006', origin: 'http://evil.example:6006', 'sec-fetch-site': 'same-origin' },
    { host: '127.0.0.1.evil.example' },
    { host: 'localhost.evil.example' },
    { host: '0.0.0.0:6006' },
    { host: '10.0.0.1' },
    // A proxy on this machine that has a name for the server as this machine knows it.
    { 'x-forwarded-for': '203.0.113.7' },
    { 'x-forwarded-for': '127.0.0.1, 203.0.113.7' },
    { 'x-forwarded-for': 'unknown' },
    { origin: 'null' },
    { origin: 'https://evil.example' },
    { origin: 'http://localhost:3000' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example', host: 'localhost' },
  ])('%j is refused', async (headers) => {
    const { status, json } = await predict(headers as unknown as { readonly [name: string]: string })
    expect([status, json.code]).toEqual([403, 'SX_ORIGIN_REFUSED'])
  })

  test('a strange name reads nothing either; whether the process is well anybody may ask', async () => {
    for (const path of ['/v1/status', '/v1/platform', '/metrics'])
      expect((await send(open_.port, 'GET', path, { host: 'evil.example' })).status).toBe(403)
    expect((await send(open_.port, 'GET', '/healthz', { host: 'evil.example' })).status).toBe(200)
  })
})

test.each(['0.0.0.0', '::', '192.0.2.1', 'sixfold.example'])('%s is not listened on without a key', async (host) => {
  const none = { ...opened, keys: keyRing({ store: keyStore(), now: Date.now, adminKey: null }) }
  await expect(listen(none, { port: 0, host })).rejects.toMatchObject({ code: 'SX_KEYS_REQUIRED' })
  await expect(listen(none, { port: 0, access: 'keys' })).rejects.toMatchObject({ code: 'SX_KEYS_REQUIRED' })
})

test('on all addresses keys are needed, also by those who ask from this machine', async () => {
  const wide = await listen({ ...opened, keys: ring }, { port: 0, host: '0.0.0.0' })
  expect((await send(wide.port, 'GET', '/v1/status')).status).toBe(401)
  const admin = await send(wide.port, 'GET', '/v1/status', { ...bearer(adminKey), host: 'sixfold.internal' })
  expect(admin.status).toBe(200)
  await wide.close()
})

test('no key was ever logged', async () => {
  for (const key of Object.values(keys)) await send(closed.port, 'GET', `/v1/platform?x=1`, bearer(key))
  expect(logged.join('')).toContain('out of order')
  for (const key of [adminKey, ...Object.values(keys)]) expect(logged.join('')).not.toContain(key.slice(0, 20))
})
