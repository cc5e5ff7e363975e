/**
 * Whether the runtime answers as a structure says. Runtimes read the same file differently in corners (scores that are never negative, a
 * transform on a regressor), and an answer taken apart by another reading than the one that was served would be wrong without a sign of it.
 */
import { randomInt } from 'node:crypto'
import type { LoadedModel, Tensor } from '../../../ports/model-runtime.ts'
import type { ModelStructure } from '../../../ports/model-structure.ts'
import { answersOf, marginsOf, seenBy } from '../../../ports/model-structure.ts'

const rows = 64
/** Of what was added up, for sums of floats; and whatever that is. */
const relative = 1e-5
const absolute = 1e-5

export async function agrees(structure: ModelStructure, model: LoadedModel): Promise<boolean> {
  const input = model.inputs.find(({ name }) => name === structure.input)
  if (input === undefined || model.inputs.length !== 1 || input.shape.length !== 2) return false
  const width = input.shape[1]! < 0 ? structure.columns : input.shape[1]!
  if (width < structure.columns) return false
  const values = drawn(structure, width, input.type)
  const fixed = input.shape[0] === 1
  const sums = structure.kind === 'trees' ? mostOfTrees(structure) : 0
  for (let from = 0; from < rows; from += fixed ? 1 : rows) {
    const count = fixed ? 1 : rows
    const part = values.subarray(from * width, (from + count) * width)
    const tensor = tensorOf(input.type, [count, width], part)
    if (tensor === null) return false
    const { [structure.output]: answer } = await model.run({ [input.name]: tensor }, [structure.output])
    const given = answer!.data
    if (given.length !== count * structure.width) return false
    for (let row = 0; row < count; row++) {
      const seen = seenBy(structure, part, row * width)
      const margins = marginsOf(structure, seen)
      const answers = answersOf(structure, margins)
      const size = structure.kind === 'trees' ? sums : sizeOf(structure.weight, seen)
      const tolerance = absolute + relative * size
      const first = structure.width - structure.margins
      for (let i = 0; i < answers.length; i++)
        if (!(Math.abs(answers[i]! - Number(given[row * structure.width + first + i])) <= tolerance)) return false
    }
  }
  return true
}

const mostOfTrees = ({ weight, roots }: ModelStructure & { readonly kind: 'trees' }): number =>
  weight.reduce((most, one) => Math.max(most, Math.abs(one)), 0) * Math.min(roots.length, 1_000)

function sizeOf(weight: Float64Array, row: Float64Array): number {
  let size = 0
  for (let i = 0; i < weight.length; i++) size += Math.abs(weight[i]! * row[i % row.length]!)
  return size
}

/** Of trees, values at and about their thresholds, and missing ones; else small numbers. */
function drawn(structure: ModelStructure, width: number, type: string): Float64Array {
  const values = Float64Array.from({ length: rows * width }, () => randomInt(-3_000, 3_000) / 1_000)
  if (structure.kind === 'trees') {
    const { column, threshold, scaling } = structure
    const of: number[][] = Array.from({ length: width }, () => [])
    for (let node = 0; node < column.length; node++) {
      const at = column[node]!
      if (at >= 0 && of[at]!.length < 1_000) of[at]!.push(threshold[node]!)
    }
    for (let i = 0; i < values.length; i++) {
      const at = i % width
      const known = of[at]!
      if (known.length === 0) continue
      const one = known[randomInt(known.length)]!
      const bound = scaling === null ? one : one / (scaling.scale[at]! || 1) + scaling.offset[at]!
      values[i] = [bound, bound, bound - Math.abs(bound) / 8 - 0.01, bound + Math.abs(bound) / 8 + 0.01][randomInt(4)]!
      if (type.startsWith('float') && randomInt(16) === 0) values[i] = Number.NaN
    }
    // At a threshold that was scaled rounding decides, and a row is not there by chance.
    if (scaling !== null) for (let i = 0; i < values.length; i++) values[i]! += 1e-3 * (1 + Math.abs(values[i]!))
  }
  return type.startsWith('float') ? values : values.map(Math.round)
}

function tensorOf(type: string, shape: readonly number[], values: Float64Array): Tensor | null {
  switch (type) {
    case 'float32':
      return { type, shape, data: Float32Array.from(values) }
    case 'float64':
      return { type, shape, data: Float64Array.from(values) }
    case 'int64':
      return { type, shape, data: BigInt64Array.from(Array.from(values, BigInt)) }
    case 'int32':
      return { type, shape, data: Int32Array.from(values) }
    default:
      return null
  }
}
