/** Lists in lists, as these protocols send tensors: their shape, which must be that of a block, and tensors as text, row by row. */
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Tensor } from '../../ports/model-runtime.ts'
import { datatypeOf, fromJson, textOf } from '../open-inference/tensors.ts'

const invalid = (problem: string, fix: string): SixfoldError => new SixfoldError('SX_TENSOR_INVALID', problem, { fix })

/** Of the first elements, all the way down. */
function shapeOf(value: unknown): readonly number[] {
  const shape: number[] = []
  for (let at = value; Array.isArray(at); at = at[0]) shape.push(at.length)
  return shape
}

/** Throws SX_TENSOR_INVALID for lists of different lengths side by side. */
function checkBlock(name: string, value: unknown, shape: readonly number[], depth: number): void {
  const fits = depth === shape.length ? !Array.isArray(value) : Array.isArray(value) && value.length === shape[depth]
  if (!fits)
    throw invalid(
      `input '${shorten(name)}' has lists of different lengths at depth ${depth}`,
      'Send as many values in each row.',
    )
  if (depth < shape.length) for (const one of value as readonly unknown[]) checkBlock(name, one, shape, depth + 1)
}

/** Throws SX_TENSOR_INVALID. `type` is the runtime's. */
export function tensorOf(name: string, type: string, value: unknown): Tensor {
  const shape = shapeOf(value)
  checkBlock(name, value, shape, 0)
  return fromJson(name, datatypeOf(type), shape, type === 'string' ? decoded(name, value) : listOf(value))
}

const listOf = (value: unknown): unknown => (Array.isArray(value) ? value : [value])

/** Texts, or bytes as {"b64": "…"}. */
function decoded(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => (Array.isArray(one) ? decoded(name, one) : plain(name, one)))
  return [plain(name, value)]
}

/** Of {"b64": "…"} the text; whatever else it is stays as it is. Throws SX_TENSOR_INVALID. */
export function plain(name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return value
  const encoded = (value as { readonly b64?: unknown }).b64
  if (encoded === undefined) return value
  if (typeof encoded === 'string' && /^[A-Za-z0-9+/_-]*={0,2}$/.test(encoded))
    return textOf(name, Buffer.from(encoded, 'base64'))
  throw invalid(`input '${shorten(name)}' has a value in "b64" that is no Base64`, 'Send Base64, or a text as it is.')
}

/** The whole as JSON. A float that is no number is null; 64-bit integers are written whole. */
export function textOfTensor(tensor: Tensor): string {
  return textFrom(tensor, 0, 0, tensor.data.length)
}

/** One text for each row; null where the first dimension is not `rows`. */
export function textsOfRows(tensor: Tensor, rows: number): readonly string[] | null {
  if (tensor.shape[0] !== rows) return null
  const width = tensor.data.length / Math.max(1, rows)
  return Array.from({ length: rows }, (_, row) => textFrom(tensor, 1, row * width, (row + 1) * width))
}

function textFrom(tensor: Tensor, depth: number, from: number, to: number): string {
  if (depth >= tensor.shape.length) return textOfValue(tensor, from)
  const size = tensor.shape[depth]!
  const width = (to - from) / Math.max(1, size)
  let text = '['
  for (let i = 0; i < size; i++)
    text += (i === 0 ? '' : ',') + textFrom(tensor, depth + 1, from + i * width, from + (i + 1) * width)
  return `${text}]`
}

function textOfValue({ type, data }: Tensor, at: number): string {
  const value = data[at]
  if (type === 'bool') return value === 0 ? 'false' : 'true'
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}
