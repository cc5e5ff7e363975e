/** A server that is told to end: whoever is connected is answered, no one else is taken in, and it does end. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { open } from '../../src/runtime/open.ts'
import { httpServer } from '../../src/server/index.ts'
import { exchange, lastAnswer, requestText } from './raw.ts'
import { couriers, expectProblem, question, service } from './service.ts'

const root = join(import.meta.dirname, '../..')

test('what is under way is answered, and connections that are open do not hold it', async () => {
  const server = await service()
  const agent = new Agent({ keepAlive: true })
  // A connection that stays open, without a request on it.
  await new Promise((resolve) =>
    request(`${server.url}/healthz`, { agent }, (r) => r.resume().on('end', resolve)).end(),
  )
  const events = Array.from({ length: 5_000 }, (_, i) => ({
    order: `o${i}`,
    courier: `c${i % 100}`,
    delivered: '2024-05-01T11:00:00Z',
  }))
  const pushed = server.post('/v1/events/deliveries', { events })
  const begun = async (): Promise<boolean> => (await server.app.status()).topics.some(({ end }) => end > 0)
  while (!(await begun())) await sleep(1)
  const began = performance.now()
  const closing = server.close()
  expect((await pushed).json).toMatchObject({ accepted: 5_000 })
  await closing
  expect(performance.now() - began).toBeLessThan(3_000)
  agent.destroy()
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow()
})

/** A connection that stays open between requests. `send` with the whole of a request, or a part of it. */
async function connection(
  url: string,
): Promise<{ send(text: string): void; answer(): Promise<string>; ended: Promise<unknown> }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  return {
    send: (text) => void socket.write(text),
    answer: async () => String(((await once(socket, 'data')) as [Buffer])[0]),
    ended: once(socket, 'close'),
  }
}

test('once told to end it takes no new connections, and answers those that there are', async () => {
  const data = await mkdtemp(join(tmpdir(), 'sixfold-closing-'))
  const opened = await open(couriers, { data, limits: { drainMs: 1_500 } })
  let go = (): void => {}
  const held = new Promise<void>((resolve) => {
    go = resolve
  })
  const server = httpServer({
    services: { ...opened, predict: (model, asked) => held.then(() => opened.predict(model, asked)) },
    access: opened.keys.access(false),
    hosts: [],
    console: null,
    logger: opened.logger,
    version: 'test',
  })
  const { url } = await server.listen(0, '127.0.0.1')
  const get = 'GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const [asking, probing, pushing, resting, slow] = await Promise.all(Array.from({ length: 5 }, () => connection(url)))
  for (const one of [asking!, probing!, pushing!, resting!]) {
    one.send(get)
    expect(await one.answer()).toMatch(/^HTTP\/1.1 200 [\s\S]*connection: keep-alive/i)
  }
  const body = JSON.stringify(question)
  asking!.send(requestText('/v1/models/eta/predict', body))
  slow!.send(requestText('/v1/models/eta/predict', body).slice(0, -5))
  await sleep(50)

  const closing = server.close()
  await sleep(50)
  await expect(fetch(`${url}/readyz`)).rejects.toThrow()
  probing!.send(get)
  expect(await probing!.answer()).toMatch(/^HTTP\/1.1 503 [\s\S]*connection: close[\s\S]*"stopping"/i)
  const events = [{ order: 'o1', courier: 'ann', delivered: '2024-05-01T11:00:00Z' }]
  pushing!.send(requestText('/v1/events/deliveries', JSON.stringify({ events })))
  expect(await pushing!.answer()).toMatch(/^HTTP\/1.1 200 [\s\S]*connection: close[\s\S]*"accepted":1/i)
  await Promise.all([probing!.ended, pushing!.ended])
  const began = performance.now()
  await resting!.ended
  expect(performance.now() - began).toBeGreaterThan(500)

  // The time is over for what was not said yet; not for what is under way.
  slow!.send(body.slice(-5))
  expect(await slow!.answer()).toMatch(/^HTTP\/1.1 503 [\s\S]*retry-after: 1[\s\S]*"SX_STOPPING"/i)
  go()
  expect(await asking!.answer()).toMatch(/^HTTP\/1.1 200 [\s\S]*"minutes":30/i)
  await closing
  await opened.close()
  await rm(data, { recursive: true, force: true })
})

test('sixfold serve ends with 0 when told to, having answered what was under way', async () => {
  const data = await mkdtemp(join(tmpdir(), 'sixfold-closing-'))
  const child = spawn(
    process.execPath,
    [join(root, 'dist/runtime/bin.js'), '--project', join(root, 'drills/project'), '--json', 'serve', '--port', '0'],
    { env: { ...process.env, SIXFOLD_DATA: data }, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const exited = once(child, 'exit')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const { url } = JSON.parse(line.toString()) as { readonly url: string }
  const wrong = requestText('/v1/models/risky/predict', '{"keys":{"account":1}}', 'Connection: close\r\n')
  expectProblem(lastAnswer(await exchange(url, wrong)), 400, 'SX_REQUEST_INVALID', "model 'risky'", 'account')

  const at = new Date(Date.now() - 60_000)
  const events = Array.from({ length: 10_000 }, (_, i) => ({ id: `p${i}`, account: `a${i}`, amount: i, shop: 'x', at }))
  const pushed = fetch(`${url}/v1/events/payments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  })
  const begun = async (): Promise<boolean> => {
    const { topics } = (await (await fetch(`${url}/v1/status`)).json()) as {
      readonly topics: readonly { end: number }[]
    }
    return topics.some(({ end }) => end > 0)
  }
  while (!(await begun())) await sleep(1)
  child.kill('SIGTERM')
  expect(await (await pushed).json()).toMatchObject({ accepted: 10_000 })
  expect((await exited)[0]).toBe(0)
  await rm(data, { recursive: true, force: true })
})
