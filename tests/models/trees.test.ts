/** Models of trees are answered without the runtime, and with its bits. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadHere, loadSession } from '../../src/adapters/onnx/session.ts'
import { quickened } from '../../src/adapters/onnx/trees/quick.ts'
import type { LoadedModel, Tensor } from '../../src/ports/model-runtime.ts'

const vectors = join(import.meta.dirname, '../attribution/vectors')
const root = join(import.meta.dirname, '../..')
const files = [
  ...readdirSync(vectors)
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => join(vectors, name)),
  join(root, 'benchmarks/batch/model.onnx'),
  join(root, 'benchmarks/predict/model.onnx'),
  join(root, 'examples/flights/models/late.onnx'),
]
const named = (path: string): string => path.slice(root.length + 1)
/** Of those, the ones that are answered so: a model that stops being one of them makes the whole platform slower without a sign of it. */
const quick = [
  'benchmarks/batch/model.onnx',
  'benchmarks/predict/model.onnx',
  'examples/flights/models/late.onnx',
  'tests/attribution/vectors/boosting-binary.onnx',
  'tests/attribution/vectors/forest-binary.onnx',
  'tests/attribution/vectors/forest-regression.onnx',
  'tests/attribution/vectors/lightgbm-binary.onnx',
  'tests/attribution/vectors/lightgbm-classes.onnx',
  'tests/attribution/vectors/lightgbm-regression.onnx',
  'tests/attribution/vectors/xgboost-binary.onnx',
  'tests/attribution/vectors/xgboost-regression.onnx',
]

function* rowsOf(count: number, width: number): Generator<Float32Array> {
  for (const [size, odd] of [
    [1, 0],
    [100, 0],
    [1, 7],
    [1e30, 3],
  ] as const) {
    let state = count * 7919 + width
    const next = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0
      return (state >>> 0) / 2 ** 32
    }
    yield Float32Array.from({ length: count * width }, () => {
      const which = odd === 0 ? 1 : Math.floor(next() * odd)
      if (which === 0)
        return [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0][Math.floor(next() * 4)]!
      return (next() * 6 - 3) * size
    })
  }
}
const bitsOf = ({ data }: Tensor): readonly number[] => {
  const numbers = data as Float32Array
  return [...new Int32Array(numbers.buffer, numbers.byteOffset, numbers.length)]
}

describe.each(files.map((path) => [named(path), path] as const))('%s', (name, path) => {
  test('the same as the runtime, for one row and for many', async () => {
    const runtime = await loadSession(path)
    const here = await quickened(runtime, path)
    expect(here !== runtime).toBe(quick.includes(name))
    if (!quick.includes(name)) return
    const [input] = runtime.inputs
    const width = input!.shape[1]!
    for (const { name: output, type } of runtime.outputs) {
      if (type !== 'float32') continue
      for (const count of [1, 5, 8, 300])
        for (const data of rowsOf(count, width)) {
          const inputs = { [input!.name]: { type: 'float32', shape: [count, width], data } }
          const [told, own] = await Promise.all([runtime.run(inputs, [output]), here.run(inputs, [output])])
          expect(own[output]!.shape).toEqual(told[output]!.shape)
          const bits = bitsOf(told[output]!)
          // An exponential may be rounded otherwise in its last bit.
          for (const [i, bit] of bitsOf(own[output]!).entries()) expect(Math.abs(bit - bits[i]!)).toBeLessThanOrEqual(2)
        }
    }
  })
})

const late = join(root, 'examples/flights/models/late.onnx')
const row = (width: number): Tensor => ({ type: 'float32', shape: [1, width], data: new Float32Array(width) })

test('a runtime that answers otherwise, however little, is asked itself', async () => {
  const session = await loadSession(late)
  const off = (by: number): LoadedModel => ({
    ...session,
    run: async (inputs, outputs) => {
      const answers = await session.run(inputs, outputs)
      for (const { data } of Object.values(answers))
        if (data instanceof Float32Array) for (let i = 0; i < data.length; i++) data[i]! *= by
      return answers
    },
  })
  const other = off(1 + 1e-6)
  expect((await quickened(other, late)).run).toBe(other.run)
  const same = off(1)
  expect((await quickened(same, late)).run).not.toBe(same.run)
})

test('what is not as it should be is refused in the words of the runtime', async () => {
  const [runtime, here] = await Promise.all([loadSession(late), loadHere(late)])
  const [input] = runtime.inputs
  const [width, output] = [input!.shape[1]!, runtime.outputs[1]!.name]
  const refused = async (model: LoadedModel, tensors: { readonly [name: string]: Tensor }): Promise<string> =>
    model.run(tensors, [output]).then(
      () => 'answered',
      (error: Error) => error.message,
    )
  for (const tensors of [
    {},
    { [input!.name]: row(width - 1) },
    { [input!.name]: { ...row(width), type: 'float64', data: new Float64Array(width) } },
  ]) {
    const words = await refused(runtime, tensors)
    expect(words).not.toBe('answered')
    expect(await refused(here, tensors)).toBe(words)
  }
  // And outputs that are no sums of trees come from it.
  const label = runtime.outputs[0]!.name
  const both = await here.run({ [input!.name]: row(width) }, [label, output])
  expect(Object.keys(both)).toEqual([label, output])
})
