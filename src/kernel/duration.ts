/**
 * Exact lengths of time: a whole number and a unit, never a calendar day or month. '1d' is 24 hours, also where clocks change.
 */
import { SixfoldError } from './errors.ts'

export type Unit = 's' | 'm' | 'h' | 'd'

/** The intersection stops the template from swallowing the literals, so that editors still offer them. */
export type Duration = '5m' | '1h' | '3h' | '12h' | '1d' | '7d' | '30d' | (`${bigint}${Unit}` & Record<never, never>)

const milliseconds: Record<Unit, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Longest length taken anywhere: ten thousand days. It keeps every sum of an instant and a length exact. */
export const durationMsMax: number = 10_000 * milliseconds.d

/** A length in milliseconds. Throws for anything that is not a positive whole number and one of s, m, h, d. */
export function durationMs(duration: string): number {
  const match = /^([1-9]\d{0,9})([smhd])$/.exec(duration)
  const length = match ? Number(match[1]) * milliseconds[match[2] as Unit] : Number.NaN
  if (!(length <= durationMsMax))
    throw new SixfoldError('SX_DEFINITION_INVALID', `'${duration}' is not a length of time.`, {
      fix: `Write a positive whole number and s, m, h or d, at most ${durationMsMax / milliseconds.d}d: '90s', '5m', '12h', '30d'.`,
    })
  return length
}

/** The shortest exact spelling, for messages and labels. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  for (const unit of ['d', 'h', 'm', 's'] as const)
    if (ms % milliseconds[unit] === 0) return `${ms / milliseconds[unit]}${unit}`
  return `${ms}ms`
}
