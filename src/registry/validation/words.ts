/** What checks say, and how figures are written in it. */
import { shorten } from '../../kernel/shorten.ts'
import type { Check } from '../registry.ts'

export type Finding = Pick<Check, 'outcome' | 'words' | 'figures'>

/** Four digits that matter: 0.4312, 12.34, 1.2e-7. */
export function figure(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  return size >= 1e-4 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toPrecision(2)
}

/** A chance, which a computation can make smaller than anyone would believe. */
export const chanceText = (chance: number): string => (chance < 1e-4 ? 'below 0.0001' : figure(chance))

/** A value from a file, in a message: what is no scalar is named and not written out, however deep it is. */
export const shown = (value: unknown): string =>
  Array.isArray(value)
    ? 'a list'
    : typeof value === 'object' && value !== null
      ? 'an object'
      : shorten(typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'nothing'))

/** Values by name, with as many digits as one reads. The figures have them all. */
export const brief = (values: object, most: number): string =>
  shorten(
    JSON.stringify(values, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : typeof value === 'number' ? Number(value.toPrecision(6)) : value,
    ),
    most,
  )

/** 12,345. */
export const compact = (count: number): string => count.toLocaleString('en')

export const percent = (share: number): string => `${Number((share * 100).toFixed(1))} %`
