/** A server tells receivers of what changes, whoever changes it; and one that is killed while it tells leaves nothing untold. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Project } from '../cli/project.ts'
import { project } from '../cli/project.ts'
import type { Receiver } from './receiver.ts'
import { receiver } from './receiver.ts'

let p: Project
let here: Receiver
beforeAll(async () => {
  p = await project()
  await p.history(10)
  expect((await p.run('apply')).code).toBe(0)
  here = await receiver()
})
afterAll(async () => {
  await p.dispose()
  await here.close()
})

const ran = async (...args: readonly string[]): Promise<string> => {
  const { code, out, err } = await p.run(...args)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return out
}
let id: string
let secret: string

test('a webhook is made, and its secret shown once', async () => {
  const made = JSON.parse(await ran('webhook', 'add', 'ci', here.url, '--event', 'key.*', '--json'))
  ;({ id, secret } = made)
  expect(secret).toMatch(/^whsec_/)
  for (const args of [
    ['webhook', 'list'],
    ['audit', 'list', '--json'],
    ['webhook', 'deliveries', id],
  ])
    expect(await ran(...args)).not.toContain(secret)
  expect(await ran('webhook', 'test', id)).toContain('200')
  expect(here.received.splice(0)[0]!.json.type).toBe('webhook.test')
  const refused = await p.run('webhook', 'add', 'metadata', 'http://169.254.169.254/latest')
  expect(refused.err).toContain('SX_WEBHOOK_INVALID')
})

test('a server tells of what other processes change, within moments', async () => {
  await ran('key', 'create', 'before', '--role', 'viewer', '--json')
  expect(here.received.length).toBe(0)
  const server = p.start('serve')
  await server.says(/Sixfold is at/)
  await here.until(1, 3_000)
  await ran('key', 'create', 'after', '--role', 'viewer', '--json')
  await here.until(2, 3_000)
  expect(here.received.map(({ json }) => [json.type, json.details.key.name])).toEqual([
    ['key.created', 'before'],
    ['key.created', 'after'],
  ])
  expect((await server.end()).code).toBe(0)
  expect(server.said()).not.toContain(secret)
})

test('killed between telling and writing down that it told, it tells again, with the same id, and nothing out of order', async () => {
  here.received.length = 0
  for (const name of ['one', 'two', 'three']) await ran('key', 'create', name, '--role', 'viewer', '--json')
  // What is told is heard, and never answered.
  here.reply = () => {}
  const first = p.start('serve')
  await here.until(1)
  await first.end('SIGKILL')
  expect(here.received.length).toBe(1)
  const [before] = here.received.splice(0)
  here.reply = 200
  const second = p.start('serve')
  await second.says(/Sixfold is at/)
  // It was taken for half a minute by the one that died.
  await here.until(3, 45_000)
  await sleep(300)
  expect(here.received.map(({ json }) => json.details.key.name)).toEqual(['one', 'two', 'three'])
  expect(here.received[0]!.headers['webhook-id']).toBe(before!.headers['webhook-id'])
  expect(here.received[0]!.text).toBe(before!.text)
  await second.end()
  const { deliveries } = JSON.parse(await ran('webhook', 'deliveries', id, '--json'))
  expect(deliveries.map(({ state }: { state: string }) => state)).toEqual(Array(5).fill('delivered'))
  await ran('webhook', 'resend', id, String(deliveries[0].id))
  await ran('webhook', 'remove', id)
  expect(await ran('webhook', 'list')).toContain('There is no webhook')
}, 120_000)
