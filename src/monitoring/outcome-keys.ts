/** Where the online store keeps what is known of a model's outcomes. */
import { prefixOf, space } from '../features/index.ts'
import { parseId } from '../inference/index.ts'

export interface OutcomeKeys {
  /** The first entry of a partition of the log that the index does not have. */
  position(partition: number): Uint8Array
  /** The figures of quality, with the first entries that they do not count. */
  readonly figures: Uint8Array
  /** Where the outcome of a prediction stands in the log. */
  index(id: string): Uint8Array
}

export function keysFor(model: string): OutcomeKeys {
  const prefix = prefixOf(space.outcomes, model)
  const positions = prefixOf(space.position, `outcomes ${model}`)
  return {
    position: (partition) => {
      const key = Buffer.allocUnsafe(positions.length + 4)
      key.set(positions, 0)
      key.writeUInt32BE(partition, positions.length)
      return key
    },
    figures: prefixOf(space.position, `figures ${model}`),
    index: (id) => {
      const { reference, salt } = parseId(id)!
      const key = Buffer.allocUnsafe(prefix.length + 4 + reference.length)
      key.set(prefix, 0)
      key.writeUInt32BE(salt, prefix.length)
      key.write(reference, prefix.length + 4, 'latin1')
      return key
    },
  }
}

/** An entry of the log. */
export interface Place {
  readonly partition: number
  readonly position: number
}

export function encodePlace({ partition, position }: Place): Uint8Array {
  const bytes = Buffer.allocUnsafe(12)
  bytes.writeDoubleLE(position, 0)
  bytes.writeUInt32LE(partition, 8)
  return bytes
}

export function decodePlace(bytes: Uint8Array): Place {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { position: view.getFloat64(0, true), partition: view.getUint32(8, true) }
}

export const samePlace = (a: Place, b: Place): boolean => a.partition === b.partition && a.position === b.position
