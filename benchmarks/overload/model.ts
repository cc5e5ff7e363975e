/**
 * A model that takes about a millisecond a row: layers of numbers of a seed, which compute nothing of use and take as long as if they
 * did. All but the first and the last share their numbers, so that the file is small.
 */
import { writeFileSync } from 'node:fs'
import { onnx } from '../../tests/models/onnx.ts'
import { random } from '../measure.ts'

export const inputs = 16
const hidden = 512

export function writeModel(path: string, layers: number): void {
  const numbers = random(7)
  const weights = (from: number, to: number): Float32Array =>
    Float32Array.from({ length: from * to }, () => (numbers.below(2_001) - 1_000) / 1_000 / Math.sqrt(from))
  const steps = ['in', ...new Array<string>(layers).fill('between'), 'out']
  const nodes = steps.flatMap((weight, i) => {
    const last = i === steps.length - 1
    return [
      { op: 'MatMul', inputs: [i === 0 ? 'x' : `h${i}`, weight], outputs: [`s${i}`] },
      { op: last ? 'Sigmoid' : 'Relu', inputs: [`s${i}`], outputs: [last ? 'probability' : `h${i + 1}`] },
    ]
  })
  const graph = onnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['rows', inputs] }],
    outputs: [{ name: 'probability', type: 'float32', shape: ['rows', 1] }],
    nodes,
    constants: [
      { name: 'in', type: 'float32', shape: [inputs, hidden], data: weights(inputs, hidden) },
      { name: 'between', type: 'float32', shape: [hidden, hidden], data: weights(hidden, hidden) },
      { name: 'out', type: 'float32', shape: [hidden, 1], data: weights(hidden, 1) },
    ],
  })
  writeFileSync(path, graph)
}
