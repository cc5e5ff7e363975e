/** Calls over gRPC stand in the metrics, by method and by how they ended. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { afterAll, expect, test } from 'vitest'
import { model, platform, sixfold } from '../../src/index.ts'
import { serviceOf } from '../../src/server/grpc/definition.ts'
import { inference } from '../../src/server/grpc/protocol.ts'

const folder = mkdtempSync(join(tmpdir(), 'sixfold-grpc-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const told = model('told', {
  inputs: { request: { n: 'int64' } },
  vector: ({ request }) => ({ n: request.n }),
  output: { same: 'number' },
  fallback: () => ({ same: -1 }),
})
type Asks = (asked: object, reply: (error: { readonly code: number } | null) => void) => void

test('what was answered and what was refused are counted apart', async () => {
  const app = sixfold(platform({ told }), { data: folder })
  const server = await app.listen({ port: 0 })
  const name = 'inference.GRPCInferenceService'
  const Client = makeGenericClientConstructor(serviceOf(inference, name), name)
  const client = new Client(server.grpc!, credentials.createInsecure())
  const ask = (method: string, asked: object): Promise<number> =>
    new Promise((resolve) => {
      const call = (client as unknown as { readonly [name: string]: Asks })[method]!
      call.call(client, asked, (error) => resolve(error?.code ?? 0))
    })
  expect(await ask('ServerLive', {})).toBe(0)
  expect(await ask('ServerLive', {})).toBe(0)
  expect(await ask('ModelMetadata', { name: 'nobody' })).toBe(5)
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const of = (method: string, code: string): string =>
    `grpc_server_handled_total{grpc_service="${name}",grpc_method="${method}",grpc_code="${code}"}`
  expect(text).toContain(`${of('ServerLive', 'OK')} 2\n`)
  expect(text).toContain(`${of('ModelMetadata', 'NOT_FOUND')} 1\n`)
  client.close()
  await server.close()
  await app.close()
})
