/** When a schedule is due, as cron writes it: whether what is written means anything. What instants it means, src/batch says. */

const names = [
  [],
  [],
  [],
  ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
] as const
const fields = [
  ['minute', 0, 59],
  ['hour', 0, 23],
  ['day of month', 1, 31],
  ['month', 1, 12],
  ['day of week', 0, 7],
] as const

/** What is wrong with it; null where nothing is. */
export function cronProblem(cron: unknown): string | null {
  const parts = typeof cron === 'string' ? cron.trim().split(/\s+/) : []
  if (parts.length !== 5) return `'${String(cron)}' has ${parts.length} fields`
  for (const [i, [field, low, high]] of fields.entries())
    for (const part of parts[i]!.split(',')) if (!fits(part, i, low, high)) return `'${part}' is no ${field}`
  return null
}

function fits(part: string, field: number, low: number, high: number): boolean {
  const match = /^(\*|[a-z0-9]+(?:-[a-z0-9]+)?)(?:\/(\d+))?$/i.exec(part)
  if (match === null) return false
  const [, range = '', step] = match
  if (step !== undefined && !(Number(step) >= 1 && Number(step) <= high)) return false
  if (range === '*') return true
  const ends = range.split('-').map((end) => numberOf(end.toLowerCase(), field, low))
  return ends.every((end) => end >= low && end <= high) && (ends.length === 1 || ends[0]! <= ends[1]!)
}

function numberOf(text: string, field: number, low: number): number {
  const named = (names[field] as readonly string[]).indexOf(text)
  return named >= 0 ? named + low : /^\d+$/.test(text) ? Number(text) : Number.NaN
}

export function isZone(zone: unknown): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone as string })
    return typeof zone === 'string'
  } catch {
    return false
  }
}
