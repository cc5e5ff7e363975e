/** A server keeps the schedules of its project: what is due is published by a process of its own, once, and lineage is told of it. */
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunDetail } from '../../src/batch/index.ts'
import type { LineageEvent } from '../../src/batch/lineage.ts'
import type { BatchRun } from '../../src/ports/batch-store.ts'
import type { BatchProject } from './batch-project.ts'
import { batchProject } from './batch-project.ts'

let project: BatchProject
let receiver: Server
const told: LineageEvent[] = []

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      told.push(JSON.parse(body) as LineageEvent)
      response.writeHead(201).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const { port } = receiver.address() as AddressInfo
  // Once a year: what is due is the last, and nothing else while this runs.
  project = await batchProject('0 0 1 1 *')
  await project.write(
    'sixfold.config.ts',
    `export default { platform: './platform.ts', server: { port: 0, grpcPort: null }, openlineage: { url: 'http://127.0.0.1:${port}' } }`,
  )
}, 60_000)
afterAll(async () => {
  await project?.dispose()
  receiver?.close()
})

const runs = async (): Promise<readonly BatchRun[]> =>
  (await project.told<{ runs: BatchRun[] }>('batch', 'list', 'nightly')).answer.runs

test('what is due is published once, however often a server starts', { timeout: 90_000 }, async () => {
  const server = project.start('serve')
  const [, url] = await server.says(/Sixfold is at (\S+)/)
  const began = performance.now()
  while ((await runs())[0]?.state !== 'published' && performance.now() - began < 60_000) await pause(500)
  const [first, ...others] = await runs()
  expect(others).toEqual([])
  expect(first).toMatchObject({ version: 1, state: 'published', reason: 'schedule', actor: 'schedule' })
  expect(new Date(first!.at).toISOString()).toMatch(/-12-31T23:00:00.000Z$/)
  expect(first!.occasion).toBe(`schedule ${new Date(first!.at).toISOString()}`)
  const { answer } = await project.told<RunDetail>('batch', 'show', 'nightly', 'live')
  expect(answer.run.id).toBe(first!.id)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toContain('sixfold_batch_live_version{batch="nightly"} 1')
  expect(metrics).toContain('sixfold_batch_latest_run{batch="nightly",state="published"} 1')
  expect(metrics).toMatch(/sixfold_batch_next_due_timestamp_seconds\{batch="nightly"\} 1\d{9}/)
  const status = (await project.run('status', '--url', url!)).out
  expect(status).toMatch(/nightly\s+version 1\s+\S+\s+1: published\s+\S+-12-31T23:00:00.000Z/)
  expect((await server.end()).code).toBe(0)
  expect(told.map(({ eventType }) => eventType)).toEqual(['START', 'COMPLETE'])

  const again = project.start('serve')
  await again.says(/keeps the schedules/)
  await pause(2_500)
  expect(await runs()).toHaveLength(1)
  await again.end()
})

test('a server that is told not to keeps none', { timeout: 60_000 }, async () => {
  await project.write(
    'sixfold.config.ts',
    `export default { platform: './platform.ts', server: { port: 0, grpcPort: null }, batch: { schedule: false } }`,
  )
  const server = project.start('serve')
  await server.says(/Sixfold is at/)
  await pause(2_500)
  expect(server.said()).not.toContain('keeps the schedules')
  await server.end()
})

test('a server is asked to run, to hold, to release and to resume', { timeout: 120_000 }, async () => {
  await project.write(
    'sixfold.config.ts',
    "export default { platform: './platform.ts', server: { port: 0, grpcPort: null } }",
  )
  const server = project.start('serve')
  const [, url] = await server.says(/Sixfold is at (\S+)/)
  const post = async (path: string, body: object, headers: { readonly [name: string]: string } = {}) => {
    const response = await fetch(`${url}/v1/batches/nightly${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as { [name: string]: unknown } }
  }
  const is = async (version: number, state: string): Promise<BatchRun> => {
    const began = performance.now()
    for (;;) {
      const found = (await runs()).find((run) => run.version === version)
      if (found?.state === state) return found
      if (performance.now() - began > 40_000) throw new Error(`${version} is ${found?.state}, not ${state}`)
      await pause(300)
    }
  }
  const held = await post('/hold', { reason: 'the feed is being looked at' })
  expect(held).toMatchObject({ status: 200, body: { hold: { reason: 'the feed is being looked at' } } })
  expect((await project.run('batch', 'list')).out).toMatch(/nightly +idle +version 1, held/)
  // Who keeps the schedules is known within a turn of theirs.
  let asked = await post('/runs', {}, { 'idempotency-key': 'tonight' })
  for (let i = 0; i < 20 && asked.status === 409; i++) {
    await pause(300)
    asked = await post('/runs', {}, { 'idempotency-key': 'tonight' })
  }
  expect(asked).toMatchObject({ status: 202, body: { batch: 'nightly', version: 2 } })
  expect((await post('/runs', {}, { 'idempotency-key': 'tonight' })).body['version']).toBe(2)
  expect(await is(2, 'passed')).toMatchObject({ reason: 'request' })
  await pause(3_000)
  expect((await is(2, 'passed')).publishedAt).toBeNull()
  expect((await post('/release', { reason: 'it is well' })).body['hold']).toBeNull()
  const released = performance.now()
  await is(2, 'published')
  expect(performance.now() - released).toBeLessThan(15_000)
  expect(await post('/release', {})).toMatchObject({ status: 409, body: { code: 'SX_BATCH_STATE' } })
  expect(await post('/runs/2/resume', {})).toMatchObject({ status: 409, body: { code: 'SX_BATCH_STATE' } })
  expect(await post('/runs', { at: 'tomorrow' })).toMatchObject({ status: 400, body: { code: 'SX_REQUEST_INVALID' } })
  expect(await post('/runs', { at: '2199-01-01T00:00:00Z' })).toMatchObject({ status: 400 })

  // Begun by hand, given up, and gone on with by the server.
  const planned = await project.told<{ run: string; version: number }>('batch', 'plan', 'nightly')
  expect((await project.run('batch', 'cancel', planned.answer.run)).code).toBe(0)
  expect(await post('/runs/3/resume', {})).toMatchObject({ status: 202, body: { version: 3, state: 'scoring' } })
  await is(3, 'published')
  expect((await server.end()).code).toBe(0)
})
