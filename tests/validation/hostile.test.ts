/** Model files from anywhere: each is refused with what is wrong, or loads; none stops another, nor the process that asks. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onnxModelRuntime } from '../../src/adapters/onnx/model-runtime.ts'
import { isSixfoldError } from '../../src/kernel/errors.ts'
import { classifier, linear, logistic, lookup } from '../models/graphs.ts'
import type { Graph } from '../models/onnx.ts'
import { onnx } from '../models/onnx.ts'

const models = onnxModelRuntime()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sixfold-hostile-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const write = async (bytes: string | Uint8Array, name = 'bad.onnx'): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}
async function refused(path: string, ...says: readonly string[]): Promise<void> {
  const error: unknown = await models.inspect(path).catch((reason: unknown) => reason)
  if (!isSixfoldError(error)) throw new Error(`${path} was taken, or failed otherwise: ${String(error)}`)
  expect(error.code).toBe('SX_ARTIFACT_INVALID')
  for (const text of says) expect(`${error.message} ${error.fix}`).toContain(text)
  expect(error.message.length).toBeLessThan(2_000)
}
const beside = (external: string): Buffer => {
  const graph = linear([2, 3], 1)
  return onnx({ ...graph, constants: graph.constants!.map((each, i) => (i === 0 ? { ...each, external } : each)) })
}

/** The same in every run, and another with another seed. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

test('a thousand files that end too early or whose bits flipped', { timeout: 300_000 }, async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2_147_483_646) || 1
  const next = random(seed)
  const originals = [
    await readFile(join(import.meta.dirname, '../../examples/flights/models/late.onnx')),
    await readFile(join(import.meta.dirname, '../../examples/flights/models/late_linear.onnx')),
    onnx(linear([2, 3], 1)),
    onnx(logistic([1, 2], 0)),
    onnx(classifier([1, 2], { labels: ['no', 'yes'] })),
    onnx(lookup(['a', 'b'], [1, 2])),
  ]
  const variant = (i: number): Buffer => {
    const original = originals[i % originals.length]!
    if (next(3) === 0) return original.subarray(0, next(original.length))
    const flipped = Buffer.from(original)
    // The beginning says what the file is: damage there goes further than in the weights.
    const within = next(2) === 0 ? Math.min(200, flipped.length) : flipped.length
    for (let n = 1 + next(4); n > 0; n--) flipped[next(within)]! ^= 1 << next(8)
    return flipped
  }
  const outcomes = { loaded: 0, refused: 0 }
  const began = performance.now()
  const one = async (i: number): Promise<void> => {
    const path = await write(variant(i), `variant-${i}.onnx`)
    const found: unknown = await models.inspect(path).catch((reason: unknown) => reason)
    if (isSixfoldError(found)) {
      if (found.code !== 'SX_ARTIFACT_INVALID') throw new Error(`seed ${seed}, file ${i}: ${found.message}`)
      outcomes.refused++
    } else if (found instanceof Error) throw new Error(`seed ${seed}, file ${i}: ${found.message}`)
    else outcomes.loaded++
    await rm(path)
  }
  const indices = Array.from({ length: 1_000 }, (_, i) => i)
  await Promise.all(
    [0, 1, 2, 3].map(async () => {
      for (let i = indices.shift(); i !== undefined; i = indices.shift()) await one(i)
    }),
  )
  expect(outcomes.loaded + outcomes.refused).toBe(1_000)
  expect(outcomes.refused).toBeGreaterThan(300)
  expect(performance.now() - began).toBeLessThan(200_000)
  expect((await models.inspect(await write(originals[2]!, 'good.onnx'))).operators).toEqual(['Add', 'MatMul'])
})

describe('no model', () => {
  test('says what it looks like', async () => {
    await refused(join(folder, 'nothing.onnx'), 'no such file')
    await mkdir(join(folder, 'folder'))
    await refused(join(folder, 'folder'), 'a folder', 'Name the ONNX file')
    await refused(await write(''), 'empty')
    await refused(await write('hello\n'.repeat(100)), 'a text')
    await refused(await write('{"model": 1}'), 'JSON')
    await refused(await write('<!doctype html><html></html>'), 'a web page')
    await refused(await write('version https://git-lfs.github.com/spec/v1\n'), 'Git LFS')
    await refused(await write(Buffer.from('80049514000000', 'hex')), 'a pickle', 'skl2onnx')
    await refused(await write('cos\nsystem\n(S"true"\ntR.'), 'a pickle')
    await refused(await write(Buffer.from('504b03040a00000000', 'hex')), 'a zip archive', 'Unpack')
    await refused(await write(Buffer.from('894844460d0a1a0a00', 'hex')), 'HDF5')
  })

  test('a zip of zeros that would fill the disk is not unpacked', async () => {
    const made = spawnSync('python3', [
      '-c',
      'import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z: z.writestr("model.onnx", bytes(50_000_000))',
      join(folder, 'bomb.onnx'),
    ])
    expect(made.status, String(made.stderr)).toBe(0)
    await refused(join(folder, 'bomb.onnx'), 'a zip archive')
  })
})

describe('protocol buffers that were made to harm', () => {
  const field = (number: number, content: Uint8Array): Buffer => {
    const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
    return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(content.length)]), content])
  }
  test('graphs within graphs without end', async () => {
    let message: Uint8Array = Buffer.alloc(0)
    // graph → node → attribute → graph: a thousand of them.
    for (let i = 0; i < 1_000; i++) message = field(1, field(5, field(6, message)))
    await refused(await write(field(7, message)), 'deep')
  })
  test('numbers that do not end, lengths beyond the end, groups, field 0', async () => {
    await refused(await write(Buffer.from([8, ...new Array<number>(100).fill(0xff)])), 'damaged')
    await refused(await write(Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2])), 'damaged')
    await refused(await write(Buffer.from([0x3b, 0x3c, 0xff, 0xfe])), 'damaged')
    await refused(await write(Buffer.from([0x00, 0x01, 0xff, 0xfe])), 'damaged')
  })
  test('millions of small things', async () => {
    const nodes = Buffer.concat(
      Array.from({ length: 20_000 }, (_, i) => field(1, field(4, Buffer.from(`Operator${i}`)))),
    )
    await refused(await write(field(7, nodes)), 'operators')
    const began = performance.now()
    // Two million empty nodes are gone through once.
    await refused(await write(field(7, Buffer.alloc(4_000_000, Buffer.from([0x0a, 0])))))
    expect(performance.now() - began).toBeLessThan(20_000)
  })
  test('names that every object has', async () => {
    const graph: Graph = linear([1], 0)
    const { inputs } = await models.inspect(
      await write(
        onnx({
          ...graph,
          inputs: graph.inputs.map((each) => ({ ...each, name: '__proto__' })),
          nodes: graph.nodes.map((node) => ({
            ...node,
            inputs: node.inputs.map((name) => (name === 'x' ? '__proto__' : name)),
          })),
        }),
      ),
    )
    expect(inputs.map(({ name }) => name)).toEqual(['__proto__'])
  })
  test('a constant of more bytes than there are', async () => {
    const huge: Graph = {
      inputs: [{ name: 'x', type: 'float32', shape: ['rows', 1] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['rows', 1] }],
      nodes: [
        { op: 'ConstantOfShape', inputs: ['shape'], outputs: ['huge'] },
        { op: 'ReduceSum', inputs: ['huge'], outputs: ['sum'] },
        { op: 'Add', inputs: ['x', 'sum'], outputs: ['y'] },
      ],
      constants: [{ name: 'shape', type: 'int64', shape: [2], data: [1_000_000, 1_000_000] }],
    }
    const runtime = onnxModelRuntime({ timeoutMs: 20_000, memoryBytes: 1024 ** 3 })
    const path = await write(onnx(huge), 'huge.onnx')
    const outcome = await runtime.isolate(path).then(
      async (model) => {
        const input = { x: { type: 'float32', shape: [1, 1], data: new Float32Array(1) } }
        return model.run(input, ['y']).catch((error: unknown) => error)
      },
      (error: unknown) => error,
    )
    expect(isSixfoldError(outcome) && outcome.code).toBe('SX_ARTIFACT_INVALID')
  })
})

describe('weights beside the file', () => {
  beforeAll(async () => {
    await mkdir(join(folder, 'version'))
    await writeFile(join(folder, 'version', 'weights.bin'), Buffer.from(new Float32Array([2, 3]).buffer))
    await writeFile(join(folder, 'outside.bin'), Buffer.from(new Float32Array([2, 3]).buffer))
    await symlink(join(folder, 'outside.bin'), join(folder, 'version', 'link.bin'))
  })
  const versioned = (bytes: Buffer): Promise<string> => write(bytes, 'version/model.onnx')

  test('in its folder: told, and loaded where it is served', async () => {
    const path = await versioned(beside('weights.bin'))
    expect((await models.inspect(path)).external).toEqual(['weights.bin'])
    const loaded = await models.load(path, { place: 'inline', providers: ['cpu'] })
    const { score } = await loaded
      .run({ x: { type: 'float32', shape: [1, 2], data: new Float32Array([1, 2]) } }, [loaded.outputs[0]!.name])
      .then((outputs) => ({ score: Object.values(outputs)[0]! }))
    expect([...(score.data as Float32Array)]).toEqual([9])
    await loaded.close()
  })
  test.each(['../outside.bin', '/etc/passwd', 'a/../../outside.bin', '..\\outside.bin', './weights.bin', 'C:/x', ''])(
    'outside of it: %j',
    async (location) => refused(await versioned(beside(location)), 'outside of its folder'),
  )
  test('a link out of it, or nothing', async () => {
    await refused(await versioned(beside('link.bin')), 'link out of its folder')
    await refused(await versioned(beside('gone.bin')), 'not there')
    await copyFile(join(folder, 'outside.bin'), join(folder, 'version', 'link2.bin'))
    await models.inspect(await versioned(beside('link2.bin')))
  })
})

describe('a process that ends', () => {
  test('takes no other file with it', async () => {
    const good = await write(onnx(linear([2, 3], 1)), 'good.onnx')
    const impatient = onnxModelRuntime({ timeoutMs: 60_000, memoryBytes: 1 })
    const error: unknown = await impatient.inspect(good).catch((reason: unknown) => reason)
    expect(isSixfoldError(error) && ['SX_RUNTIME_MISSING', 'SX_ARTIFACT_INVALID'].includes(error.code)).toBe(true)
    const answers = await Promise.all(Array.from({ length: 8 }, () => models.inspect(good)))
    expect(answers.every(({ inputs }) => inputs[0]!.name === 'x')).toBe(true)
  })

  test('is measured: time a call, and memory above what was there', async () => {
    const model = await models.isolate(await write(onnx(linear([2, 3], 1)), 'good.onnx'))
    const input = { x: { type: 'float32', shape: [4, 2], data: new Float32Array(8) } }
    const { milliseconds, memoryBytes } = await model.measure(input, ['score'], 50)
    expect(milliseconds).toHaveLength(50)
    expect(memoryBytes).toBeGreaterThan(0)
    expect(memoryBytes).toBeLessThan(200 * 1024 ** 2)
    await model.close()
    await expect(model.run(input, ['score'])).rejects.toMatchObject({ code: 'SX_ARTIFACT_INVALID' })
  })
})

/** Two hundred large multiplications, a minute and more of them. */
const endless: Graph = {
  inputs: [{ name: 'x', type: 'float32', shape: ['rows', 1] }],
  outputs: [{ name: 'y', type: 'float32', shape: ['rows', 1] }],
  nodes: [
    { op: 'Expand', inputs: ['x', 'wide'], outputs: ['first'] },
    { op: 'ConstantOfShape', inputs: ['side'], outputs: ['square'] },
    ...Array.from({ length: 200 }, (_, i) => ({
      op: 'MatMul',
      inputs: [i === 0 ? 'first' : `m${i - 1}`, 'square'],
      outputs: [`m${i}`],
    })),
    { op: 'ReduceSum', inputs: ['m199', 'columns'], outputs: ['y'] },
  ],
  constants: [
    { name: 'wide', type: 'int64', shape: [2], data: [20_000, 512] },
    { name: 'side', type: 'int64', shape: [2], data: [512, 512] },
    { name: 'columns', type: 'int64', shape: [1], data: [1] },
  ],
}

test('a call that takes too long ends the process, and not the one that asks', async () => {
  const runtime = onnxModelRuntime({ timeoutMs: 1_500, memoryBytes: 4 * 1024 ** 3 })
  const model = await runtime.isolate(await write(onnx(endless), 'endless.onnx'))
  const began = performance.now()
  await expect(
    model.run({ x: { type: 'float32', shape: [1, 1], data: new Float32Array(1) } }, ['y']),
  ).rejects.toMatchObject({ code: 'SX_ARTIFACT_INVALID', message: expect.stringContaining('more than 1.5 seconds') })
  expect(performance.now() - began).toBeLessThan(5_000)
  await model.close()
})

test.skipIf(process.platform !== 'linux')(
  'processes end with the one that started them, also when that is killed while they compute',
  {
    timeout: 60_000,
  },
  async () => {
    const path = await write(onnx(endless), 'endless.onnx')
    const script = join(folder, 'parent.ts')
    await writeFile(
      script,
      `import { onnxModelRuntime } from ${JSON.stringify(join(import.meta.dirname, '../../src/adapters/onnx/model-runtime.ts'))}
    const model = await onnxModelRuntime().isolate(${JSON.stringify(path)})
    void model.run({ x: { type: 'float32', shape: [1, 1], data: new Float32Array(1) } }, ['y'])
    setTimeout(() => console.log('computing'), 300)`,
    )
    const root = join(import.meta.dirname, '../..')
    const parent = spawn(process.execPath, ['--import', 'jiti/register', script], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(parent.stdout, 'data')
    const children = spawnSync('ps', ['-o', 'pid=', '--ppid', String(parent.pid)], { encoding: 'utf8' })
    const pids = children.stdout.trim().split(/\s+/).map(Number)
    expect(pids).toHaveLength(1)
    parent.kill('SIGKILL')
    const alive = (): boolean => {
      try {
        // What waits to be collected is gone.
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pids[0]}/status`, 'utf8'))
      } catch {
        return false
      }
    }
    for (let i = 0; alive() && i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 100))
    expect(alive()).toBe(false)
  },
)
