/**
 * Instants and lengths of time: integers of milliseconds, so every part but the calendar's is integer arithmetic. Counting
 * from the year 1 keeps the dividends above zero, where every engine divides alike; 0001-01-01 was a Monday.
 */
import { instantMin } from '../../kernel/instant.ts'
import type { FunctionSpec } from './spec.ts'
import { exactly } from './spec.ts'

const fromYearOne = (x: string): string => `(${x} + ${-instantMin})`

/** How many whole units have passed, modulo how many there are, from `first` on. */
const cyclic = (unitMs: number, cycle: number, first: number): FunctionSpec => ({
  signature: exactly(['timestamp'], 'int64'),
  exact: true,
  javascript: { strict: () => (x: number) => (Math.floor((x - instantMin) / unitMs) % cycle) + first },
  sql: (w, operands) =>
    w.of(operands, (x) => `(${w.dialect.divideIntegers(fromYearOne(x), String(unitMs))} % ${cycle} + ${first})`),
})
const calendar = (part: 'year' | 'month' | 'day', read: (date: Date) => number): FunctionSpec => ({
  signature: exactly(['timestamp'], 'int64'),
  exact: true,
  javascript: { strict: () => (x: number) => read(new Date(x)) },
  sql: (w, operands) => w.of(operands, (x) => w.dialect.datePart(part, x)),
})
const per = (unitMs: number): FunctionSpec => ({
  signature: exactly(['duration'], 'float64'),
  exact: true,
  javascript: { strict: () => (x: number) => x / unitMs },
  sql: (w, operands) => w.of(operands, (x) => `(${w.dialect.integerToFloat(x)} / ${unitMs})`),
})

type Name =
  | 'year'
  | 'month'
  | 'day'
  | 'weekday'
  | 'hour'
  | 'minute'
  | 'since'
  | 'seconds'
  | 'minutes'
  | 'hours'
  | 'days'

export const time: Readonly<Record<Name, FunctionSpec>> = {
  year: calendar('year', (date) => date.getUTCFullYear()),
  month: calendar('month', (date) => date.getUTCMonth() + 1),
  day: calendar('day', (date) => date.getUTCDate()),
  weekday: cyclic(86_400_000, 7, 1),
  hour: cyclic(3_600_000, 24, 0),
  minute: cyclic(60_000, 60, 0),
  since: {
    signature: exactly(['timestamp', 'timestamp'], 'duration'),
    exact: true,
    javascript: { strict: () => (a: number, b: number) => a - b },
    sql: (w, operands) => w.of(operands, (a, b) => `(${a} - ${b})`),
  },
  seconds: per(1_000),
  minutes: per(60_000),
  hours: per(3_600_000),
  days: per(86_400_000),
}
