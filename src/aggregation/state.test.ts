/** A record answers exactly for an instant, or refuses it: also after tiles that an earlier instant would need were dropped. */
import { expect, test } from 'vitest'
import { entity } from '../definition/entity.ts'
import { source } from '../definition/source.ts'
import { view } from '../definition/view.ts'
import { count } from '../expression/aggregates.ts'
import type { Value } from '../expression/node.ts'
import { limits } from '../kernel/limits.ts'
import type { Event } from './order.ts'
import { planOf } from './plan.ts'
import { viewReader } from './read.ts'
import { apply, emptyState, encode } from './state.ts'

const hour = 3_600_000
const day = 24 * hour
const start = Date.UTC(2024, 0, 1)

const user = entity('user', { key: { user: 'string' } })
const clicks = source('clicks', { fields: { user: 'string', at: 'timestamp' }, time: 'at' })
const activity = view('activity', { entity: user, source: clicks, features: () => ({ clicks_1d: count().over('1d') }) })

test('an instant from before what was dropped is refused, and one after is answered', () => {
  const plan = planOf(activity)
  const reader = viewReader(plan)
  const event = (time: number): Event => ({ time, visible: time + 1, arrival: 0, sequence: null, row: null, args: [] })
  const at = (state: Uint8Array, moment: number): Value => {
    const into: Value[] = [null]
    reader.read(state, moment, into, 0)
    return into[0]!
  }
  const state = emptyState(plan)
  apply(state, plan, [event(start)], start + 10_000, limits)
  expect(at(encode(state, plan), start + hour)).toBe(1)

  apply(state, plan, [event(start + 5 * day)], start + 5 * day + 1, limits)
  const bytes = encode(state, plan)
  expect(() => at(bytes, start + hour)).toThrow(/has summed up|dropped/)
  expect(at(bytes, start + 5 * day)).toBe(0)
  expect(at(bytes, start + 5 * day + 1)).toBe(1)
})
