/** What `sixfold doctor` says of servers on which models may be. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { examineRemotes } from '../../src/adapters/remote/examine.ts'
import { faultProxy, freePort } from '../services/index.ts'
import type { LinearServer } from './server.ts'
import { linearServer } from './server.ts'

let server: LinearServer
beforeAll(async () => {
  server = await linearServer()
})
afterAll(() => server.close())

test('each says what it is, or that it does not answer; and none keeps the others waiting', async () => {
  const silent = await faultProxy(server.port)
  silent.halfOpen()
  const web = createServer((_, response) => void response.writeHead(404).end('<html>')).listen(0, '127.0.0.1')
  await new Promise((resolve) => web.once('listening', resolve))
  const urls = [
    server.url,
    `http://127.0.0.1:${await freePort()}`,
    `http://127.0.0.1:${silent.port}`,
    `http://127.0.0.1:${(web.address() as AddressInfo).port}`,
  ]
  const began = performance.now()
  const [linear, none, nothing, other] = await examineRemotes(urls)
  expect(performance.now() - began).toBeLessThan(6_000)
  expect(linear).toMatchObject({ says: 'Open Inference v2: linear 1, with binary tensors', problem: null })
  expect(none).toMatchObject({ says: null, problem: expect.stringContaining('ECONNREFUSED') })
  expect(nothing).toMatchObject({ says: null, problem: expect.stringContaining('within 3 s') })
  expect(other).toMatchObject({ says: 'HTTP: 404', problem: null })
  web.close()
  await silent.close()
})
