/** The program with keys: the first one, who it lets in, how soon one that is revoked does not, and that none is said twice. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Project, Started } from '../cli/project.ts'
import { project } from '../cli/project.ts'

const adminKey = 'an-admin-key-of-thirty-two-signs'
let p: Project
let server: Started
let url: string
beforeAll(async () => {
  p = await project()
  await p.history(10)
  await p.write(
    'sixfold.config.ts',
    "export default { platform: './platform.ts', server: { host: '0.0.0.0', port: 0 } }\n",
  )
  expect((await p.run('apply')).code).toBe(0)
})
afterAll(() => p.dispose())

const status = async (key: string | null): Promise<number> =>
  (await fetch(`${url}/v1/status`, { headers: key === null ? {} : { authorization: `Bearer ${key}` } })).status
const created = async (...args: readonly string[]): Promise<{ readonly key: string; readonly id: string }> => {
  const { code, out, err } = await p.run('key', 'create', ...args, '--json')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out)
}
const said: string[] = []
/** Milliseconds until the server gives this status to the key. */
async function soon(key: string, wanted: number): Promise<number> {
  const began = performance.now()
  while ((await status(key)) !== wanted) {
    if (performance.now() - began > 5_000) throw new Error(`It is not ${wanted} after 5 s.`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return performance.now() - began
}

test('without a key it does not start where others could reach it', async () => {
  const { code, err } = await p.run('serve')
  expect(code).toBe(1)
  expect(err).toMatch(
    /^SX_KEYS_REQUIRED: .*0\.0\.0\.0[\s\S]*sixfold key create NAME --role admin[\s\S]*SIXFOLD_ADMIN_KEY/,
  )
  const short = await p.runWith({ SIXFOLD_ADMIN_KEY: 'hunter2-too-short' }, 'serve')
  expect(short).toMatchObject({ code: 1 })
  expect(short.err).toContain('SIXFOLD_ADMIN_KEY')
  expect(short.err).not.toContain('hunter2')
})

test('with one in the environment it does', async () => {
  const first = p.startWith({ SIXFOLD_ADMIN_KEY: adminKey }, 'serve')
  url = (await first.says(/Sixfold is at (\S+)/))[1]!.replace('localhost', '127.0.0.1')
  expect([await status(null), await status(adminKey), await status(`${adminKey}x`)]).toEqual([401, 200, 401])
  const { code } = await first.end()
  expect(code).toBe(0)
  expect(first.said()).not.toContain(adminKey)
})

test('with one that was made it does; another is known within moments, and unknown within moments of being revoked', async () => {
  const ana = await created('ana', '--role', 'admin')
  server = p.start('serve', '--verbose')
  url = (await server.says(/Sixfold is at (\S+)/))[1]!.replace('localhost', '127.0.0.1')
  expect([await status(null), await status(ana.key), await status(`${ana.key}x`)]).toEqual([401, 200, 401])

  const ci = await created('ci', '--role', 'editor', '--model', 'eta', '--expires', '1d')
  expect(await soon(ci.key, 200)).toBeLessThan(2_000)
  const revoked = await p.run('key', 'revoke', ci.id, '--reason', 'it leaked')
  expect(revoked.code).toBe(0)
  expect(await soon(ci.key, 401)).toBeLessThan(2_000)
  expect((await p.run('key', 'revoke', ci.id)).err).toContain('SX_REGISTRY_CONFLICT')
  said.push(ana.key, ci.key)

  const { out } = await p.run('key', 'list')
  expect(out).toMatch(new RegExp(`${ci.id} +ci +editor +eta .*revoked`))
  const audit = await p.run('audit', 'list', '--json')
  expect(audit.out).toContain('it leaked')
  for (const text of [out, audit.out]) for (const key of said) expect(text).not.toContain(key.slice(15))
})

test('a key has the rate that it was made with, and no other is slower for it', async () => {
  const slow = await created('slow', '--rate', '1/h:3')
  said.push(slow.key)
  await soon(slow.key, 429)
  expect(await status(said[0]!)).toBe(200)
  expect((await p.run('key', 'list')).out).toMatch(new RegExp(`${slow.id} +slow +viewer +all models +1/h:3 `))
  expect((await p.run('key', 'create', 'x', '--rate', 'fast')).err).toMatch(/^SX_USAGE: --rate 'fast' is no rate/)
})

test('status asks with the key of the environment, and says when there is none', async () => {
  const none = await p.run('status', '--url', url)
  expect(none.code).toBe(1)
  expect(none.err).toMatch(/^SX_UNAUTHENTICATED: .*SIXFOLD_KEY is not set/)
  const wrong = await p.runWith({ SIXFOLD_KEY: 'sxk_nonsense' }, 'status', '--url', url)
  expect(wrong.err).toMatch(/^SX_UNAUTHENTICATED/)
  expect(wrong.err).not.toContain('nonsense')
  const right = await p.runWith({ SIXFOLD_KEY: said[0]! }, 'status', '--url', url, '--json')
  expect(right.code).toBe(0)
  expect(JSON.parse(right.out).models).toHaveLength(1)
})

test('what it logged has no key', async () => {
  for (const key of said)
    await fetch(`${url}/v1/models/eta/predict`, { method: 'POST', headers: { authorization: `Bearer ${key}` } })
  const { code } = await server.end()
  expect(code).toBe(0)
  for (const key of said) expect(server.said()).not.toContain(key.slice(15))
})
