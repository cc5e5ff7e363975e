/**
 * A read for work that has to be done rather than done at once: what is acknowledged, not what is predicted. `read` gives up on a
 * shared store after a moment, since a prediction goes on without; an update that changes nothing tries for as long as updates do.
 */
import { isSixfoldError } from '../kernel/errors.ts'
import type { OnlineStore } from '../ports/online-store.ts'

export async function patientRead(
  store: OnlineStore,
  keys: readonly Uint8Array[],
  visit: (index: number, value: Uint8Array | null) => void,
): Promise<void> {
  try {
    await store.read(keys, visit)
  } catch (error) {
    if (!isSixfoldError(error) || error.code !== 'SX_STORE_UNAVAILABLE') throw error
    await store.update(keys, (values) => {
      for (const [i, value] of values.entries()) visit(i, value)
      return values.map(() => undefined)
    })
  }
}
