/** A model on another Sixfold: both speak Open Inference v2. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { remoteFile } from '../../src/adapters/remote/describe.ts'
import type { RemoteFile } from '../../src/adapters/remote/remote-file.ts'
import { remoteText } from '../../src/adapters/remote/remote-file.ts'
import { remoteSession } from '../../src/adapters/remote/session.ts'
import type { Service } from '../http/service.ts'
import { deliver, service } from '../http/service.ts'
import { linear } from '../models/graphs.ts'
import { rowsFrom } from './session.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let there: Service
let here: Service
let file: RemoteFile
let folder: string
beforeAll(async () => {
  there = await service()
  await there.add('eta', linear([2, 3], 1))
  file = await remoteFile({ url: `v2+${there.url}/models/eta`, inputs: [], outputs: [] }, [there.url])
  here = await service({ remotes: [there.url] })
  await deliver(here)
  folder = await mkdtemp(join(tmpdir(), 'sixfold-remote-'))
})
afterAll(async () => {
  await here?.close()
  await there?.close()
  await rm(folder, { recursive: true, force: true })
})

test('it says what it takes, and takes it as bytes', () => {
  expect(file).toMatchObject({
    ...{ protocol: 'v2', form: 'binary' },
    inputs: [{ name: 'x', type: 'float32', shape: [-1, 2] }],
    outputs: [{ name: 'score', type: 'float32', shape: [-1, 1] }],
  })
})

test('rows go there and come back', async () => {
  const session = remoteSession(file)
  for (const rows of [1, 5, 100]) {
    const { score } = await session.run(rowsFrom(1, rows), ['score'], 5_000)
    expect(Array.from(score!.data as Float32Array)).toEqual(
      Array.from({ length: rows }, (_, i) => 2 * (1 + 2 * i) + 3 * (2 + 2 * i) + 1),
    )
  }
  const wrong = { x: { type: 'float32', shape: [1, 3], data: new Float32Array(3) } }
  await expect(session.run(wrong, ['score'], 5_000)).rejects.toMatchObject({
    code: 'SX_MODEL_FAILED',
    message: expect.stringContaining('unexpected shape'),
  })
  await session.close()
})

test('a prediction here is computed there', async () => {
  const path = join(folder, 'remote.json')
  await writeFile(path, remoteText(file))
  // Its latency is measured, and this machine may do something else just then: what was added goes on from there.
  await expect.poll(() => here.app.addModel('eta', path), { timeout: 60_000 }).toEqual({ version: '1' })
  const { json } = await here.post(
    '/v1/models/eta/predict',
    { keys: { courier: 'ann' }, request: { km: 3 } },
    { 'x-request-timeout-ms': '10000' },
  )
  // Ann's mean of a day is 20 minutes.
  expect(json).toMatchObject({ prediction: { minutes: 2 * 20 + 3 * 3 + 1 }, degraded: [] })
})
