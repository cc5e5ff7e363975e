/** The shipped nginx before servers: keys pass through, browsers' own pages are known, and files go through whatever their size. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listen } from '../../src/runtime/listen.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { changed, deploy } from '../deploy/run.ts'
import { couriers, question } from '../http/service.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startNginx } from '../services/index.ts'

const adminKey = 'an-admin-key-of-thirty-two-signs'
const bearer = { authorization: `Bearer ${adminKey}` }
const megabytes = 64

describeWith(['nginx'], 'behind nginx', () => {
  let folder: string
  let opened: Opened
  const closing: (() => Promise<unknown>)[] = []
  let closed: Service
  let free: Service
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sixfold-nginx-'))
    opened = await open(couriers, { data: join(folder, 'data'), adminKey })
    const before = async (access: 'keys' | 'auto'): Promise<Service> => {
      const server = await listen(opened, { port: 0, access })
      const list = join(folder, `${access}.conf`)
      writeFileSync(list, `zone sixfold 256k;\nserver 127.0.0.1:${server.port};\n`)
      const shipped = readFileSync(join(deploy, 'nginx/nginx.conf'), 'utf8')
      const nginx = await startNginx((port) => {
        const listed = changed(
          changed(shipped, '/etc/nginx/sixfold-servers.conf', list),
          'listen 8080',
          `listen 127.0.0.1:${port}`,
        )
        return changed(
          changed(listed, '/dev/stdout', join(folder, `${access}.log`)),
          'worker_processes auto',
          'worker_processes 1',
        )
      })
      closing.push(nginx.close, server.close)
      return nginx
    }
    closed = await before('keys')
    free = await before('auto')
  })
  afterAll(async () => {
    for (const close of closing) await close()
    await opened.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const predict = async (service: Service, headers: { readonly [name: string]: string }): Promise<number> =>
    (
      await fetch(`${service.url}/v1/models/late/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(question),
      })
    ).status

  test('the key is passed on', async () => {
    expect(await predict(closed, {})).toBe(401)
    expect(await predict(closed, bearer)).toBe(200)
  })

  test('its own pages are known by its address, and others refused', async () => {
    for (const service of [closed, free]) {
      expect(await predict(service, { ...bearer, origin: service.url })).toBe(200)
      expect(await predict(service, { ...bearer, origin: 'http://127.0.0.1:1' })).toBe(403)
      expect(await predict(service, { ...bearer, origin: 'https://evil.example' })).toBe(403)
    }
  })

  test('files are larger than other requests may be', async () => {
    const create = await fetch(`${closed.url}/api/2.0/mlflow/runs/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer },
      body: JSON.stringify({ experiment_id: '0' }),
    })
    const { run } = (await create.json()) as { run: { info: { run_id: string } } }
    const path = `${closed.url}/api/2.0/mlflow-artifacts/artifacts/0/${run.info.run_id}/artifacts/large.bin`
    const part = new Uint8Array(1024 * 1024).fill(7)
    let sent = 0
    const body = new ReadableStream({
      pull: (controller) => {
        if (sent++ < megabytes) controller.enqueue(part)
        else controller.close()
      },
    })
    const put = await fetch(path, { method: 'PUT', headers: bearer, body, duplex: 'half' } as RequestInit)
    expect(put.status).toBe(200)
    const got = await fetch(path, { headers: bearer })
    expect((await got.arrayBuffer()).byteLength).toBe(megabytes * part.length)
    const other = await fetch(`${closed.url}/v1/outcomes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer },
      body: new Uint8Array(10 * part.length),
    })
    expect(other.status).toBe(413)
  })
})
