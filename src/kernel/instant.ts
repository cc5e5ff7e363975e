/**
 * Instants: UTC, whole milliseconds since the epoch, from the year 1 to the year 9999. Within those years every engine agrees
 * on every part of a date, and instants and their differences are exact as floats.
 */
export const instantMin = -62_135_596_800_000
export const instantMax = 253_402_300_799_999

export const isInstant = (value: number): boolean =>
  Number.isInteger(value) && value >= instantMin && value <= instantMax

const pattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/**
 * An ISO 8601 date and time as milliseconds, floored; null if it is none, or not a day that exists, or has no zone and none is
 * assumed. `zoneMinutes` is what a text without a zone is taken to be in: minutes east of UTC.
 */
export function parseInstant(text: string, zoneMinutes: number | null = null): number | null {
  const match = pattern.exec(text)
  if (!match) return null
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone] = match
  const offset = zone === undefined ? zoneMinutes : offsetMinutes(zone)
  if (offset === null) return null
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  if (date.getUTCMonth() !== Number(month) - 1 || Number(month) < 1 || date.getUTCDate() !== Number(day)) return null
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'))
  const instant =
    date.getTime() +
    Number(hour) * 3_600_000 +
    (Number(minute) - offset) * 60_000 +
    Number(second) * 1_000 +
    milliseconds
  return isInstant(instant) ? instant : null
}

/** Minutes east of UTC of 'Z', 'UTC' or '+05:30'; null for anything else. */
export function offsetMinutes(zone: string): number | null {
  if (zone === 'Z' || zone === 'UTC') return 0
  const match = /^([+-])(\d{2})(?::?(\d{2}))?$/.exec(zone)
  if (!match) return null
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return minutes <= 18 * 60 ? (match[1] === '-' ? -minutes : minutes) : null
}

/** Many answers are given in one millisecond. */
let [last, lastText] = [Number.NaN, '']
export function formatInstant(instant: number): string {
  if (instant !== last) {
    lastText = new Date(instant).toISOString()
    last = instant
  }
  return lastText
}
