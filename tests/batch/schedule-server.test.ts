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
