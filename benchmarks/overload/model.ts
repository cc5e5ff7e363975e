/** A model that takes about two milliseconds a row: layers of numbers of a seed, which compute nothing of use and take as long as if they did. */
import { writeFileSync } from 'node:fs'
import { onnx } from '../../tests/models/onnx.ts'
import { random } from '../measure.ts'

export const inputs = 16
const hidden = 3_072

export function writeModel(path: string, layers: number): void {
  const numbers = random(7)
  const weights = (from: number, to: number): Float32Array =>
    Float32Array.from({ length: from * to }, () => (numbers.below(2_001) - 1_000) / 1_000 / Math.sqrt(from))
  const widths = [inputs, ...new Array<number>(layers).fill(hidden), 1]
  const nodes = widths.slice(1).flatMap((_, i) => {
    const last = i === widths.length - 2
    return [
      { op: 'MatMul', inputs: [i === 0 ? 'x' : `h${i}`, `w${i}`], outputs: [`s${i}`] },
      { op: last ? 'Sigmoid' : 'Relu', inputs: [`s${i}`], outputs: [last ? 'probability' : `h${i + 1}`] },
    ]
  })
  const graph = onnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['rows', inputs] }],
    outputs: [{ name: 'probability', type: 'float32', shape: ['rows', 1] }],
    nodes,
    constants: widths.slice(1).map((to, i) => ({
      name: `w${i}`,
      type: 'float32',
      shape: [widths[i]!, to],
      data: weights(widths[i]!, to),
    })),
  })
  writeFileSync(path, graph)
}
