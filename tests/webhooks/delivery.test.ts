/** What changed reaches its receivers: in order, signed, at least once, whatever they and the sender go through. */
import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { webhookSender } from '../../src/adapters/http/webhook-sender.ts'
import { newSecret, pauseAfterAttempt, webhookDelivery, webhooksOf } from '../../src/registry/index.ts'
import type { Outbox } from './outbox.ts'
import { outbox, webhook } from './outbox.ts'
import type { Receiver } from './receiver.ts'
import { receiver } from './receiver.ts'

let clock: number
let store: Outbox
let here: Receiver
const gaveUp: string[] = []
const senders: ReturnType<typeof webhookSender>[] = []
const sender = () => {
  const one = webhookSender({ allowPrivate: false, allowLoopback: true, timeoutMs: 400 })
  senders.push(one)
  return one
}
const server = () =>
  webhookDelivery({
    store,
    sender: sender(),
    now: () => clock,
    gaveUp: ({ webhook: { name } }, error) => gaveUp.push(`${name}: ${error}`),
  })

/** Sends all that is due, and waits for it. */
const all = async (one = server()): Promise<void> => {
  await one.turn()
  await one.idle()
}

beforeEach(async () => {
  clock = Date.now()
  store = outbox(() => clock)
  here = await receiver()
  gaveUp.length = 0
})
afterEach(async () => {
  for (const one of senders.splice(0)) one.close()
  await here.close()
})

const versions = () => here.received.map(({ json }) => json.version)
const states = () => store.all.map(({ state }) => state)

test('each change is told once, in order, and signed as Standard Webhooks says', async () => {
  const secret = newSecret()
  store.hooks.push(webhook(here.url, { secret }))
  for (let version = 1; version <= 50; version++)
    store.change('stage.changed', { version, environment: 'default', reason: 'better', details: { to: 'production' } })
  const one = server()
  await Promise.all([all(one), all(one), all()])
  expect(versions()).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
  expect(new Set(states())).toEqual(new Set(['delivered']))
  for (const { headers, text, json } of here.received) {
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    expect(signature).toBe(`v1,${createHmac('sha256', key).update(`${id}.${at}.${text}`).digest('base64')}`)
    expect(Math.abs(Number(at) * 1_000 - Date.now())).toBeLessThan(60_000)
    expect(json).toMatchObject({ type: 'stage.changed', actor: 'key:ana', model: 'late', reason: 'better' })
    expect(json.details).toEqual({ to: 'production' })
    expect(text).not.toContain(secret)
  }
  expect(new Set(here.received.map(({ headers }) => headers['webhook-id'])).size).toBe(50)
})

test('only those are told who want to know', async () => {
  store.hooks.push(
    webhook(here.url, { name: 'versions', events: ['version.*'], models: ['late'] }),
    webhook(here.url, { name: 'nobody', active: false }),
    webhook(here.url, { name: 'keys', events: ['key.revoked'] }),
  )
  store.change('version.registered')
  store.change('version.registered', { model: 'eta' })
  store.change('model.created')
  store.change('key.revoked', { model: null, version: null })
  await all()
  expect(here.received.map(({ json }) => [json.type, json.model])).toEqual(
    expect.arrayContaining([
      ['version.registered', 'late'],
      ['key.revoked', null],
    ]),
  )
  expect(here.received.length).toBe(2)
})

test('one that fails is tried again, later and later, and what comes after it waits', async () => {
  store.hooks.push(webhook(here.url))
  store.change('model.created', { version: 1 })
  store.change('model.updated', { version: 2 })
  here.reply = 500
  const one = server()
  await all(one)
  await all(one)
  expect(versions()).toEqual([1])
  expect(store.all[0]).toMatchObject({ state: 'waiting', attempts: 1, error: 'The receiver answered with 500.' })
  clock += 5_000
  await all(one)
  expect(versions()).toEqual([1, 1])
  clock += 29_000
  await all(one)
  expect(versions()).toEqual([1, 1])
  here.reply = 204
  clock += 1_000
  await all(one)
  expect(versions()).toEqual([1, 1, 1, 2])
  const ids = here.received.map(({ headers }) => headers['webhook-id'])
  expect(new Set(ids.slice(0, 3)).size).toBe(1)
  expect(new Set(here.received.slice(0, 3).map(({ text }) => text)).size).toBe(1)
  expect(states()).toEqual(['delivered', 'delivered'])
})

test('the pauses grow to an hour, for three days; then it is given up, and can be asked for again', async () => {
  let [age, attempts] = [0, 0]
  for (;;) {
    const pause = pauseAfterAttempt(++attempts, age)
    if (pause === null) break
    expect(pause).toBeLessThanOrEqual(3_600_000)
    age += pause
  }
  expect(age).toBeGreaterThan(3 * 86_400_000)
  expect(age).toBeLessThan(3 * 86_400_000 + 2 * 3_600_000)

  const hook = webhook(here.url)
  store.hooks.push(hook)
  store.change('model.created')
  here.reply = 503
  const one = server()
  for (let i = 0; i < attempts; i++) {
    await all(one)
    clock += 3_600_000
  }
  expect(states()).toEqual(['given up'])
  expect(gaveUp).toEqual(['ci: The receiver answered with 503.'])
  const [before] = here.received.splice(0)
  here.reply = 200
  const managed = webhooksOf({ store, sender: sender(), now: () => clock })
  await managed.resendDelivery(hook.id, store.all[0]!.id)
  await all(one)
  expect(states()).toEqual(['delivered'])
  expect(here.received[0]!.headers['webhook-id']).toBe(before!.headers['webhook-id'])
  await expect(managed.resendDelivery(hook.id, 77)).rejects.toMatchObject({ code: 'SX_UNKNOWN_WEBHOOK' })
})

test('a receiver that asks for patience is given it', async () => {
  store.hooks.push(webhook(here.url))
  store.change('model.created')
  here.reply = (response) => response.writeHead(429, { 'retry-after': '120' }).end()
  await all()
  expect(store.all[0]!.nextAt).toBe(clock + 120_000)
})

test('a receiver that is slow or away keeps no other waiting', async () => {
  const slow = await receiver()
  slow.reply = () => {}
  store.hooks.push(
    webhook(slow.url, { name: 'slow' }),
    webhook('http://127.0.0.1:1/', { name: 'away' }),
    webhook(here.url),
  )
  for (let version = 1; version <= 20; version++) store.change('model.updated', { version })
  const one = server()
  const began = performance.now()
  await one.turn()
  expect(performance.now() - began).toBeLessThan(200)
  await here.until(20, 350)
  await one.idle()
  expect(versions().length).toBe(20)
  expect(slow.received.length).toBe(1)
  await slow.close()
})

test('a server that dies before it settles has sent it, and another sends it again with the same id', async () => {
  store.hooks.push(webhook(here.url))
  store.change('model.created')
  const settle = store.settleDelivery
  store.settleDelivery = () => Promise.reject(new Error('killed'))
  await expect(all()).rejects.toThrow('killed')
  store.settleDelivery = settle
  await all()
  expect(here.received.length).toBe(1)
  clock += 31_000
  await all()
  expect(here.received.length).toBe(2)
  expect(here.received[1]!.headers['webhook-id']).toBe(here.received[0]!.headers['webhook-id'])
  expect(states()).toEqual(['delivered'])
})

test('a server that ends does not wait for receivers, nor count what it broke off', async () => {
  here.reply = () => {}
  store.hooks.push(webhook(here.url))
  store.change('model.created')
  const own = webhookSender({ allowPrivate: false, allowLoopback: true, timeoutMs: 60_000 })
  const one = webhookDelivery({ store, sender: own, now: () => clock, gaveUp: () => {} })
  void one.turn()
  await here.until(1)
  const began = performance.now()
  await one.close()
  expect(performance.now() - began).toBeLessThan(4_000)
  expect(store.all[0]).toMatchObject({ state: 'waiting', attempts: 0 })
})

test("MLflow's own form: its names, its headers, its signature", async () => {
  const events = [
    'registered_model.created',
    'model_version.created',
    'model_version_alias.created',
    'prompt_alias.created',
  ]
  store.hooks.push(webhook(here.url, { form: 'mlflow', secret: 's3cret', events }))
  store.models.set('greeting', {
    ...{ name: 'greeting', description: null, tags: { 'mlflow.prompt.is_prompt': 'true' }, aliases: {} },
    ...{ createdAt: 0, updatedAt: 0 },
  })
  store.change('model.created', { version: null, details: { tags: { a: 'b' }, description: 'fine' } })
  store.change('version.registered', {
    details: { source: 'models:/m-1', run: 'r1', tags: {}, description: null },
  })
  store.change('alias.set', { details: { alias: 'champion' } })
  store.change('alias.set', { model: 'greeting', details: { alias: 'best' } })
  // What nobody of MLflow knows, and a prompt's event that nobody asked for.
  store.change('stage.changed')
  store.change('model.created', {
    ...{ model: 'greeting', version: null },
    details: { tags: { 'mlflow.prompt.is_prompt': 'true' }, description: null },
  })
  await all()
  expect(here.received.map(({ json: { entity, action, data } }) => [entity, action, data])).toEqual([
    ['registered_model', 'created', { name: 'late', tags: { a: 'b' }, description: 'fine' }],
    [
      ...['model_version', 'created'],
      { name: 'late', version: '3', source: 'models:/m-1', run_id: 'r1', tags: {}, description: null },
    ],
    ['model_version_alias', 'created', { name: 'late', alias: 'champion', version: '3' }],
    ['prompt_alias', 'created', { name: 'greeting', alias: 'best', version: '3' }],
  ])
  const { headers, text } = here.received[0]!
  const signed = `${headers['x-mlflow-delivery-id']}.${headers['x-mlflow-timestamp']}.${text}`
  expect(headers['x-mlflow-signature']).toBe(`v1,${createHmac('sha256', 's3cret').update(signed).digest('base64')}`)
  expect(states().every((state) => state === 'delivered')).toBe(true)
})

test('a webhook is tried, and its secret never shown', async () => {
  const secret = newSecret()
  const hook = webhook(here.url, { secret })
  store.hooks.push(hook, webhook(here.url, { id: 'm', form: 'mlflow', events: ['model_version_tag.set'] }))
  const managed = webhooksOf({ store, sender: sender(), now: () => clock })
  expect(await managed.testWebhook(hook.id, null)).toEqual({ ok: true, status: 200, text: 'noted', error: null })
  expect(here.received[0]!.json.type).toBe('webhook.test')
  here.reply = 500
  expect(await managed.testWebhook('m', null)).toMatchObject({ ok: false, status: 500 })
  expect(here.received[1]!.json).toMatchObject({
    ...{ entity: 'model_version_tag', action: 'set' },
    data: { name: 'example_model', version: '1', key: 'example_key', value: 'example_value' },
  })
  store.change('model.created')
  expect(JSON.stringify([await managed.webhooks(), await managed.webhookDeliveries(hook.id, 10)])).not.toContain(secret)
  await expect(managed.testWebhook('nope', null)).rejects.toMatchObject({ code: 'SX_UNKNOWN_WEBHOOK' })
})

const created = (more: object) => {
  const { createdAt: _, updatedAt: __, ...one } = webhook(here.url)
  return { kind: 'webhook.created' as const, webhook: { ...one, ...more } }
}
test.each([
  [{ events: [] }, 'events'],
  [{ events: ['model.create'] }, "'model.created'"],
  [{ events: ['registered_model.created'] }, 'no event'],
  [{ form: 'mlflow', events: ['model.created'] }, 'no event'],
  [{ name: ' ' }, 'name'],
  [{ secret: 'hunter2' }, 'whsec_'],
  [{ url: 'http://10.0.0.1/' }, '10.0.0.1'],
])('a webhook with %j is refused', async (more, named) => {
  const managed = webhooksOf({ store, sender: sender(), now: () => clock })
  const error = await managed.checked(created(more)).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'SX_WEBHOOK_INVALID' })
  const { message, fix } = error as { message: string; fix: string }
  expect(`${message} ${fix}`).toContain(named)
  expect(message).not.toContain('hunter2')
})

test('an update without a secret keeps the one there is', async () => {
  const hook = webhook(here.url, { secret: newSecret() })
  store.hooks.push(hook)
  const managed = webhooksOf({ store, sender: sender(), now: () => clock })
  const change = { kind: 'webhook.updated' as const, webhook: { ...created({}).webhook, id: hook.id, name: 'new' } }
  expect((await managed.checked(change)).webhook).toMatchObject({ name: 'new', secret: hook.secret })
  await expect(managed.checked({ ...change, webhook: { ...change.webhook, id: 'x' } })).rejects.toMatchObject({
    code: 'SX_UNKNOWN_WEBHOOK',
  })
})
