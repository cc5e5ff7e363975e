/** From a row of a source's fields to an event of a view. */
import type { Event } from '../aggregation/order.ts'
import { RowBytes } from '../aggregation/order.ts'
import type { ViewPlan } from '../aggregation/plan.ts'
import { visibleFrom } from '../aggregation/visibility.ts'
import type { Value } from '../expression/node.ts'
import type { Int64 } from '../kernel/int64.ts'

/** Why a row is no event. */
export type NoEvent = 'without time' | 'without key' | 'without arrival'

/** What every view of a source asks of a row: its time and, where one is named, its arrival. */
export function timesOf(
  plan: ViewPlan,
  row: readonly Value[],
): { readonly time: number; readonly visible: number } | NoEvent {
  const time = row[plan.timeField] as number | null
  if (time === null) return 'without time'
  const arrival = plan.arrivalField === null ? null : (row[plan.arrivalField] as number | null)
  if (plan.arrivalField !== null && arrival === null) return 'without arrival'
  return { time, visible: visibleFrom(time, arrival, plan.visibility) }
}

/** The parts of the key, in the order of their names; null if one is missing. */
export function keyOf(plan: ViewPlan, row: readonly Value[]): readonly Value[] | null {
  const { keyFields } = plan
  const parts = new Array<Value>(keyFields.length)
  for (let i = 0; i < keyFields.length; i++) {
    const part = row[keyFields[i]!]!
    if (part === null) return null
    parts[i] = part
  }
  return parts
}

/** The row has a time and an arrival. */
export function eventOf(
  plan: ViewPlan,
  row: readonly Value[],
  { time, visible }: { readonly time: number; readonly visible: number },
): Event {
  const { arrivalField, sequenceField, evaluate } = plan
  const args = new Array<Value>(evaluate.length)
  for (let i = 0; i < evaluate.length; i++) args[i] = evaluate[i]!(row)
  return {
    time,
    visible,
    arrival: arrivalField === null ? 0 : (row[arrivalField] as number),
    sequence: sequenceField === null ? null : (row[sequenceField] as Int64 | null),
    row: plan.withRow ? new RowBytes(row, plan.fieldTypes) : null,
    args,
  }
}
