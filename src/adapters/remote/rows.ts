/** Calls with more rows than a server takes, in parts that it does, some at once; and the answers put together again. */
import type { Tensor, TensorData, Tensors } from '../../ports/model-runtime.ts'
import { readValues } from './json.ts'
import type { RemoteFile } from './remote-file.ts'

export const rowsOf = (inputs: Tensors): number => {
  for (const name in inputs) return inputs[name]!.shape[0] ?? 1
  return 0
}

/** The answer to no rows. */
export function noRows({ outputs }: RemoteFile, wanted: readonly string[]): Tensors {
  const tensors: { [name: string]: Tensor } = {}
  for (const { name, type, shape } of outputs)
    if (wanted.includes(name)) {
      const sizes = shape.map((size, i) => (i === 0 ? 0 : Math.max(0, size)))
      tensors[name] = { type, shape: sizes, data: readValues(name, type, []) }
    }
  return tensors
}

const atOnce = 4

export async function inParts(
  inputs: Tensors,
  most: number,
  run: (part: Tensors) => Promise<Tensors>,
): Promise<Tensors> {
  const rows = rowsOf(inputs)
  const answers = new Array<Tensors>(Math.ceil(rows / most))
  let next = 0
  const inTurn = async (): Promise<void> => {
    while (next < answers.length) {
      const at = next++
      try {
        answers[at] = await run(part(inputs, at * most, Math.min(rows, (at + 1) * most)))
      } catch (error) {
        // The others are of no use any more.
        next = answers.length
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, answers.length) }, inTurn))
  const joined: { [name: string]: Tensor } = {}
  for (const name in answers[0]) joined[name] = join(answers.map((one) => one[name]!))
  return joined
}

function part(inputs: Tensors, from: number, to: number): Tensors {
  const cut: { [name: string]: Tensor } = {}
  for (const name in inputs) {
    const { type, shape, data } = inputs[name]!
    const width = data.length / shape[0]!
    const ends = [from * width, to * width] as const
    const values: TensorData = Array.isArray(data) ? data.slice(...ends) : (data as Float32Array).subarray(...ends)
    cut[name] = { type, shape: [to - from, ...shape.slice(1)], data: values }
  }
  return cut
}

function join(parts: readonly Tensor[]): Tensor {
  const { type, shape, data } = parts[0]!
  const rows = parts.reduce((sum, one) => sum + one.shape[0]!, 0)
  const all = [rows, ...shape.slice(1)]
  if (Array.isArray(data)) return { type, shape: all, data: parts.flatMap((one) => one.data as readonly string[]) }
  const length = parts.reduce((sum, one) => sum + one.data.length, 0)
  const whole = new (data.constructor as Float32ArrayConstructor)(length)
  let at = 0
  for (const one of parts) {
    whole.set(one.data as Float32Array, at)
    at += one.data.length
  }
  return { type, shape: all, data: whole }
}
