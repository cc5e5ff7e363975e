/** Figures as a reader wants them: units, no more digits than mean something, and a dash for what there is not. */

const none = '–'
const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

export const count = (n: number): string => grouped.format(n)

/** `1 field`, `2 fields`. */
export const counted = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`

/** A rate: three digits, or whole numbers. */
export const rate = (n: number): string => (n === 0 ? '0' : n >= 100 ? count(n) : n.toFixed(n >= 10 ? 1 : 2))

/** Milliseconds, without their unit. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return none
  if (ms === 0) return '0'
  if (ms >= 100) return count(ms)
  if (ms >= 10) return ms.toFixed(1)
  return ms >= 1 ? ms.toFixed(2) : ms.toFixed(3)
}

export const figure = (n: number | null, digits: number): string => (n === null ? none : n.toFixed(digits))

export function percent(share: number | null): string {
  if (share === null) return none
  if (share === 0) return '0 %'
  if (share < 0.0001) return '< 0.01 %'
  return `${(share * 100).toFixed(share < 0.01 ? 2 : 1)} %`
}

/** As everywhere else. */
export { formatBytes as bytes } from '../../src/kernel/size.ts'

/** `2013-06-01 12:00:00`, in UTC. */
export const instant = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')

/** `1 Jun`, in UTC. */
export const day = (ms: number): string =>
  new Date(ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })

/** `14:03:11`, where the reader is. */
export const wallTime = (ms: number): string => new Date(ms).toLocaleTimeString('en-GB')

/** `4 min ago`: one unit, and no more than it says. */
export function ago(ms: number, now: number): string {
  const seconds = Math.round((now - ms) / 1000)
  if (seconds < 0) return instant(ms).slice(0, 16)
  if (seconds < 45) return 'just now'
  const text = lasted(seconds * 1000)
  return `${text} ago`
}

/** `4 min`, `3 h`, `12 d`. */
export function lasted(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 60) return `${Math.max(1, minutes)} min`
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h`
  return `${Math.round(minutes / (60 * 24))} d`
}

/** A measured value: four digits that mean something. */
export function measured(value: number | null | undefined): string {
  if (value === null || value === undefined) return none
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2)
  return size >= 1000
    ? count(value)
    : value
        .toPrecision(4)
        .replace(/(\.\d*?)0+$/, '$1')
        .replace(/\.$/, '')
}
