/** Tensors of every type go to a server and come back as they were: as bytes, flat, and as lists in lists. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Tensor, TensorData } from '../../ports/model-runtime.ts'
import type { Answer } from './connection.ts'
import { arrays, readJson, readNested, readValues, Unexpected, writeNested, writeValues } from './json.ts'
import { openInference } from './open-inference.ts'
import type { RemoteFile } from './remote-file.ts'

const runs = Number(process.env['RUNS'] ?? 300)
const seed = process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }

const bounds: { readonly [type: string]: readonly [number, number] } = {
  int64: [-(2 ** 53) + 1, 2 ** 53 - 1],
  uint64: [0, 2 ** 53 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  uint16: [0, 2 ** 16 - 1],
  int8: [-128, 127],
  uint8: [0, 255],
  bool: [0, 1],
}
/** `finite`: what JSON has a word for, and NaN. */
const values = (type: string, size: number, finite: boolean): fc.Arbitrary<TensorData> => {
  const exactly = { minLength: size, maxLength: size }
  if (type === 'string') return fc.array(fc.string({ unit: 'grapheme' }), exactly)
  const ArrayOf = arrays[type as keyof typeof arrays]
  if (type === 'float32' || type === 'float64') {
    const number =
      type === 'float32' ? fc.float({ noDefaultInfinity: finite }) : fc.double({ noDefaultInfinity: finite })
    return fc.array(number, exactly).map((all) => (ArrayOf as Float64ArrayConstructor).from(all))
  }
  const [min, max] = bounds[type]!
  const integers = fc.array(fc.integer({ min, max }), exactly)
  return type.endsWith('64')
    ? integers.map((all) => (ArrayOf as BigInt64ArrayConstructor).from(all.map(BigInt)))
    : integers.map((all) => (ArrayOf as Int32ArrayConstructor).from(all))
}
const tensors = (finite: boolean): fc.Arbitrary<Tensor> =>
  fc
    .record({
      type: fc.constantFrom(...Object.keys(arrays), 'string'),
      shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    })
    .chain(({ type, shape }) =>
      values(
        type,
        shape.reduce((a, b) => a * b, 1),
        finite,
      ).map((data) => ({ type, shape, data })),
    )

/** -0 is written as 0 in JSON, and is the same number. */
const same = (given: Tensor, expected: Tensor): void => {
  expect({ type: given.type, shape: [...given.shape] }).toEqual({ type: expected.type, shape: [...expected.shape] })
  const [a, b] = [Array.from(given.data as ArrayLike<unknown>), Array.from(expected.data as ArrayLike<unknown>)]
  expect(a.map((value) => (value === 0 ? 0 : value))).toEqual(b.map((value) => (value === 0 ? 0 : value)))
}

describe('round trips', () => {
  const file = (form: 'binary' | 'json', { type, shape }: Tensor): RemoteFile => ({
    ...{ protocol: 'v2', url: 'http://host', model: 'echo', version: null, form, rows: 1_000 },
    inputs: [{ name: 'x', type, shape }],
    outputs: [{ name: 'x', type, shape }],
  })
  /** A server that gives back what it gets. */
  const echoed = (form: 'binary' | 'json', tensor: Tensor): Tensor => {
    const of = file(form, tensor)
    const { body, headers } = openInference.write(of, { x: tensor }, ['x'], 100)
    const bytes = Buffer.from(body!)
    const length = headers['inference-header-content-length']
    const head = JSON.parse(bytes.subarray(0, length === undefined ? undefined : Number(length)).toString('utf8')) as {
      readonly inputs: readonly object[]
    }
    const text = Buffer.from(JSON.stringify({ outputs: head.inputs }))
    const rest = length === undefined ? Buffer.alloc(0) : bytes.subarray(Number(length))
    const answer: Answer = {
      status: 200,
      headers: length === undefined ? {} : { 'inference-header-content-length': String(text.length) },
      body: Buffer.concat([text, rest]),
    }
    return openInference.read(of, answer, ['x'])['x']!
  }

  test('as bytes', () => {
    fc.assert(
      fc.property(tensors(false), (tensor) => same(echoed('binary', tensor), tensor)),
      { numRuns: runs, ...seed },
    )
  })
  test('as JSON', () => {
    fc.assert(
      fc.property(tensors(true), (tensor) => same(echoed('json', tensor), tensor)),
      { numRuns: runs, ...seed },
    )
  })
  test('as lists in lists, with what JSON has no word for', () => {
    fc.assert(
      fc.property(tensors(false), (tensor) => {
        const json = readJson(Buffer.from(`{"a \\"NaN\\" b":${writeNested(tensor, 'as it is')}}`))
        same(readNested({ name: 'x', ...tensor }, json['a "NaN" b']), tensor)
      }),
      { numRuns: runs, ...seed },
    )
  })
  test('a text that looks like what JSON has no word for stays one', () => {
    expect(readJson(Buffer.from('{"a":["NaN","\\"Infinity","x\\\\"],"b":[NaN,-Infinity]}'))).toEqual({
      a: ['NaN', '"Infinity', 'x\\'],
      b: [null, Number.NEGATIVE_INFINITY],
    })
  })
})

describe('what does not fit its type', () => {
  const wrong: readonly (readonly [type: string, value: unknown])[] = [
    ['float32', '1'],
    ['float64', true],
    ['int64', 2 ** 53],
    ['int64', 0.5],
    ['uint64', -1],
    ['int32', 2 ** 31],
    ['uint8', 256],
    ['int8', null],
    ['bool', 2],
    ['string', 7],
    ['string', { b65: '' }],
    ['float16', 1],
  ]
  test.each(wrong)('%s: %s', (type, value) => {
    expect(() => readValues('x', type, [value])).toThrow(Unexpected)
  })
  test('lists of different lengths, and too few of them', () => {
    const x = { name: 'x', type: 'float32', shape: [-1, 2] }
    for (const value of [[[1, 2], [3]], [1, 2], 1, null, [[1, 2], 3], [[[1]], [[2]]]])
      expect(() => readNested(x, value)).toThrow(Unexpected)
    expect(writeValues({ type: 'float32', shape: [2], data: Float32Array.of(Number.NaN, 1) }, 'in JSON')).toBe(
      '[null,1]',
    )
  })
})
