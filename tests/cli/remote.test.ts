/** `model add --remote`, and what `doctor` says of the server, by the program. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { LinearServer } from '../remote/server.ts'
import { linearServer } from '../remote/server.ts'
import { freePort } from '../services/index.ts'
import type { Project, Ran } from './project.ts'
import { platformText, post, project, served } from './project.ts'

vi.setConfig({ testTimeout: 120_000 })

let server: LinearServer
let p: Project
beforeAll(async () => {
  server = await linearServer()
  // A machine that does much else is no fault of the model's.
  p = await project(
    platformText.replace("output: { minutes: 'number' },", "output: { minutes: 'number' }, budget: 5_000,"),
  )
  await configure(server.url)
})
afterAll(async () => {
  await p.dispose()
  await server.close()
})

const configure = (...remotes: readonly string[]): Promise<void> =>
  p.write(
    'sixfold.config.ts',
    `export default { platform: './platform.ts', server: { port: 0 }, remotes: ${JSON.stringify(remotes)} }\n`,
  )
const add = (...args: readonly string[]): Promise<Ran> => p.run('model', 'add', 'eta', ...args)
const address = (model = 'linear'): string => `v2+${server.url}/models/${model}`

test('a model on another server is added, answers, and is known again', async () => {
  const added = await add('--remote', address(), '--note', 'on the other machine')
  expect(added).toMatchObject({ code: 0, err: expect.not.stringContaining('SX_') })
  expect(added.out).toMatch(
    /^eta version 1: \d+ B, manifest [0-9a-f]{12}, production\n {2}input x: float32\[\?, 2\]\n {2}output y: float32\[\?, 1\]\n$/,
  )
  expect((await add('--remote', address())).out).toMatch(/^eta version 1, which was there already: /)
  const shown = JSON.parse((await p.run('model', 'show', 'eta', '1', '--json')).out)
  expect(shown.version).toMatchObject({
    entry: 'remote.json',
    flavor: 'remote',
    source: address(),
    facts: { artifact: { format: 'remote' }, dependencies: { runtime: `v2 at ${server.url}` } },
  })

  const { url, server: serving } = await served(p)
  const asked = server.asked
  const answer = await post(`${url}/v1/models/eta/predict`, { keys: { courier: 'ann' }, request: { km: 3 } })
  // Ann's mean of ever is 4 minutes.
  expect(answer).toMatchObject({ prediction: { minutes: 4 + 2 * 3 + 0.5 }, version: '1', degraded: [] })
  expect(server.asked).toBeGreaterThan(asked)
  await serving.end()
})

test('what is wrong is said, and nothing is added', async () => {
  const refused = async (code: number, words: RegExp, ...args: readonly string[]): Promise<void> => {
    const ran = await add(...args)
    expect({ code: ran.code, out: ran.out }, args.join(' ')).toEqual({ code, out: '' })
    expect(ran.err).toMatch(words)
  }
  await refused(2, /both a path, 'eta.onnx', and --remote/, 'eta.onnx', '--remote', address())
  await refused(2, /Name a file or a folder, or with --remote/)
  await refused(2, /of models on other servers/, 'eta.onnx', '--input', 'x:float32[-1,2]')
  await refused(1, /SX_REQUEST_INVALID.*does not begin with a protocol/s, '--remote', `${server.url}/models/linear`)
  await refused(1, /SX_REMOTE_INVALID.*There is no model 'none'/s, '--remote', address('none'))
  await refused(
    1,
    /SX_REMOTE_REFUSED.*remotes: \['http:\/\/127.0.0.1:1'\]/s,
    '--remote',
    'v2+http://127.0.0.1:1/models/x',
  )
  await refused(1, /SX_REQUEST_INVALID.*no type 'float31'/s, '--remote', address(), '--input', 'x:float31[-1,2]')
  const versions = JSON.parse((await p.run('model', 'list', 'eta', '--json')).out)
  expect(versions.versions).toHaveLength(1)
})

test('doctor says what the servers answer', async () => {
  const gone = `http://127.0.0.1:${await freePort()}`
  await configure(server.url, gone)
  const { facts, problems } = JSON.parse((await p.run('doctor', '--json')).out)
  const fact = (name: string) => facts.find((one: { readonly name: string }) => one.name === name)?.value
  expect(fact(server.url)).toMatch(/^Open Inference v2: linear 1, with binary tensors, in [\d.]+ ms$/)
  expect(fact(gone)).toBe('does not answer')
  expect(problems).toContainEqual({
    of: gone,
    severity: 'warning',
    what: expect.stringContaining('ECONNREFUSED'),
    fix: expect.stringContaining("'remotes'"),
  })
})
