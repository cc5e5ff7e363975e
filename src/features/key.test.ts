import { expect, test } from 'vitest'
import type { KeyFields } from '../definition/entity.ts'
import { keyEncoder, prefixOf, reusedKeyEncoder, space } from './key.ts'

const key: KeyFields = { carrier: 'string', at: 'timestamp', seats: 'int64' }
const prefix = prefixOf(space.state, 'view')

test('a key written into reused memory is the key itself, also for the first of its length', () => {
  const encode = keyEncoder(prefix, key)
  // Parts stand in the order of their names: at, carrier, seats.
  const reused = reusedKeyEncoder(prefix, key, [2, 0, 1])
  for (const carrier of ['UA', 'B6', 'é', '', 'x'.repeat(3000)]) {
    const parts = [1_370_000_000_000, carrier, 150n]
    const row = [carrier, 150n, 1_370_000_000_000]
    for (const _ of [1, 2]) expect(Buffer.from(reused(row)).equals(encode(parts)), carrier).toBe(true)
  }
})
