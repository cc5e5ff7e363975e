/** A linear model as an ONNX file, written byte by byte: y = x·weights + bias, for one float input of as many columns as weights. */

const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)])
const int = (field: number, n: number): number[] => [...varint(field * 8), ...varint(n)]
const block = (field: number, bytes: readonly number[]): number[] => [
  ...varint(field * 8 + 2),
  ...varint(bytes.length),
  ...bytes,
]
const text = (field: number, s: string): number[] => block(field, [...Buffer.from(s)])
const floats = (values: readonly number[]): number[] => [...Buffer.from(Float32Array.from(values).buffer)]
const float32 = 1

const tensor = (name: string, dims: readonly number[], values: readonly number[]): number[] => [
  ...dims.flatMap((size) => int(1, size)),
  ...int(2, float32),
  ...text(8, name),
  ...block(9, floats(values)),
]
/** Of any number of rows. */
const rowsOf = (name: string, width: number): number[] => {
  const shape = [...block(1, text(2, 'N')), ...block(1, int(1, width))]
  return [...text(1, name), ...block(2, block(1, [...int(1, float32), ...block(2, shape)]))]
}

export function linearModel(output: string, weights: readonly number[], bias: number): Buffer {
  const node = [...['x', 'w', 'b'].flatMap((name) => text(1, name)), ...text(2, output), ...text(4, 'Gemm')]
  const graph = [
    ...block(1, node),
    ...text(2, 'linear'),
    ...block(5, tensor('w', [weights.length, 1], weights)),
    ...block(5, tensor('b', [1], [bias])),
    ...block(11, rowsOf('x', weights.length)),
    ...block(12, rowsOf(output, 1)),
  ]
  return Buffer.from([...int(1, 8), ...block(7, graph), ...block(8, [...text(1, ''), ...int(2, 17)])])
}
