/** Text for a terminal: plain, aligned, and without colour where nobody asked for any. */
import { formatDuration } from '../kernel/duration.ts'
import { formatInstant } from '../kernel/instant.ts'

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

export const count = (n: number, one: string, several = `${one}s`): string =>
  `${n.toLocaleString('en')} ${n === 1 ? one : several}`

export const seconds = (ms: number): string => (ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`)

export const instant = (ms: number | null): string => (ms === null ? 'never' : formatInstant(ms))

/** An age to two units at most: '3h 12m'. */
export function age(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  const whole = Math.round(ms / 1000) * 1000
  for (const [unit, next] of [
    [86_400_000, 3_600_000],
    [3_600_000, 60_000],
    [60_000, 1000],
  ] as const)
    if (whole >= unit) {
      const rest = Math.floor((whole % unit) / next) * next
      return formatDuration(Math.floor(whole / unit) * unit) + (rest === 0 ? '' : ` ${formatDuration(rest)}`)
    }
  return formatDuration(whole)
}

export const value = (v: unknown): string =>
  v === null
    ? 'missing'
    : typeof v === 'number' && !Number.isInteger(v)
      ? String(Number(v.toPrecision(6)))
      : typeof v === 'object'
        ? JSON.stringify(v)
        : String(v)
