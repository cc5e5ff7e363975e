/** Where the online store keeps what is known of a model's outcomes. */
import { prefixOf, space } from '../features/index.ts'

export interface OutcomeKeys {
  /** The first entry of the log that the index does not have. */
  readonly position: Uint8Array
  /** The figures of quality, with the first entry that they do not count. */
  readonly figures: Uint8Array
  /** The outcome of the prediction at a position of the model's log. */
  index(position: number): Uint8Array
}

export function keysFor(model: string): OutcomeKeys {
  const prefix = prefixOf(space.outcomes, model)
  return {
    position: prefixOf(space.position, `outcomes ${model}`),
    figures: prefixOf(space.position, `figures ${model}`),
    index: (position) => {
      const key = Buffer.allocUnsafe(prefix.length + 8)
      key.set(prefix, 0)
      key.writeBigUInt64BE(BigInt(position), prefix.length)
      return key
    },
  }
}
