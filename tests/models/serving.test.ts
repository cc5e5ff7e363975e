/** Versions added with the command beside a server: the good one answers within seconds, a bad one changes nothing for anybody. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { logistic } from './graphs.ts'
import { onnx } from './onnx.ts'

const root = join(import.meta.dirname, '../..')
const program = [join(root, 'dist/runtime/bin.js'), '--project', join(root, 'drills/project'), '--json']

test('a server goes on with the version it has while bad files are offered', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sixfold-serving-'))
  const env = { ...process.env, SIXFOLD_DATA: join(folder, 'data') }
  const child = spawn(process.execPath, [...program, 'serve', '--port', '0'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(child, 'exit')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const { url } = JSON.parse(line.toString()) as { readonly url: string }
  const ask = async (): Promise<object> => {
    const response = await fetch(`${url}/v1/models/risky/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"keys":{"account":"a"}}',
    })
    return (await response.json()) as object
  }
  const add = async (bytes: Uint8Array | string): Promise<{ readonly code: number; readonly said: string }> => {
    const path = join(folder, 'model.onnx')
    await writeFile(path, bytes)
    return promisify(execFile)(process.execPath, [...program, 'model', 'add', 'risky', path], { env }).then(
      ({ stdout }) => ({ code: 0, said: stdout }),
      (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => ({
        code: error.code,
        said: error.stdout + error.stderr,
      }),
    )
  }
  expect(await ask()).toMatchObject({ version: null, prediction: { risky: 0.1 } })

  // Of an account never seen there are 0 payments: the score is that of 0, which is a half.
  const good = onnx({
    ...logistic([1, 0], 0),
    nodes: [
      { op: 'IsNaN', inputs: ['x'], outputs: ['missing'] },
      { op: 'Where', inputs: ['missing', 'zero', 'x'], outputs: ['filled'] },
      ...logistic([1, 0], 0).nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map((name) => (name === 'x' ? 'filled' : name)),
      })),
    ],
    constants: [...logistic([1, 0], 0).constants!, { name: 'zero', type: 'float32', shape: [1], data: [0] }],
  })
  expect((await add(good)).code).toBe(0)
  const answered = { version: '1', degraded: [], prediction: { risky: 0.5 } }
  await expect.poll(ask, { timeout: 10_000 }).toMatchObject(answered)

  for (const [bytes, code] of [
    [good.subarray(0, good.length - 40), 'SX_ARTIFACT_INVALID'],
    ['no model', 'SX_ARTIFACT_INVALID'],
    [onnx(logistic([1, 2, 3], 0)), 'SX_SIGNATURE_MISMATCH'],
  ] as const) {
    const { code: exit, said } = await add(bytes)
    expect(exit).toBe(1)
    expect(said).toContain(code)
    expect(await ask()).toMatchObject(answered)
  }
  // Longer than it takes the server to look for new versions.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(await ask()).toMatchObject(answered)
  child.kill('SIGTERM')
  expect((await exited)[0]).toBe(0)
  await rm(folder, { recursive: true, force: true })
})
