import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Tensor, TensorData } from '../../ports/model-runtime.ts'
import { readInfer, writeInfer } from './http-codec.ts'
import { readableNumbers } from './numbers.ts'
import {
  datatypeOf,
  datatypes,
  elementsOf,
  fromBytes,
  fromJson,
  toBytes,
  toJsonText,
  typeOfDatatype,
} from './tensors.ts'

const bytes = (...hex: readonly string[]): Uint8Array => Buffer.from(hex.join(''), 'hex')
const pair = [2]

/** Of each datatype two elements: as bytes on the wire, as JSON, and as the runtime has them. */
const vectors: readonly (readonly [datatype: string, wire: Uint8Array, json: string | null, data: TensorData])[] = [
  ['BOOL', bytes('01', '00'), '[true,false]', Uint8Array.of(1, 0)],
  ['UINT8', bytes('ff', '00'), '[255,0]', Uint8Array.of(255, 0)],
  ['UINT16', bytes('ffff', '0100'), '[65535,1]', Uint16Array.of(65_535, 1)],
  ['UINT32', bytes('ffffffff', '02000000'), '[4294967295,2]', Uint32Array.of(4_294_967_295, 2)],
  [
    'UINT64',
    bytes('ffffffffffffffff', '0300000000000000'),
    '[18446744073709551615,3]',
    BigUint64Array.of(18_446_744_073_709_551_615n, 3n),
  ],
  ['INT8', bytes('80', '7f'), '[-128,127]', Int8Array.of(-128, 127)],
  ['INT16', bytes('0080', 'ff7f'), '[-32768,32767]', Int16Array.of(-32_768, 32_767)],
  ['INT32', bytes('00000080', 'ffffff7f'), '[-2147483648,2147483647]', Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
  [
    'INT64',
    bytes('0000000000000080', '0100000000002000'),
    '[-9223372036854775808,9007199254740993]',
    BigInt64Array.of(-9_223_372_036_854_775_808n, 9_007_199_254_740_993n),
  ],
  ['FP16', bytes('003c', '00c0'), null, Uint16Array.of(0x3c00, 0xc000)],
  ['FP32', bytes('0000c03f', '0000807f'), '[1.5,"Infinity"]', Float32Array.of(1.5, Number.POSITIVE_INFINITY)],
  ['FP64', bytes('9a9999999999b93f', '000000000000f87f'), '[0.1,null]', Float64Array.of(0.1, Number.NaN)],
  ['BYTES', bytes('00000000', '05000000', 'e282acc3a4'), '["","€ä"]', ['', '€ä']],
]

test('every datatype has its vector, and its type', () => {
  expect(vectors.map(([datatype]) => datatype)).toEqual(datatypes)
  for (const datatype of datatypes) expect(datatypeOf(typeOfDatatype('x', datatype))).toBe(datatype)
})

test.each(vectors)('%s', (datatype, wire, json, data) => {
  const tensor = { type: typeOfDatatype('x', datatype), shape: pair, data }
  expect(fromBytes('x', datatype, pair, wire)).toEqual(tensor)
  expect(Buffer.from(toBytes(tensor))).toEqual(Buffer.from(wire))
  if (json === null) {
    expect(() => fromJson('x', datatype, pair, [1, -2])).toThrow(/no form in JSON/)
    return
  }
  expect(toJsonText(tensor)).toBe(json)
  expect(fromJson('x', datatype, pair, JSON.parse(readableNumbers(json)))).toEqual(tensor)
  expect(
    fromJson(
      'x',
      datatype,
      [2, 1],
      JSON.parse(readableNumbers(json)).map((one: unknown) => [one]),
    ).data,
  ).toEqual(data)
})

test('bytes that lie at an odd place, and what the caller does to them afterwards', () => {
  const wire = Uint8Array.of(9, 0, 0, 0xc0, 0x3f, 9)
  const tensor = fromBytes('x', 'FP32', [1], wire.subarray(1, 5))
  wire.fill(0)
  expect(tensor.data).toEqual(Float32Array.of(1.5))
})

describe('what is refused', () => {
  const refused = (work: () => unknown, says: RegExp): void => {
    expect(work).toThrow(says)
    expect(work).toThrow(expect.objectContaining({ code: 'SX_TENSOR_INVALID' }))
  }

  test.each([
    ['INT8', 128],
    ['INT8', -129],
    ['UINT8', -1],
    ['UINT16', 65_536],
    ['INT32', 2 ** 31],
    ['INT32', 1.5],
    ['INT32', '1'],
    ['INT64', 2 ** 53],
    ['INT64', '9223372036854775808'],
    ['UINT64', -1],
    ['UINT64', '18446744073709551616'],
    ['INT64', null],
    ['BOOL', 'true'],
    ['BOOL', 2],
    ['FP32', '1'],
    ['FP32', true],
    ['FP64', 'infinity'],
    ['BYTES', 1],
    ['BYTES', null],
    ['BYTES', {}],
  ])('%s %j', (datatype, value) => {
    refused(() => fromJson('x', datatype, [2], [0, value].slice(-1).concat([0]).slice(0, 2)), /element 0/)
  })

  test('a shape that lies: before anything is made by it', () => {
    const before = process.memoryUsage().arrayBuffers
    for (const shape of [[2 ** 40], [2 ** 31, 2 ** 20], [1_000_000, 1_000]]) {
      refused(() => fromBytes('x', 'FP64', shape, bytes('00')), /has 1 bytes/)
      refused(() => fromBytes('x', 'BYTES', shape, bytes('00000000')), /has 1 elements/)
      refused(() => fromJson('x', 'FP64', shape, [1]), /has 1 elements/)
    }
    for (const shape of [[-1], [1.5], [Number.NaN], [2 ** 53], [2 ** 30, 2 ** 30]])
      refused(() => elementsOf('x', shape), /which is none|can be counted/)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })

  test('lengths of texts that lie', () => {
    for (const wire of [bytes('ff'), bytes('ffffffff'), bytes('05000000', '61'), bytes('01000000', '61', '00')])
      refused(() => fromBytes('x', 'BYTES', [1], wire), /ends within element/)
    refused(() => fromBytes('x', 'BYTES', [1], bytes('01000000', 'ff')), /not UTF-8/)
    refused(() => fromBytes('x', 'BYTES', [2], bytes('00000000')), /has 1 elements/)
  })
})

describe('numbers as Python writes them', () => {
  test.each([
    ['[NaN,-Infinity,Infinity]', [null, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]],
    ['{"NaN":"Infinity \\"NaN","b":NaN}', { NaN: 'Infinity "NaN', b: null }],
    ['[9007199254740993,-12345678901234567890]', ['9007199254740993', '-12345678901234567890']],
    [
      '["1234567890123456789",1234567890123456.5,1e999]',
      ['1234567890123456789', 1_234_567_890_123_456.5, Number.POSITIVE_INFINITY],
    ],
    ['[-999999999999999,0.1234567890123456]', [-999_999_999_999_999, 0.1234567890123456]],
  ])('%s', (text, value) => {
    expect(JSON.parse(readableNumbers(text))).toEqual(value)
  })

  test('what is no JSON does not become some', () => {
    for (const text of ['[NaNa]', '[1NaN]', '"NaN', '[--Infinity]', '[Infinity', '[1-1234567890123456789]'])
      expect(() => JSON.parse(readableNumbers(text))).toThrow(SyntaxError)
  })

  test('whatever JSON there is stays what it is', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text)
        const quoted = JSON.parse(readableNumbers(text), (_, one: unknown) =>
          typeof one === 'string' && /^-?\d{16,100}$/.test(one) ? Number(one) : one,
        )
        const plain = JSON.parse(JSON.stringify(value), (_, one: unknown) =>
          typeof one === 'string' && /^-?\d{16,100}$/.test(one) ? Number(one) : one,
        )
        expect(quoted).toEqual(plain)
      }),
      { numRuns: Number(process.env['RUNS'] ?? 2_000) },
    )
  })
})

const elements: { readonly [datatype: string]: fc.Arbitrary<unknown> } = {
  BOOL: fc.boolean().map(Number),
  UINT8: fc.integer({ min: 0, max: 255 }),
  UINT16: fc.integer({ min: 0, max: 65_535 }),
  UINT32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  UINT64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  INT8: fc.integer({ min: -128, max: 127 }),
  INT16: fc.integer({ min: -32_768, max: 32_767 }),
  INT32: fc.integer(),
  INT64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  FP16: fc.integer({ min: 0, max: 65_535 }),
  FP32: fc.float(),
  FP64: fc.double(),
  BYTES: fc.string({ unit: 'binary' }),
}

/** A tensor of any datatype, of one to three dimensions, also without an element. */
const tensors: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom(...datatypes), fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 }))
  .chain(([datatype, shape]) => {
    const length = shape.reduce((product, size) => product * size, 1)
    return fc.array(elements[datatype]!, { minLength: length, maxLength: length }).map((values) => {
      const empty = fromBytes('x', datatype, [0], new Uint8Array()).data
      const data = ArrayBuffer.isView(empty)
        ? (empty.constructor as unknown as { from(values: unknown): TensorData }).from(values)
        : (values as readonly string[])
      return { type: typeOfDatatype('x', datatype), shape, data }
    })
  })

test('whatever is written comes back, as JSON and as bytes side by side', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(tensors, fc.boolean()), { minLength: 1, maxLength: 5 }), (given) => {
      const outputs = given.map(([tensor], i) => ({ name: `t${i}`, tensor }))
      const { body, jsonLength } = writeInfer(
        { model: 'm', version: '1', parameters: {}, outputs },
        { id: 'i', binary: (name) => given[Number(name.slice(1))]![1] },
      )
      // An answer is a request whose inputs are called outputs.
      const whole = Buffer.from(body as string)
      const json = whole.subarray(0, jsonLength ?? whole.length).toString()
      const request = Buffer.from(json.replace(',"outputs":[', ',"inputs":['))
      const read = readInfer(
        Buffer.concat([request, whole.subarray(jsonLength ?? whole.length)]),
        jsonLength === null ? {} : { 'inference-header-content-length': String(request.length) },
        32,
      )
      expect(read.id).toBe('i')
      for (const { name, tensor } of outputs) {
        const { type, shape, data } = read.inputs[name]!
        // JSON has one zero.
        expect({ type, shape, data: plain(data) }).toEqual({ type, shape: tensor.shape, data: plain(tensor.data) })
      }
    }),
    { numRuns: Number(process.env['RUNS'] ?? 2_000) },
  )
})

const plain = (data: TensorData): readonly unknown[] =>
  Array.from(data as ArrayLike<unknown>, (value) => (value === 0 ? 0 : value))
