/** A server that is told to end: what is under way is answered, nothing new is taken, and it does end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { open } from '../../src/runtime/open.ts'
import { httpServer } from '../../src/server/index.ts'
import { exchange, lastAnswer, requestText } from './raw.ts'
import { couriers, expectProblem, question, service } from './service.ts'

const root = join(import.meta.dirname, '../..')

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

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
  while (!(await begun())) await pause(1)
  const began = performance.now()
  const closing = server.close()
  expect((await pushed).json).toMatchObject({ accepted: 5_000 })
  await closing
  expect(performance.now() - began).toBeLessThan(3_000)
  agent.destroy()
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow()
})

test('while it ends it is not ready, and takes nothing new', async () => {
  const data = await mkdtemp(join(tmpdir(), 'sixfold-closing-'))
  const opened = await open(couriers, { data })
  let go = (): void => {}
  const held = new Promise<void>((resolve) => {
    go = resolve
  })
  const server = httpServer({
    services: { ...opened, predict: (model, asked) => held.then(() => opened.predict(model, asked)) },
    console: null,
    logger: opened.logger,
  })
  const { url } = await server.listen(0, '127.0.0.1')
  const post = (path: string, body: object): Promise<Response> =>
    fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const asked = post('/v1/models/eta/predict', question)
  await pause(50)
  const closing = server.close()
  const ready = await fetch(`${url}/readyz`)
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'stopping' }])
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  for (const path of ['/v1/models/eta/predict', '/v1/events/deliveries', '/v1/outcomes', '/v1/views/pace/read']) {
    const refused = await post(path, question)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.json()).toMatchObject({ code: 'SX_STOPPING', retry: true })
  }
  go()
  expect(await (await asked).json()).toMatchObject({ prediction: { minutes: 30 } })
  await closing
  await expect(fetch(`${url}/readyz`)).rejects.toThrow()
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
  while (!(await begun())) await pause(1)
  child.kill('SIGTERM')
  expect(await (await pushed).json()).toMatchObject({ accepted: 10_000 })
  expect((await exited)[0]).toBe(0)
  await rm(data, { recursive: true, force: true })
})
