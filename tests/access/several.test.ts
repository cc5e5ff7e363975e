/** Keys on several servers: what is made or revoked at one is in force at the others within about a second, also by their webhooks. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Listening } from '../../src/runtime/listen.ts'
import { listen } from '../../src/runtime/listen.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { couriers } from '../http/service.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres, startRedis } from '../services/index.ts'
import { webhook } from '../webhooks/outbox.ts'
import { receiver } from '../webhooks/receiver.ts'

const adminKey = 'an-admin-key-of-thirty-two-signs'

describeWith(['redis', 'postgres'], 'several servers', () => {
  let folder: string
  let services: readonly (Service & { readonly url: string })[]
  const all: { readonly opened: Opened; readonly listening: Listening }[] = []
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sixfold-several-'))
    services = await Promise.all([startRedis(), startPostgres()])
    const [redis, postgres] = services as [Service, Service]
    for (const name of ['a', 'b', 'c']) {
      const opened = await open(couriers, {
        data: join(folder, name),
        stores: { online: redis.url, log: postgres.url, metadata: postgres.url },
        adminKey,
      })
      all.push({ opened, listening: await listen(opened, { port: 0, access: 'keys' }) })
    }
  })
  afterAll(async () => {
    for (const { opened, listening } of all) {
      await listening.close()
      await opened.close()
    }
    for (const one of services) await one.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const call = (server: number, key: string, method: string, path: string, body?: object): Promise<Response> =>
    fetch(`${all[server]!.listening.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const until = async (server: number, key: string, status: number): Promise<number> => {
    const began = performance.now()
    while ((await call(server, key, 'GET', '/v1/status')).status !== status)
      if (performance.now() - began > 10_000) throw new Error(`It is not ${status} after ten seconds.`)
    return performance.now() - began
  }

  test('a key that is made or revoked at one is known to all', async () => {
    const made = await call(0, adminKey, 'POST', '/v1/registry/keys', { name: 'ci', role: 'editor', models: [] })
    expect(made.status).toBe(200)
    const { key, id } = (await made.json()) as { key: string; id: string }
    // At the one that made it at once.
    expect((await call(0, key, 'GET', '/v1/status')).status).toBe(200)
    for (const server of [1, 2]) expect(await until(server, key, 200)).toBeLessThan(3_000)
    expect((await call(1, adminKey, 'DELETE', `/v1/registry/keys/${id}`)).status).toBe(200)
    expect((await call(1, key, 'GET', '/v1/status')).status).toBe(401)
    for (const server of [0, 2]) expect(await until(server, key, 401)).toBeLessThan(3_000)
  })

  test('each change is told once and in order, whichever of them tells', async () => {
    const here = await receiver()
    const by = { actor: 'local:ana', reason: null }
    const { createdAt: _, updatedAt: __, ...hook } = webhook(here.url, { events: ['model.*'] })
    await all[0]!.opened.registry.change({ kind: 'webhook.created', webhook: hook }, by)
    for (let i = 0; i < 60; i++)
      await all[i % 3]!.opened.registry.change(
        { kind: 'model.created', model: `m${i}`, description: null, tags: {} },
        by,
      )
    await here.until(60, 20_000)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(here.received.map(({ json }) => json.model)).toEqual(Array.from({ length: 60 }, (_, i) => `m${i}`))
    await here.close()
  })
})
