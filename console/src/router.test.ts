import { expect, test } from 'vitest'
import type { Place } from './router.ts'
import { hashOf, placeOf } from './router.ts'

test.each<Place>([
  { page: 'overview' },
  { page: 'models' },
  { page: 'model', model: 'late' },
  { page: 'model', model: '../%2F #?é 模型' },
  { page: 'version', model: 'a model', version: '12' },
  { page: 'card', model: 'late', version: '3' },
  { page: 'compare', model: 'late', a: '3', b: 'champion' },
  { page: 'audit', model: '' },
  { page: 'audit', model: 'late' },
  { page: 'lineage', of: 'version', value: '' },
  { page: 'lineage', of: 'column', value: 'landings.arr_delay' },
])('%j has an address, and is found by it', (place) => {
  expect(placeOf(hashOf(place))).toEqual(place)
})

test.each(['#/models/%', '#/nothing', '#/models/late/versions', '#/models/late/versions/3/cards', '#/audit/a/b'])(
  'nothing is at %s',
  (hash) => expect(placeOf(hash)).toEqual({ page: 'nowhere' }),
)

test.each(['', '#', '#/'])('%j is the overview', (hash) => expect(placeOf(hash)).toEqual({ page: 'overview' }))
