/** Who needs a key, as the file and the environment say it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loadSettings } from '../../src/runtime/config.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sixfold-config-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

async function settings(config: object, environment: { readonly [name: string]: string } = {}) {
  writeFileSync(
    join(folder, 'sixfold.config.mjs'),
    `export default ${JSON.stringify({ platform: './p.ts', ...config })}`,
  )
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  return (await loadSettings(folder)).settings
}

test('by default keys are needed where others can ask, and webhooks lead to the internet', async () => {
  const { server, adminKey, key, webhooks } = await settings({})
  expect(server).toMatchObject({ host: '127.0.0.1', access: 'auto', hosts: [] })
  expect([adminKey, key, webhooks]).toEqual([null, null, { allowPrivate: false }])
})

test('the file says otherwise, and the environment comes before it', async () => {
  const config = { server: { access: 'keys', hosts: ['sixfold.example'] }, webhooks: { allowPrivate: true } }
  expect(await settings(config)).toMatchObject(config)
  const admin = 'k'.repeat(32)
  const set = { SIXFOLD_ACCESS: 'auto', SIXFOLD_ADMIN_KEY: admin, SIXFOLD_KEY: 'k' }
  expect(await settings(config, set)).toMatchObject({ server: { access: 'auto' }, adminKey: admin, key: 'k' })
})

test.each([
  [{ server: { access: 'none' } }, 'server.access'],
  [{ server: { acces: 'keys' } }, "Did you mean 'access'?"],
  [{ server: { hosts: ['https://sixfold.example'] } }, 'server.hosts.0'],
  [{ server: { hosts: ['sixfold.example:6006'] } }, 'without a port'],
  [{ webhooks: { allowLoopback: true } }, 'allowPrivate'],
  [{ server: { adminKey: 'k'.repeat(32) } }, "'server.adminKey' is unknown"],
])('%j is refused', async (config, named) => {
  const error = await settings(config).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'SX_CONFIG_INVALID' })
  expect((error as Error).message).toContain(named)
})

test('a key that is refused is not said', async () => {
  const error = await settings({}, { SIXFOLD_ADMIN_KEY: 'hunter2 hunter2' }).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'SX_CONFIG_INVALID' })
  expect((error as Error).message).toContain('SIXFOLD_ADMIN_KEY')
  expect((error as Error).message).not.toContain('hunter2')
})
