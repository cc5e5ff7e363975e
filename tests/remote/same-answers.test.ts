/** One ONNX file behind real servers of each protocol, whole: they are asked by what their versions hold, and answer as this machine does. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { onnxModelRuntime } from '../../src/adapters/onnx/model-runtime.ts'
import { remoteFile } from '../../src/adapters/remote/describe.ts'
import { withRemotes } from '../../src/adapters/remote/model-runtime.ts'
import { remoteText } from '../../src/adapters/remote/remote-file.ts'
import type { LoadedModel, ModelRuntime, Tensors } from '../../src/ports/model-runtime.ts'
import type { Graph } from '../models/onnx.ts'
import { onnx } from '../models/onnx.ts'
import type { Service, ServiceName } from '../services/index.ts'
import { describeWith, startMlflowModels, startMlserver, startTriton } from '../services/index.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

/** y = sigmoid(x · w + b): a curve, so that an answer which is off shows. */
const curve: Graph = {
  inputs: [{ name: 'x', type: 'float32', shape: ['N', 3] }],
  outputs: [{ name: 'y', type: 'float32', shape: ['N', 1] }],
  constants: [
    { name: 'w', type: 'float32', shape: [3, 1], data: [0.31, -0.7, 0.011] },
    { name: 'b', type: 'float32', shape: [1], data: [0.1] },
  ],
  nodes: [
    { op: 'Gemm', inputs: ['x', 'w', 'b'], outputs: ['z'] },
    { op: 'Sigmoid', inputs: ['z'], outputs: ['y'] },
  ],
}

interface Stage {
  readonly ours: LoadedModel
  readonly theirs: LoadedModel
  readonly runtime: ModelRuntime
  readonly path: string
  readonly service: Service
  close(): Promise<void>
}

interface Kind {
  readonly start: (file: string) => Promise<Service>
  readonly address: (url: string) => string
  readonly inputs?: readonly string[]
  readonly outputs?: readonly string[]
  /** Infinity has no way to get there. */
  readonly finite?: true
}

const kinds: { readonly [service in 'triton' | 'mlserver' | 'mlflow']: Kind } = {
  triton: { start: (file) => startTriton({ curve: file }), address: (url) => `v2+${url}/models/curve` },
  mlserver: {
    start: (file) => startMlserver({ curve: file }),
    address: (url) => `v2+${url}/models/curve`,
    finite: true,
  },
  mlflow: {
    start: startMlflowModels,
    address: (url) => `mlflow+${url}`,
    inputs: ['x:float32[-1,3]'],
    outputs: ['y:float32[-1,1]'],
  },
}

async function stage(kind: Kind): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'sixfold-remote-'))
  const file = join(folder, 'model.onnx')
  await writeFile(file, onnx(curve))
  const service = await kind.start(file)
  const runtime = withRemotes(onnxModelRuntime(), [service.url])
  const described = await remoteFile(
    { url: kind.address(service.url), inputs: kind.inputs ?? [], outputs: kind.outputs ?? [] },
    [service.url],
  )
  const path = join(folder, 'remote.json')
  await writeFile(path, remoteText(described))
  const where = { place: 'inline', providers: ['cpu'] } as const
  const [ours, theirs] = [await runtime.load(file, where), await runtime.load(path, where)]
  return {
    ...{ ours, theirs, runtime, path, service },
    close: async () => {
      await Promise.all([ours.close(), theirs.close()])
      await service.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

let seed = 1
/** The same rows in each run. */
const random = (): number => {
  seed = (seed * 48_271) % 2_147_483_647
  return seed / 2_147_483_647
}
const some = (rows: number): Tensors => ({
  x: { type: 'float32', shape: [rows, 3], data: Float32Array.from({ length: rows * 3 }, () => random() * 8 - 4) },
})

for (const [name, kind] of Object.entries(kinds))
  describeWith([name as ServiceName], `the real server: ${name}`, () => {
    let on: Stage
    beforeAll(async () => {
      on = await stage(kind)
    })
    afterAll(() => on?.close())

    const same = async (inputs: Tensors, rows: number): Promise<void> => {
      const [ours, theirs] = await Promise.all([on.ours.run(inputs, ['y']), on.theirs.run(inputs, ['y'], 10_000)])
      expect(theirs['y']!.shape).toEqual([rows, 1])
      const [expected, got] = [ours['y']!.data as Float32Array, theirs['y']!.data as Float32Array]
      for (let i = 0; i < rows; i++)
        if (Number.isNaN(expected[i])) expect(got[i]).toBeNaN()
        else expect(Math.abs(got[i]! - expected[i]!)).toBeLessThan(1e-5)
    }

    test('it is looked at, and is what the file says', async () => {
      const { format, inputs, outputs, producer } = await on.runtime.inspect(on.path)
      expect({ format, inputs, outputs }).toEqual({
        format: 'remote',
        inputs: [{ name: 'x', type: 'float32', shape: [-1, 3] }],
        outputs: [{ name: 'y', type: 'float32', shape: [-1, 1] }],
      })
      expect(producer).toContain(on.service.url)
      expect(on.theirs.place).toBe('remote')
      expect(on.theirs.concurrency).toBeGreaterThan(1)
    })

    test('it answers as this machine does, for one row and many', async () => {
      for (const rows of [1, 2, 7, 64, 200]) await same(some(rows), rows)
    })

    test('also for what JSON has no word for', async () => {
      await same({ x: { type: 'float32', shape: [2, 3], data: Float32Array.from([Number.NaN, 1, 2, 0, 0, 0]) } }, 2)
      const x = Float32Array.from([Number.POSITIVE_INFINITY, 0, 0, Number.NEGATIVE_INFINITY, 1, 1])
      const beyond: Tensors = { x: { type: 'float32', shape: [2, 3], data: x } }
      if (kind.finite !== true) await same(beyond, 2)
      else await expect(on.theirs.run(beyond, ['y'], 5_000)).rejects.toMatchObject({ code: 'SX_MODEL_FAILED' })
    })

    test('calls at once each get their own rows', async () => {
      await Promise.all(Array.from({ length: 40 }, (_, i) => same(some(1 + (i % 5)), 1 + (i % 5))))
    })

    test('rows that it does not take are said to be so', async () => {
      const wrong = { x: { type: 'float32', shape: [2, 2], data: new Float32Array(4) } }
      await expect(on.theirs.run(wrong, ['y'], 5_000)).rejects.toMatchObject({ code: 'SX_MODEL_FAILED' })
      expect(on.theirs.remote!().breaker).toBe('closed')
    })

    test('away, it is said to be so; back, it answers', async () => {
      await on.service.kill()
      await expect(on.theirs.run(some(1), ['y'], 1_000)).rejects.toMatchObject({ code: 'SX_REMOTE_UNAVAILABLE' })
      await expect(on.runtime.inspect(on.path)).rejects.toMatchObject({ code: 'SX_REMOTE_UNAVAILABLE' })
      await on.service.start()
      await expect
        .poll(
          () =>
            on.theirs.run(some(1), ['y'], 5_000).then(
              () => true,
              () => false,
            ),
          { timeout: 10_000 },
        )
        .toBe(true)
      await same(some(3), 3)
    })
  })
