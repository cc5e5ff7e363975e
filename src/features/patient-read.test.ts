import { expect, test } from 'vitest'
import { SixfoldError } from '../kernel/errors.ts'
import type { OnlineStore } from '../ports/online-store.ts'
import { patientRead } from './patient-read.ts'

const values = [new Uint8Array([1]), null]

/** A store of two values whose reads fail; what an update would write is kept. */
function failing(error: Error): { readonly store: OnlineStore; readonly written: unknown[] } {
  const written: unknown[] = []
  const store: Pick<OnlineStore, 'read' | 'update'> = {
    read: () => Promise.reject(error),
    update: async (_, change) => void written.push(...change(values)),
  }
  return { store: store as OnlineStore, written }
}

async function visited(store: OnlineStore): Promise<unknown> {
  const seen: unknown[] = []
  await patientRead(store, [new Uint8Array(), new Uint8Array()], (i, value) => {
    seen[i] = value
  })
  return seen
}

test('what a read gives up on is had by an update that changes nothing', async () => {
  const { store, written } = failing(new SixfoldError('SX_STORE_UNAVAILABLE', 'Redis did not answer within 100 ms.'))
  expect(await visited(store)).toEqual(values)
  expect(written).toEqual([undefined, undefined])
})

test('whatever else is wrong is told', async () => {
  const { store, written } = failing(new SixfoldError('SX_STORE_DENIED', 'Redis refuses the user.'))
  await expect(visited(store)).rejects.toThrow('refuses')
  expect(written).toEqual([])
})
