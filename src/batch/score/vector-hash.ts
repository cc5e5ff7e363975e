/**
 * A number for each vector by which it is known again: 64 bits, of the bits of its values in their order. Two that differ have one number once in
 * some 10^19 pairs.
 */
import type { Column } from '../../ports/batch-rows.ts'

const bits = new Float64Array(1)
const words = new Int32Array(bits.buffer)

export function hashVectors(entries: readonly Column[], rows: number): BigInt64Array {
  const hashes = new BigInt64Array(rows)
  const halves = new Int32Array(hashes.buffer)
  for (let row = 0; row < rows; row++) {
    let [a, b] = [0x243f6a88, 0x85a308d3 | 0]
    for (const { values, valid } of entries) {
      const value = valid !== null && valid[row] === 0 ? null : values[row]
      if (typeof value === 'string') {
        for (let i = 0; i < value.length; i++) {
          a = Math.imul(a ^ value.charCodeAt(i), 0x9e3779b1)
          b = Math.imul(b ^ a, 0x85ebca77) + i
        }
        a ^= value.length
      } else {
        bits[0] = value === null || value === undefined ? Number.NaN : Number(value)
        a = Math.imul(a ^ words[0]!, 0x9e3779b1)
        b = Math.imul(b ^ words[1]!, 0x85ebca77)
        // What is missing is not what is not a number.
        if (value === null) a ^= 0x5bd1e995
      }
      a = (a ^ (a >>> 15) ^ b) | 0
      b = (Math.imul(b ^ (b >>> 13), 0xc2b2ae3d) + a) | 0
    }
    halves[2 * row] = Math.imul(a ^ (a >>> 16), 0x7feb352d) ^ b
    halves[2 * row + 1] = Math.imul(b ^ (b >>> 15), 0x846ca68b) ^ a
  }
  return hashes
}
