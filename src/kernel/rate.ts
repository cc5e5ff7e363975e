/** How often something may be asked: so many a second on average, and so many at once after a rest. */
export interface Rate {
  readonly perSecond: number
  /** So many at once, after a rest. By default as many as in a second. */
  readonly burst?: number
}

const units: { readonly [unit: string]: number } = { s: 1, m: 60, h: 3_600 }
const form = /^(\d{1,9}(?:\.\d{1,6})?)\/([smh])(?::(\d{1,9}))?$/

/** '100/s', '6000/m:200'. Null for what is no rate. */
export function parseRate(text: string): Rate | null {
  const [, count, unit, burst] = form.exec(text) ?? []
  if (count === undefined) return null
  const perSecond = Number(count) / units[unit!]!
  if (!(perSecond > 0) || burst === '0') return null
  return burst === undefined ? { perSecond } : { perSecond, burst: Number(burst) }
}

/** Never below one: what may be asked at all may be asked once. */
export const burstOf = ({ perSecond, burst }: Rate): number => Math.max(1, Math.floor(burst ?? perSecond))

export const formatRate = (rate: Rate): string => {
  const [count, unit] =
    rate.perSecond >= 1
      ? [rate.perSecond, 's']
      : rate.perSecond * 60 >= 1
        ? [rate.perSecond * 60, 'm']
        : [rate.perSecond * 3600, 'h']
  return `${Number(count.toFixed(6))}/${unit}:${burstOf(rate)}`
}
