/** Files that are no model, or not the model that is defined: refused with what is wrong, while the version before goes on answering. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isSixfoldError, label, model, platform, sixfold } from 'sixfold'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { classifier, linear, logistic, lookup, table } from './graphs.ts'
import type { Graph } from './onnx.ts'
import { onnx } from './onnx.ts'

const request = { a: 'float64?', b: 'float64' } as const
const score = model('score', {
  inputs: { request },
  vector: ({ request: { a, b } }) => ({ a, b }),
  output: { score: 'number' },
  fallback: () => ({ score: -1 }),
})
const chance = model('chance', {
  inputs: { request },
  vector: ({ request: { a, b } }) => ({ a, b }),
  output: { yes: 'probability' },
  fallback: () => ({ yes: 0 }),
})
const answer = model('answer', {
  inputs: { request: { word: 'string' } },
  vector: ({ request: { word } }) => ({ word }),
  output: { answer: label('no', 'yes') },
  fallback: () => ({ answer: 'no' }),
})
const models = platform({ score, chance, answer })

let folder: string
const open = () => sixfold(models, { data: join(folder, 'data'), project: folder })
let app: ReturnType<typeof open>
const good = onnx(linear([2, 3], 1))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sixfold-refused-'))
  app = open()
  await writeFile(join(folder, 'good.onnx'), good)
  expect(await app.addModel('score', 'good.onnx')).toEqual({ version: '1' })
})
afterAll(async () => {
  await app.close()
  await rm(folder, { recursive: true, force: true })
})

async function refused(
  file: string,
  code: string,
  name: 'score' | 'chance' | 'answer',
  ...says: readonly string[]
): Promise<void> {
  const error: unknown = await app.addModel(name, file).catch((reason: unknown) => reason)
  if (!isSixfoldError(error)) throw new Error(`${file} was taken, or failed otherwise: ${String(error)}`)
  expect(error.code).toBe(code)
  for (const text of says) expect(`${error.message} ${error.fix}`).toContain(text)
  expect(error.message.length).toBeLessThan(2_000)
  // The version before is still the one, here and for whoever opens the folder next.
  expect(await app.predict('score', {}, { a: 1, b: 2 })).toMatchObject({
    score: 9,
    record: { version: '1', degraded: [] },
  })
}
async function fileOf(bytes: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, 'bad.onnx'), bytes)
  return 'bad.onnx'
}
const invalid = async (bytes: string | Uint8Array, ...says: readonly string[]): Promise<void> =>
  refused(await fileOf(bytes), 'SX_ARTIFACT_INVALID', 'score', 'bad.onnx', ...says)

describe('no model', () => {
  test('nothing, a folder, an empty file, a text, a page, a picture', async () => {
    await refused('nothing.onnx', 'SX_ARTIFACT_INVALID', 'score', 'nothing.onnx', 'no file')
    await mkdir(join(folder, 'folder.onnx'))
    await refused('folder.onnx', 'SX_ARTIFACT_INVALID', 'score', 'folder.onnx', 'no ONNX file')
    await invalid('')
    await invalid('this is a text\n'.repeat(1000))
    await invalid('<!doctype html><html><body>404</body></html>')
    await invalid(Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'))
  })

  test('random bytes', async () => {
    let seed = 1
    const next = (): number => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed & 255
    }
    for (let i = 0; i < 5; i++) await invalid(Buffer.from(Array.from({ length: 3_000 }, next)))
  })

  test('a file that ends too early, wherever', async () => {
    for (const share of [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97])
      await invalid(good.subarray(0, Math.floor(good.length * share)))
    const trees = await readFile(join(import.meta.dirname, '../../examples/flights/models/late.onnx'))
    for (const share of [0.1, 0.5, 0.999]) await invalid(trees.subarray(0, Math.floor(trees.length * share)))
  })

  test('bits that flipped: refused, or the model is another one, which answers; nothing dies', async () => {
    const other = sixfold(models, { data: join(folder, 'flipped'), project: folder })
    const outcomes = { taken: 0, refused: 0 }
    for (let bit = 11; bit < good.length * 8; bit += Math.floor((good.length * 8) / 24)) {
      const flipped = Buffer.from(good)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      const error: unknown = await other.addModel('score', await fileOf(flipped)).then(
        () => null,
        (reason: unknown) => reason,
      )
      if (error === null) outcomes.taken++
      else {
        expect(isSixfoldError(error) && ['SX_ARTIFACT_INVALID', 'SX_SIGNATURE_MISMATCH'].includes(error.code)).toBe(
          true,
        )
        outcomes.refused++
      }
      expect(typeof (await other.predict('score', {}, { a: 1, b: 2 })).score).toBe('number')
    }
    expect(outcomes.refused).toBeGreaterThan(5)
    await other.close()
  })

  test('an opset of the future, an operator that there is not', async () => {
    await invalid(onnx({ ...linear([2, 3], 1), opset: 99 }), 'opset')
    const graph = linear([2, 3], 1)
    await invalid(
      onnx({ ...graph, nodes: graph.nodes.map((node) => ({ ...node, op: `${node.op}Plus` })) }),
      'MatMulPlus',
    )
  })

  test('weights beside the file, in the folder or out of it', async () => {
    const graph = linear([2, 3], 1)
    const beside = (external: string): Buffer =>
      onnx({ ...graph, constants: graph.constants!.map((each) => ({ ...each, external })) })
    await writeFile(join(folder, 'weights.bin'), Buffer.from(new Float32Array([2, 3]).buffer))
    await refused(
      await fileOf(beside('weights.bin')),
      'SX_ARTIFACT_INVALID',
      'score',
      'weights.bin',
      "not among the version's files",
    )
    for (const location of ['../weights.bin', '../../../../../../etc/passwd', '/etc/passwd'])
      await invalid(beside(location), 'outside of its folder', location, 'one file')
  })
})

describe('not the model that is defined', () => {
  const mismatch = async (
    name: 'score' | 'chance' | 'answer',
    graph: Graph,
    ...says: readonly string[]
  ): Promise<void> => refused(await fileOf(onnx(graph)), 'SX_SIGNATURE_MISMATCH', name, `Model '${name}'`, ...says)
  const inputs = (graph: Graph, type: 'float16' | 'string' | 'int64', shape: readonly (number | string)[]): Graph => ({
    inputs: [{ name: 'x', type, shape }],
    outputs: graph.outputs,
    nodes: [{ op: 'Cast', inputs: ['x'], outputs: ['score'], attributes: { to: 1 } }],
  })

  test('columns that are too many or too few', async () => {
    await mismatch('score', linear([1, 2, 3], 0), "input 'x' has 3 columns", 'the vector has 2', 'a, b')
    await mismatch('score', linear([1], 0), "input 'x' has 1 columns", 'the vector has 2')
  })

  test('inputs by other names', async () => {
    await mismatch('score', linear([1, 2], 0, ['a', 'c']), 'a (float32', 'c (float32', 'no entry c')
    await mismatch('score', linear([1, 2, 3], 0, ['a', 'b', 'c']), 'no entry c')
  })

  test('inputs of another type', async () => {
    await mismatch(
      'score',
      inputs(linear([1], 0), 'string', ['rows', 2]),
      "'a' is a float64",
      "'x' takes string",
      'toText()',
    )
    await mismatch(
      'score',
      inputs(linear([1], 0), 'int64', ['rows', 2]),
      "'a' is a float64",
      "'x' takes int64",
      'toInteger()',
    )
    await mismatch('score', inputs(linear([1], 0), 'float16', ['rows', 2]), "input 'x' is of type float16")
    await mismatch('answer', classifier([1]), "'word' is a string", "'x' takes float32", 'oneHot')
  })

  test('more rows a call, or more dimensions, than a batch has', async () => {
    const graph = linear([1, 2], 0)
    const shaped = (...shape: readonly (number | string)[]): Graph => ({
      ...graph,
      inputs: [{ name: 'x', type: 'float32', shape }],
    })
    await mismatch('score', shaped(8, 2), "'x' takes 8 rows a call", 'dynamic_axes')
    await mismatch('score', { ...inputs(graph, 'int64', ['rows', 2, 2]) }, '3 dimensions')
  })

  test('outputs that are none of those defined', async () => {
    const three: Graph = {
      inputs: [{ name: 'x', type: 'float32', shape: ['rows', 2] }],
      outputs: [{ name: 'classes', type: 'float32', shape: ['rows', 3] }],
      nodes: [{ op: 'MatMul', inputs: ['x', 'weights'], outputs: ['classes'] }],
      constants: [{ name: 'weights', type: 'float32', shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }],
    }
    await mismatch('chance', three, "'yes'", 'classes (float32 [?, 3])')
    await mismatch('score', { ...classifier([1, 2], { labels: ['no', 'yes'] }) }, "'score'", 'label (string')
    await mismatch('chance', classifier([1, 2], { zipmap: true }), "'yes'", 'map', 'zipmap')
    await mismatch('answer', lookup(['a'], [1]), "'answer'", 'score (float32')
  })

  test('of several outputs that could be it, none has its name', async () => {
    const graph = logistic([1, 2], 0)
    const outputs = ['first', 'second'].map((name) => ({ name, type: 'float32', shape: ['rows', 1] }) as const)
    await mismatch(
      'chance',
      {
        ...graph,
        outputs,
        nodes: [
          ...graph.nodes,
          ...outputs.map(({ name }) => ({ op: 'Identity', inputs: ['probability'], outputs: [name] })),
        ],
      },
      'first (float32',
      'second (float32',
      "could be 'yes'",
    )
  })

  test('a file whose call fails, or gives what it does not declare', async () => {
    await refused(
      await fileOf(
        onnx({ ...table([1]), constants: [], nodes: [{ op: 'Identity', inputs: ['missing'], outputs: ['score'] }] }),
      ),
      'SX_ARTIFACT_INVALID',
      'score',
      'bad.onnx',
    )
  })
})

test('after all this the stored version is the one, also for whoever opens the folder next', async () => {
  await app.close()
  app = open()
  expect(await app.predict('score', {}, { a: 1, b: 2 })).toMatchObject({ score: 9, record: { version: '1' } })
})

test('the newest added answers: the same again is the same version, an older one again is a new one', async () => {
  const add = async (bytes: Buffer): Promise<string> => (await app.addModel('score', await fileOf(bytes))).version
  const ask = async (): Promise<number> => (await app.predict('score', {}, { a: 1, b: 2 })).score
  expect(await add(good)).toBe('1')
  expect(await add(onnx(linear([10, 10], 0)))).toBe('2')
  expect(await ask()).toBe(30)
  expect(await add(onnx(linear([10, 10], 0)))).toBe('2')
  expect(await add(good)).toBe('3')
  expect(await ask()).toBe(9)
})
