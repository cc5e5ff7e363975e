/** What the cases of the online store share. */
import type { OnlineStore } from '../ports/online-store.ts'
import type { ContractCase } from './contract.ts'
import { equal } from './contract.ts'

export type Named = (name: string, body: (store: OnlineStore) => Promise<void>) => ContractCase

export const keyOf = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)

/** A copy of what each key has; throws unless each was visited once. */
export async function allOf(store: OnlineStore, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
  const found: (Uint8Array | null)[] = keys.map(() => null)
  const visits = keys.map(() => 0)
  await store.read(keys, (i, value) => {
    found[i] = value && Uint8Array.from(value)
    visits[i]!++
  })
  equal(
    visits,
    keys.map(() => 1),
    'visits of each key',
  )
  return found
}

export const put = (
  store: OnlineStore,
  keys: readonly Uint8Array[],
  values: readonly (Uint8Array | null)[],
): Promise<void> => store.update(keys, () => values)

export const numberIn = (bytes: Uint8Array | null | undefined): number =>
  bytes ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) : 0

export function numberAs(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

/** Adds one to the number under each key. */
export const increment = (store: OnlineStore, ...keys: readonly Uint8Array[]): Promise<void> =>
  store.update(keys, (values) => values.map((value) => numberAs(numberIn(value) + 1)))
