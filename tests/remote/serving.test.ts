/** A model on another server behind a platform's own: added, validated, put in production, and answering; its fallback while it does not. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { remoteFile } from '../../src/adapters/remote/describe.ts'
import { remoteText } from '../../src/adapters/remote/remote-file.ts'
import type { Answer, Service } from '../http/service.ts'
import { deliver, service } from '../http/service.ts'
import type { FaultProxy } from '../services/index.ts'
import { faultProxy } from '../services/index.ts'
import type { LinearServer } from './server.ts'
import { linearServer, rightly } from './server.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

let server: LinearServer
let proxy: FaultProxy
let on: Service
let folder: string
beforeAll(async () => {
  server = await linearServer()
  proxy = await faultProxy(server.port)
  folder = await mkdtemp(join(tmpdir(), 'sixfold-remote-'))
  const url = `http://127.0.0.1:${proxy.port}`
  on = await service({ remotes: [url] })
  await deliver(on)
  const path = join(folder, 'remote.json')
  await writeFile(
    path,
    remoteText(await remoteFile({ url: `v2+${url}/models/linear`, inputs: [], outputs: [] }, [url])),
  )
  // Its latency is measured, and this machine may do something else just then: what was added goes on from there.
  expect(await vi.waitFor(() => on.app.addModel('eta', path), { timeout: 60_000 })).toEqual({ version: '1' })
})
afterAll(async () => {
  await on.close()
  await proxy.close()
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const ask = (km: number, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  on.post('/v1/models/eta/predict', { keys: { courier: 'ann' }, request: { km } }, headers)
/** Where it is not about time, but about what is answered. */
const patient = { 'x-request-timeout-ms': '10000' }
/** Ann's mean of a day is 20 minutes. */
const right = (km: number): number => 20 + 2 * km + 0.5
const fallback = 20
/** Not asked before: what was answered once may be given again where the model does not answer. */
let fresh = 1_000
const askNew = (): Promise<Answer> => ask(fresh++)

test('it answers, and calls at once get their own', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(i, patient)))
  for (const [i, { status, json }] of answers.entries()) {
    expect(status).toBe(200)
    expect(json).toMatchObject({ prediction: { minutes: right(i) }, version: '1', degraded: [] })
  }
})

test('one that hangs costs its caller no more than the budget, and the fallback answers', async () => {
  server.answering = () => {}
  const began = performance.now()
  const { status, json } = await askNew()
  expect(status).toBe(200)
  expect(json.prediction).toEqual({ minutes: fallback })
  expect(json.degraded).toMatchObject([{ stage: 'inference' }])
  expect(performance.now() - began).toBeLessThan(150)
  server.answering = rightly
})

test('away, the fallback answers at once; back, it answers again', async () => {
  proxy.reset()
  await expect.poll(async () => (await askNew()).json.degraded.length, { timeout: 10_000 }).toBe(1)
  for (let i = 0; i < 30; i++) expect((await askNew()).json.prediction).toEqual({ minutes: fallback })
  const began = performance.now()
  for (let i = 0; i < 20; i++) expect((await askNew()).status).toBe(200)
  expect((performance.now() - began) / 20).toBeLessThan(20)
  proxy.heal()
  await expect.poll(async () => (await ask(2, patient)).json.degraded, { timeout: 20_000, interval: 100 }).toEqual([])
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i, patient)))
  for (const [i, { json }] of answers.entries()) expect(json.prediction).toEqual({ minutes: right(i) })
})

test('the metrics say how its server stands', async () => {
  const url = `http://127.0.0.1:${proxy.port}`
  const samples = async (): Promise<ReadonlyMap<string, number>> => {
    const lines = (await on.get('/metrics')).text.split('\n').filter((line) => line.startsWith('sixfold_remote_'))
    return new Map(
      lines.map((line) => {
        const [, name, labels, value] = /^(\w+)\{([^}]*)\} (\S+)$/.exec(line)!
        expect(labels).toContain(`model="eta",version="1",url="${url}"`)
        return [name! + (/,first="\w+"/.exec(labels!)?.[0] ?? ''), Number(value)]
      }),
    )
  }
  const before = await samples()
  expect(before.get('sixfold_remote_breaker_open')).toBe(0)
  expect(before.get('sixfold_remote_calls_total')).toBeGreaterThan(20)
  expect(before.get('sixfold_remote_failures_total')).toBeGreaterThan(4)
  expect(before.get('sixfold_remote_p95_seconds')).toBeGreaterThan(0)
  server.answering = (_, __, response) => void response.writeHead(500).end()
  await expect
    .poll(
      async () => {
        await askNew()
        return (await samples()).get('sixfold_remote_breaker_open')
      },
      { timeout: 10_000, interval: 50 },
    )
    .toBe(1)
  server.answering = rightly
})
