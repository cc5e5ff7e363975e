/** A server that ends answers what is under way on both of its ports, says before that it is not ready, and takes nothing new. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { afterAll, expect, test } from 'vitest'
import { gate, model, platform, sixfold } from '../../src/index.ts'
import { serviceOf } from '../../src/server/grpc/definition.ts'
import { health, inference } from '../../src/server/grpc/protocol.ts'
import { slow } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-drain-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const told = model('told', {
  inputs: { request: { n: 'int64' } },
  vector: ({ request }) => ({ n: request.n }),
  output: { same: 'number' },
  fallback: () => ({ same: -1 }),
})

interface Grpc {
  ModelInfer(asked: object, options: object, reply: (error: { code: number } | null, answer: object) => void): void
  Watch(asked: object): { on(event: 'data' | 'end' | 'error', seen: (value: { status?: string }) => void): void }
  close(): void
}

test('calls under way are answered, whoever watches is told, and later ones find nobody', {
  timeout: 60_000,
}, async () => {
  const app = sixfold(platform({ told, lenient: gate(told, { latency: { p99Ms: 60_000 } }) }), {
    data: join(folder, 'data'),
    models: { told: { place: 'thread' } },
  })
  writeFileSync(join(folder, 'slow.onnx'), onnx(slow))
  await app.addModel('told', join(folder, 'slow.onnx'))
  const server = await app.listen({ port: 0 })
  const client = (text: string, name: string): Grpc => {
    const Client = makeGenericClientConstructor(serviceOf(text, name), name)
    return new Client(server.grpc!, credentials.createInsecure()) as unknown as Grpc
  }
  const [calls, watch] = [client(inference, 'inference.GRPCInferenceService'), client(health, 'grpc.health.v1.Health')]
  const statuses: string[] = []
  const watching = watch.Watch({ service: '' })
  watching.on('data', ({ status }) => statuses.push(status!))
  watching.on('error', () => {})
  const overGrpc = (): Promise<string> =>
    new Promise((resolve) => {
      const raw = Buffer.from(BigInt64Array.of(2_500n).buffer)
      const asked = {
        model_name: 'told',
        inputs: [{ name: 'n', datatype: 'INT64', shape: [1, 1] }],
        raw_input_contents: [raw],
      }
      calls.ModelInfer(asked, { deadline: Date.now() + 30_000 }, (error) =>
        resolve(error === null ? 'answered' : `refused with ${error.code}`),
      )
    })
  const overHttp = async (): Promise<string> => {
    const answer = await fetch(`${server.url}/v1/models/told/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-timeout-ms': '30000' },
      body: JSON.stringify({ keys: {}, request: { n: 2_500 } }),
    })
    const { degraded } = (await answer.json()) as { degraded: readonly unknown[] }
    return answer.status === 200 && degraded.length === 0
      ? 'answered'
      : `${answer.status}, degraded ${JSON.stringify(degraded)}`
  }
  const underWay = [...Array.from({ length: 4 }, overGrpc), ...Array.from({ length: 4 }, overHttp)]
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)

  const closed = server.close()
  // The port is closed to those who come now; who has a connection is told that it is not ready.
  expect(await Promise.all(underWay)).toEqual(underWay.map(() => 'answered'))
  await closed
  expect(statuses).toEqual(['SERVING', 'NOT_SERVING'])
  expect(await overGrpc()).toBe('refused with 14')
  await expect(fetch(`${server.url}/readyz`)).rejects.toThrow()
  calls.close()
  watch.close()
  await app.close()
})
