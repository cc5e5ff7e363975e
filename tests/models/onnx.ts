/**
 * ONNX files without Python: a graph as a value becomes the bytes of a `ModelProto`. An ONNX file is a protocol buffer; this writes the
 * fields that small models need, by their numbers in onnx.proto. Whether the files are right is for onnxruntime to say, which loads them
 * in every test that uses them.
 */

export type ElementType = keyof typeof elementTypes
/** The numbers of TensorProto.DataType. */
const elementTypes = { float32: 1, int32: 6, int64: 7, string: 8, bool: 9, float64: 11, float16: 10 } as const

/** A dimension that is a text is free, and has that name. */
export interface TensorValue {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly (number | string)[]
}
/** What a ZipMap gives: for each row the probability of each label. */
export interface MapsValue {
  readonly name: string
  readonly maps: 'int64' | 'string'
}
export interface Constant {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly number[]
  /** Many numbers come as they lie in memory. */
  readonly data: readonly (number | string)[] | Float32Array
  /** The file beside the model in which the data lies instead. */
  readonly external?: string
}
export interface Operation {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly domain?: string
  readonly attributes?: { readonly [name: string]: number | string | Attribute }
}
/** A bare number is an integer, a bare text a string; the rest says what it is. */
export type Attribute =
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }

export interface Graph {
  readonly inputs: readonly TensorValue[]
  readonly outputs: readonly (TensorValue | MapsValue)[]
  readonly nodes: readonly Operation[]
  readonly constants?: readonly Constant[]
  readonly opset?: number
  /** Text that onnxruntime does not read, to make files differ. */
  readonly producer?: string
}

export function onnx({ inputs, outputs, nodes, constants = [], opset = 17, producer = 'tests' }: Graph): Buffer {
  const graph = message(
    ...nodes.map((node) => field(1, operation(node))),
    field(2, 'graph'),
    ...constants.map((constant) => field(5, tensor(constant))),
    ...inputs.map((input) => field(11, value(input))),
    ...outputs.map((output) => field(12, value(output))),
  )
  const domains = [...new Set(nodes.map(({ domain }) => domain ?? ''))].filter((domain) => domain !== '')
  return message(
    field(1, 8),
    field(2, producer),
    field(7, graph),
    field(8, message(field(1, ''), field(2, opset))),
    ...domains.map((domain) => field(8, message(field(1, domain), field(2, 3)))),
  )
}

function value(value: TensorValue | MapsValue): Buffer {
  if ('maps' in value) {
    const map = message(field(1, elementTypes[value.maps]), field(2, message(field(1, tensorType('float32', [])))))
    return message(field(1, value.name), field(2, message(field(4, message(field(1, message(field(5, map))))))))
  }
  return message(field(1, value.name), field(2, message(field(1, tensorType(value.type, value.shape)))))
}

function tensorType(type: ElementType, shape: readonly (number | string)[]): Buffer {
  const dimensions = shape.map((size) => field(1, message(typeof size === 'number' ? field(1, size) : field(2, size))))
  return message(field(1, elementTypes[type]), field(2, message(...dimensions)))
}

function operation({ op, inputs, outputs, domain, attributes = {} }: Operation): Buffer {
  return message(
    ...inputs.map((name) => field(1, name)),
    ...outputs.map((name) => field(2, name)),
    field(4, op),
    ...Object.entries(attributes).map(([name, given]) => field(5, attribute(name, given))),
    ...(domain === undefined ? [] : [field(7, domain)]),
  )
}

function attribute(name: string, given: number | string | Attribute): Buffer {
  if (typeof given === 'number') return message(field(1, name), field(3, given), field(20, 2))
  if (typeof given === 'string') return message(field(1, name), field(4, given), field(20, 3))
  if ('float' in given) return message(field(1, name), float(2, given.float), field(20, 1))
  if ('floats' in given) return message(field(1, name), ...given.floats.map((each) => float(7, each)), field(20, 6))
  if ('ints' in given) return message(field(1, name), ...given.ints.map((each) => field(8, each)), field(20, 7))
  return message(field(1, name), ...given.strings.map((each) => field(9, each)), field(20, 8))
}

function tensor({ name, type, shape, data, external }: Constant): Buffer {
  const head = message(...shape.map((size) => field(1, size)), field(2, elementTypes[type]))
  if (external !== undefined)
    return message(head, field(8, name), field(13, message(field(1, 'location'), field(2, external))), field(14, 1))
  if (data instanceof Float32Array)
    return message(head, field(8, name), field(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)))
  const values =
    type === 'string'
      ? data.map((each) => field(6, String(each)))
      : data.map((each) => (type === 'int64' ? field(7, Number(each)) : float(4, Number(each))))
  return message(head, ...values, field(8, name))
}

// --- the wire format

const message = (...parts: readonly Buffer[]): Buffer => Buffer.concat(parts)

/** An integer as a varint; a text or a message with its length before it. */
function field(number: number, content: number | string | Buffer): Buffer {
  if (typeof content === 'number') return Buffer.concat([varint(BigInt(number << 3)), varint(BigInt(content))])
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes])
}

function float(number: number, content: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(content)
  return Buffer.concat([varint(BigInt((number << 3) | 5)), bytes])
}

function varint(integer: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, integer)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}
