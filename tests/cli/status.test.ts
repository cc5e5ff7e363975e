/** status: what a server that runs tells, as text and as JSON; and that no server runs. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Status } from '../../src/api/index.ts'
import { freePort } from '../services/index.ts'
import type { Project, Started } from './project.ts'
import { post, project } from './project.ts'

let p: Project
let server: Started
let url: string
beforeAll(async () => {
  p = await project()
  server = p.start('serve')
  url = (await server.says(/Sixfold is at (\S+)\n/))[1]!
  const began = new Date(Date.now() - 60_000).toISOString()
  await post(`${url}/v1/events/shifts`, { events: [{ courier: 'ann', began }] })
  await post(`${url}/v1/models/eta/predict`, { keys: { courier: 'ann' }, request: { km: 3 } })
  // What it tells may be half a second old.
  const topics = async (): Promise<number> =>
    ((await (await fetch(`${url}/v1/status`)).json()) as Status).topics.filter(({ end }) => end === 1).length
  await vi.waitFor(async () => expect(await topics()).toBe(2), { timeout: 5_000, interval: 100 })
})
afterAll(() => p.dispose())

describe('a server that runs', () => {
  test('tells which servers there are, of each model, view, topic and store', async () => {
    const { code, out, err } = await p.run('status', '--url', url)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(new RegExp(`^\\S+ .* ${server.child.pid} +\\d+\\.\\d+\\.\\d+ +${url} .*now$`, 'm'))
    expect(out).toMatch(/^eta +none: fallback +1 +1 +[\d.]+ ms +[\d.]+ ms +0$/m)
    expect(out).toMatch(/^work +never +1 +0$/m)
    expect(out).toMatch(/^events\.shifts +1 +[\d.]+ \S*B$/m)
    for (const [port, technology] of [
      ['online', 'LMDB'],
      ['log', 'files'],
      ['metadata', 'SQLite'],
    ])
      expect(out).toMatch(new RegExp(`^${port} +${technology} .*${p.folder}`, 'm'))
    expect(out).toMatch(/^online state: [\d,]+ entries, [\d.]+ \S*B$/m)
  })

  test('--json gives the answer of the server as it is', async () => {
    const { code, out } = await p.run('status', '--url', `${url}/`, '--json')
    expect(code).toBe(0)
    const status = JSON.parse(out) as Status
    expect(status.servers).toMatchObject([{ pid: server.child.pid, url, seenAt: expect.any(Number) }])
    expect(status.stores.map(({ port }) => port)).toEqual(['online', 'log', 'metadata', 'artifacts', 'offline'])
    expect(status.models).toMatchObject([{ model: 'eta', measures: { predictions: 1 } }])
  })

  test('is found where the configuration has it listen', async () => {
    const { code, out } = await p.runWith({ SIXFOLD_PORT: new URL(url).port, SIXFOLD_HOST: '0.0.0.0' }, 'status')
    expect(code).toBe(0)
    expect(out).toContain(url)
  })
})

describe('no server', () => {
  test('is said with the URL that was asked', async () => {
    const port = await freePort()
    const { code, out, err } = await p.runWith({ SIXFOLD_PORT: `${port}` }, 'status')
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toBe(
      `SX_NO_SERVER: No server answers at http://127.0.0.1:${port}: ECONNREFUSED.\n  → Start one with \`sixfold serve\`, or name another with --url.\n`,
    )
    const json = await p.run('status', '--json', '--url', `http://127.0.0.1:${port}`)
    expect(json).toMatchObject({ code: 1, err: '' })
    expect(JSON.parse(json.out)).toMatchObject({ error: { code: 'SX_NO_SERVER' } })
  })

  test('of Sixfold is one of another kind', async () => {
    const other = createServer((request, response) => {
      response.statusCode = request.url === '/lost/v1/status' ? 404 : 200
      response.end(request.url === '/page/v1/status' ? '<html>' : '{}')
    }).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const at = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    for (const [path, said] of [
      ['', 'what it answers is no status'],
      ['/page', 'what it answers is no JSON'],
      ['/lost', 'it answers with 404'],
    ] as const) {
      const { code, err } = await p.run('status', '--url', at + path)
      expect(code).toBe(1)
      expect(err).toContain(`SX_NO_SERVER: No server answers at ${at}${path}: ${said}`)
    }
    other.close()
  })

  test('can be named by what is no address, or by any port', async () => {
    for (const text of ['localhost:6006', 'http://u:pl4nted@h:1', 'ftp://h']) {
      const { code, err } = await p.run('status', '--url', text)
      expect(code).toBe(2)
      expect(err).toMatch(/^SX_USAGE: --url is not the address of a server\.\n/)
      expect(err).not.toContain('pl4nted')
    }
    const { code, err } = await p.run('status')
    expect(code).toBe(2)
    expect(err).toMatch(/^SX_USAGE: The server takes any port that is free: .*\n {2}→ .*--url\.\n$/)
  })
})
