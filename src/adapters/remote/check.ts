/** Whether what a server answered, or says of a model, is what was registered. Throws Unexpected. */
import { bounds } from '../../kernel/limits.ts'
import type { Tensors } from '../../ports/model-runtime.ts'
import type { TensorInfo } from '../../ports/registry-store.ts'
import { mostBytes } from './connection.ts'
import { Unexpected } from './json.ts'
import type { RemoteFile } from './remote-file.ts'
import { rowsOf } from './rows.ts'

const shown = (shape: readonly number[]): string => `[${shape.join(', ')}]`

/** Of a number as JSON, of a text, and of what stands around them. */
const [numberBytes, textBytes, aroundBytes] = [32, 2 * bounds.stringBytes, 64 * 1024]

/** No answer to so many rows is larger, in whatever form it comes. */
export function mostBytesOf({ outputs }: RemoteFile, rows: number): number {
  let most = aroundBytes
  for (const { type, shape } of outputs) {
    // What nobody reads comes too, from some servers.
    if (type === 'no tensor') return mostBytes
    const values = shape.reduce(
      (size, one, i) => size * (one >= 0 ? one : i === 0 ? rows : Number.POSITIVE_INFINITY),
      1,
    )
    most += values * (type === 'string' ? textBytes : numberBytes)
  }
  return Math.min(mostBytes, most)
}

export function checkAnswer(file: RemoteFile, inputs: Tensors, outputs: readonly string[], answer: Tensors): void {
  const rows = rowsOf(inputs)
  for (const { name, type, shape } of file.outputs) {
    if (!outputs.includes(name)) continue
    const given = Object.hasOwn(answer, name) ? answer[name]! : null
    if (given === null) throw new Unexpected(`it has no output '${name}'`)
    if (given.type !== type) throw new Unexpected(`'${name}' is ${given.type}, and was registered as ${type}`)
    if (given.shape.length !== shape.length || !shape.every((size, i) => size === -1 || size === given.shape[i]))
      throw new Unexpected(`'${name}' has the shape ${shown(given.shape)}, and was registered with ${shown(shape)}`)
    if (shape[0] === -1 && given.shape[0] !== rows)
      throw new Unexpected(`'${name}' has ${given.shape[0]} rows, and was asked for ${rows}`)
    const size = given.shape.reduce((a, b) => a * b, 1)
    if (given.data.length !== size) throw new Unexpected(`'${name}' has ${given.data.length} values for ${size}`)
  }
}

/** `told` is what the server says now; it may give more than was registered, and take no more. */
export function checkDescribed(
  file: Pick<RemoteFile, 'inputs' | 'outputs'>,
  told: { readonly inputs: readonly TensorInfo[] | null; readonly outputs: readonly TensorInfo[] | null },
): void {
  for (const side of ['inputs', 'outputs'] as const) {
    const now = told[side]
    if (now === null) continue
    const what = side === 'inputs' ? 'input' : 'output'
    for (const { name, type, shape } of file[side]) {
      const found = now.find((one) => one.name === name)
      if (found === undefined) throw new Unexpected(`it has no ${what} '${name}' any more`)
      const same = found.type === type && found.shape.length === shape.length
      if (!same || !shape.every((size, i) => size === -1 || found.shape[i] === -1 || size === found.shape[i]))
        throw new Unexpected(
          `its ${what} '${name}' is ${found.type} ${shown(found.shape)}, and was registered as ${type} ${shown(shape)}`,
        )
    }
    const more = side === 'inputs' ? now.find(({ name }) => !file.inputs.some((one) => one.name === name)) : undefined
    if (more !== undefined) throw new Unexpected(`it has an input '${more.name}' now, which was not registered`)
  }
}
