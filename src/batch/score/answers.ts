/** What a file gives, as columns of answers: by the rules by which one answer is read, and missing where it would be none. */
import type { Model, Output } from '../../definition/model.ts'
import type { Signature } from '../../inference/index.ts'
import type { Column, WrittenColumn } from '../../ports/batch-rows.ts'
import type { Tensor, Tensors } from '../../ports/model-runtime.ts'

/** Answers of some rows, filled call by call. */
export interface AnswerColumn {
  readonly name: string
  readonly kind: Output
  readonly written: WrittenColumn['type']
  readonly values: Float64Array | Float32Array | (string | null)[] | (readonly number[] | null)[]
  readonly valid: Uint8Array
}

/** `single`: the file gives float32, which is kept as it is. */
export function emptyAnswers(
  outputs: readonly (readonly [name: string, kind: Output])[],
  single: ReadonlySet<string>,
  rows: number,
): readonly AnswerColumn[] {
  return outputs.map(([name, kind]): AnswerColumn => {
    const valid = new Uint8Array(rows)
    if (typeof kind === 'object' && 'vector' in kind)
      return { name, kind, written: 'float64[]', values: new Array<null>(rows).fill(null), valid }
    if (typeof kind === 'object')
      return { name, kind, written: 'string', values: new Array<null>(rows).fill(null), valid }
    return single.has(name)
      ? { name, kind, written: 'float32', values: new Float32Array(rows), valid }
      : { name, kind, written: 'float64', values: new Float64Array(rows), valid }
  })
}

export function setAnswer({ values, valid }: AnswerColumn, row: number, value: unknown): void {
  if (value === null || value === undefined) return
  ;(values as { [row: number]: unknown })[row] = value
  valid[row] = 1
}

/** Into the rows at `rows`, which the call was about. */
export function readAnswers(
  { outputs }: Signature,
  tensors: Tensors,
  answers: readonly AnswerColumn[],
  rows: Int32Array,
): void {
  for (const { name, tensor } of outputs) {
    const answer = answers.find((one) => one.name === name)!
    const given = tensors[tensor]
    if (given !== undefined) read(given, answer, rows)
  }
}

function read({ data }: Tensor, answer: AnswerColumn, rows: Int32Array): void {
  const width = data.length / rows.length
  if (!Number.isInteger(width)) return
  const { kind, values, valid } = answer
  if (kind === 'probability' || kind === 'number') {
    if (width !== 1 && !(kind === 'probability' && width === 2)) return
    const numbers = values as Float64Array
    // Of two columns the second is that of the positive class.
    const at = width - 1
    for (let i = 0; i < rows.length; i++) {
      const value = Number(data[i * width + at])
      const fits = kind === 'probability' ? value >= 0 && value <= 1 : value - value === 0
      if (!fits) continue
      numbers[rows[i]!] = value
      valid[rows[i]!] = 1
    }
    return
  }
  for (let i = 0; i < rows.length; i++) {
    if ('vector' in kind) {
      if (width !== kind.vector) return
      const vector = Array.from({ length: width }, (_, k) => Number(data[i * width + k]))
      if (vector.every(Number.isFinite)) setAnswer(answer, rows[i]!, vector)
      continue
    }
    if (width !== 1) return
    const value = data[i]!
    const text = typeof value === 'string' ? value : kind.label[Number(value)]
    if (text !== undefined && kind.label.includes(text)) setAnswer(answer, rows[i]!, text)
  }
}

export const columnOf = ({ name, kind, values, valid }: AnswerColumn): Column => ({
  name,
  type: typeof kind !== 'object' ? 'float64' : 'label' in kind ? 'string' : 'float64[]',
  values: values as Column['values'],
  valid: valid.every((one) => one === 1) ? null : valid,
})

export const outputsOf = ({ output }: Model): readonly (readonly [name: string, kind: Output])[] =>
  Object.entries(output)
