/** What is not asked, and what is not taken: servers that nobody configured, files that describe nothing, models that have changed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { onnxModelRuntime } from '../../src/adapters/onnx/model-runtime.ts'
import { parseAddress, parseTensor } from '../../src/adapters/remote/address.ts'
import { remoteFile } from '../../src/adapters/remote/describe.ts'
import { withRemotes } from '../../src/adapters/remote/model-runtime.ts'
import type { RemoteFile } from '../../src/adapters/remote/remote-file.ts'
import { readRemoteFile, remoteText } from '../../src/adapters/remote/remote-file.ts'
import type { ModelRuntime } from '../../src/ports/model-runtime.ts'
import { readEnvironment } from '../../src/runtime/environment.ts'
import { linearModel } from '../cli/onnx.ts'
import type { LinearServer } from './server.ts'
import { linearServer } from './server.ts'

const where = { place: 'inline', providers: ['cpu'] } as const
let server: LinearServer
let folder: string
let path: string
beforeEach(async () => {
  server = await linearServer()
  folder = await mkdtemp(join(tmpdir(), 'sixfold-remote-'))
  path = join(folder, 'remote.json')
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const described = (url = server.url): Promise<RemoteFile> =>
  remoteFile({ url: `v2+${url}/models/linear`, inputs: [], outputs: [] }, [url])
const write = (value: unknown): Promise<void> =>
  writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))

/** The ways to a model, one after another. */
const eachWay = (runtime: ModelRuntime): readonly (() => Promise<unknown>)[] => [
  () => runtime.load(path, where),
  () => runtime.inspect(path),
  () => runtime.isolate(path),
]

describe('servers that may not be asked', () => {
  test('a file that somebody made has nobody asked whom the configuration does not name', async () => {
    await write(remoteText(await described()))
    const asked = server.connected
    for (const remotes of [[], ['http://127.0.0.1:1'], [`http://localhost:${server.port}`], ['https://127.0.0.1']]) {
      const runtime = withRemotes(onnxModelRuntime(), remotes)
      for (const one of eachWay(runtime))
        await expect(one()).rejects.toMatchObject({
          code: 'SX_REMOTE_REFUSED',
          fix: `Write \`remotes: ['${server.url}']\` in sixfold.config.ts.`,
        })
    }
    await expect(
      remoteFile({ url: `v2+${server.url}/models/linear`, inputs: [], outputs: [] }, []),
    ).rejects.toMatchObject({
      code: 'SX_REMOTE_REFUSED',
    })
    expect(server.connected).toBe(asked)
  })

  test('a path out of the protocol is a name like any other', async () => {
    await write(remoteText({ ...(await described()), model: '../../admin?x=', version: '1/../../..' }))
    const runtime = withRemotes(onnxModelRuntime(), [server.url])
    await expect(runtime.inspect(path)).rejects.toMatchObject({ code: 'SX_REMOTE_INVALID' })
  })
})

describe('files', () => {
  test('one that is written is read as it was', async () => {
    const file = await described()
    await write(remoteText(file))
    expect(await readRemoteFile(path)).toEqual(file)
    expect(remoteText(file)).toBe(remoteText(await described()))
  })

  test('what is no such file is for ONNX to say', async () => {
    for (const text of ['', '{', '[]', '{}', 'null', '{"a":1}', ' {"protocol":"v2"}', '{"x":'.repeat(100_000)]) {
      await write(text)
      expect(await readRemoteFile(path)).toBeNull()
    }
    await writeFile(path, linearModel('y', [1, 2], 0.5))
    expect(await readRemoteFile(path)).toBeNull()
    const loaded = await withRemotes(onnxModelRuntime(), []).load(path, where)
    expect(loaded.place).toBe('inline')
    await loaded.close()
    expect(await readRemoteFile(folder)).toBeNull()
    expect(await readRemoteFile(join(folder, 'none'))).toBeNull()
  })

  const changes: readonly (readonly [what: string, change: object, words: RegExp])[] = [
    ['a protocol that is none', { protocol: 'grpc' }, /'protocol' is to be v2, tfserving, mlflow/],
    ['another scheme', { url: 'file:///etc/passwd' }, /'url' does not begin with http/],
    ['a password', { url: 'http://me:secret@host' }, /'url' holds a password/],
    ['a query', { url: 'http://host/?a=b' }, /'url' has a query/],
    ['no URL', { url: 7 }, /'url' is no text/],
    ['no model', { model: null }, /'model' is missing/],
    ['a model that is no text', { model: { name: 'x' } }, /'model' is to be a name/],
    ['a model that is a way up', { model: '..' }, /'model' is to be a name/],
    ['a version that is one', { version: '.' }, /'version' is to be a name/],
    ['another form', { form: 'columns' }, /'form' is to be binary, json/],
    ['no rows', { rows: 0 }, /'rows' is to be a number/],
    ['no inputs', { inputs: [] }, /'inputs' is to be a list/],
    ['an input without a shape', { inputs: [{ name: 'x', type: 'float32' }] }, /'inputs' is to hold tensors/],
    ['an input of no type', { inputs: [{ name: 'x', type: 'float8', shape: [1] }] }, /'inputs' is to hold tensors/],
    ['an input twice', { inputs: Array(2).fill({ name: 'x', type: 'float32', shape: [-1] }) }, /names one twice/],
    ['a member that means nothing', { token: 'x' }, /'token' means nothing/],
  ]
  test.each(changes)('%s', async (_, change, words) => {
    await write({ ...(await described()), ...change })
    const runtime = withRemotes(onnxModelRuntime(), [server.url])
    await expect(runtime.inspect(path)).rejects.toMatchObject({
      code: 'SX_ARTIFACT_INVALID',
      message: expect.stringMatching(words),
    })
  })
})

describe('a model that is not what was registered', () => {
  const changes: readonly (readonly [what: string, metadata: object, words: RegExp])[] = [
    [
      'takes more columns',
      { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }] },
      /'x' is float32 \[-1, 3\], and was registered as float32 \[-1, 2\]/,
    ],
    ['takes another type', { inputs: [{ name: 'x', datatype: 'INT64', shape: [-1, 2] }] }, /'x' is int64/],
    ['has another input', { inputs: [{ name: 'z', datatype: 'FP32', shape: [-1, 2] }] }, /no input 'x' any more/],
    [
      'has one more input',
      { inputs: ['x', 'z'].map((name) => ({ name, datatype: 'FP32', shape: [-1, 2] })) },
      /an input 'z' now/,
    ],
    ['gives another output', { outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 1] }] }, /no output 'y' any more/],
  ]
  test.each(changes)('it %s', async (_, metadata, words) => {
    const file = await described()
    const changed = await linearServer({ metadata })
    try {
      await write(remoteText({ ...file, url: changed.url }))
      const runtime = withRemotes(onnxModelRuntime(), [changed.url])
      for (const one of eachWay(runtime))
        await expect(one()).rejects.toMatchObject({ code: 'SX_REMOTE_INVALID', message: expect.stringMatching(words) })
    } finally {
      await changed.close()
    }
  })

  test('one that says nothing of itself is what somebody said', async () => {
    const silent = await linearServer({ binary: false, metadata: { inputs: [], outputs: null } })
    try {
      const ask = (inputs: readonly string[], outputs: readonly string[]) =>
        remoteFile({ url: `v2+${silent.url}/models/linear`, inputs, outputs }, [silent.url])
      await expect(ask([], [])).rejects.toMatchObject({
        code: 'SX_REQUEST_INVALID',
        message: expect.stringContaining('inputs'),
      })
      await expect(ask(['x:float32[-1,2]'], [])).rejects.toMatchObject({ message: expect.stringContaining('outputs') })
      await write(remoteText(await ask(['x:float32[-1,2]'], ['y:float32[-1,1]'])))
      const loaded = await withRemotes(onnxModelRuntime(), [silent.url]).load(path, where)
      const x = { type: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) }
      expect((await loaded.run({ x }, ['y'], 1_000))['y']!.data).toEqual(Float32Array.of(5.5))
      await loaded.close()
    } finally {
      await silent.close()
    }
  })

  test('what somebody said is held to what it says itself', async () => {
    const wrong = remoteFile({ url: `v2+${server.url}/models/linear`, inputs: ['x:float32[-1,5]'], outputs: [] }, [
      server.url,
    ])
    await expect(wrong).rejects.toMatchObject({ code: 'SX_REMOTE_INVALID' })
  })

  test('one whose server is away is loaded, and answers when it is back', async () => {
    await write(
      remoteText(
        await described('http://127.0.0.1:1')
          .catch(() => described())
          .then((file) => ({ ...file, url: 'http://127.0.0.1:1' })),
      ),
    )
    const loaded = await withRemotes(onnxModelRuntime(), ['http://127.0.0.1:1']).load(path, where)
    expect(loaded.place).toBe('remote')
    const x = { type: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) }
    await expect(loaded.run({ x }, ['y'], 500)).rejects.toMatchObject({ code: 'SX_REMOTE_UNAVAILABLE' })
    await loaded.close()
  })
})

describe('servers that want to know who asks', () => {
  test('a token goes to its server, and to no other', async () => {
    const shut = await linearServer({ token: 'open-sesame' })
    try {
      const tokens = { [`${shut.url}/`]: 'open-sesame', [server.url]: 'for the other' }
      const asked = { url: `v2+${shut.url}/models/linear`, inputs: [], outputs: [] }
      const remotes = [shut.url, server.url]
      for (const wrong of [{}, { [shut.url]: 'sesame' }, { [server.url]: 'open-sesame' }])
        await expect(remoteFile(asked, remotes, wrong)).rejects.toMatchObject({
          code: 'SX_REMOTE_UNAVAILABLE',
          message: expect.stringContaining('answers with 401: who are you?'),
        })
      const file = await remoteFile(asked, remotes, tokens)
      expect(remoteText(file)).not.toContain('sesame')
      await write(remoteText(file))
      const runtime = withRemotes(onnxModelRuntime(), remotes, tokens)
      for (const loaded of [await runtime.load(path, where), await runtime.isolate(path)]) {
        const x = { type: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) }
        expect((await loaded.run({ x }, ['y'], 1_000))['y']!.data).toEqual(Float32Array.of(5.5))
        await loaded.close()
      }
      let told: string | undefined = 'nothing'
      server.answering = ({ head, right }, answer) => {
        told = head.authorization
        answer(right)
      }
      await write(remoteText(await described()))
      const other = await withRemotes(onnxModelRuntime(), remotes, { [shut.url]: 'open-sesame' }).load(path, where)
      const x = { type: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) }
      await other.run({ x }, ['y'], 1_000)
      expect(told).toBeUndefined()
      await other.close()
    } finally {
      await shut.close()
    }
  })

  test('they come from the environment, and belong to servers that the configuration names', () => {
    const read = (SIXFOLD_REMOTE_TOKENS: string) => {
      const problems: string[] = []
      const { remoteTokens } = readEnvironment({ SIXFOLD_REMOTE_TOKENS }, (problem) => problems.push(problem))
      return { remoteTokens, problems }
    }
    expect(read('http://a:1=x=y https://b.example/=z')).toEqual({
      remoteTokens: { 'http://a:1': 'x=y', 'https://b.example': 'z' },
      problems: [],
    })
    for (const wrong of ['secret', 'http://a:1', 'http://a:1=', 'ftp://a=secret', 'http://a/path=secret']) {
      const { problems } = read(wrong)
      expect(problems).toEqual([expect.stringContaining('SIXFOLD_REMOTE_TOKENS')])
      expect(problems[0]).not.toContain('secret')
    }
  })
})

test('addresses as people write them', () => {
  expect(parseAddress('v2+http://triton:8000/models/late')).toEqual({
    ...{ protocol: 'v2', url: 'http://triton:8000', model: 'late', version: null },
  })
  expect(parseAddress('v2+https://serving.example/a/b/v2/models/l%C3%A4te%2Fx/versions/3/')).toEqual({
    ...{ protocol: 'v2', url: 'https://serving.example/a/b', model: 'läte/x', version: '3' },
  })
  expect(parseAddress('mlflow+http://host:5001/invocations')).toEqual({
    ...{ protocol: 'mlflow', url: 'http://host:5001', model: null, version: null },
  })
  for (const text of [
    'http://host/models/x',
    'v2+ftp://host/models/x',
    'v2+http://host/',
    'v2+http://u:p@host/models/x',
    'v3+http://host',
    'v2+http://host/models/%ZZ',
    '',
  ])
    expect(() => parseAddress(text)).toThrow(
      expect.objectContaining({ code: 'SX_REQUEST_INVALID', fix: expect.stringContaining('Write ') }),
    )
})

test('tensors as people write them', () => {
  expect(parseTensor('x:float32[-1,12]', 'input')).toEqual({ name: 'x', type: 'float32', shape: [-1, 12] })
  expect(parseTensor('a b:string[?]', 'input')).toEqual({ name: 'a b', type: 'string', shape: [-1] })
  expect(parseTensor('int64[-1, 2]', 'input')).toEqual({ name: 'input', type: 'int64', shape: [-1, 2] })
  for (const text of [
    'x',
    'x:float32',
    'x:float8[1]',
    'x:float32[a]',
    'x:float32[-2]',
    'x:float32[1.5]',
    'x:float32[,]',
    '',
  ])
    expect(() => parseTensor(text, 'input')).toThrow(expect.objectContaining({ code: 'SX_REQUEST_INVALID' }))
})
