/**
 * What of a validation's figures can be drawn. They are a document that was written once and is read for years: what is there is drawn, what
 * is not is left out, and nothing of another form breaks the page.
 */
import type { Check, Evidence } from '../data/registry.ts'

export interface Estimate {
  readonly value: number
  readonly low: number | null
  readonly high: number | null
}
export interface Comparison {
  readonly name: string
  readonly metric: string
  readonly challenger: Estimate
  readonly champion: Estimate | null
  readonly outcome: Check['outcome']
}
export interface Bin {
  readonly predicted: number
  readonly observed: number
  readonly rows: number
}
export interface Batch {
  readonly rows: number
  readonly p50: number | null
  readonly p99: number
  readonly budget: number | null
}

type Plain = { readonly [name: string]: unknown }
const plain = (value: unknown): Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Plain) : {}
const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)
const list = (value: unknown): readonly Plain[] => (Array.isArray(value) ? value.map(plain) : [])

export function checksOf({ document }: Pick<Evidence, 'document'>): readonly Check[] {
  const outcomes = ['passed', 'failed', 'not asked', 'not possible']
  return list(plain(document)['checks']).flatMap((check) =>
    typeof check['name'] === 'string' && outcomes.includes(String(check['outcome']))
      ? [{ milliseconds: 0, figures: null, ...check, words: String(check['words'] ?? '') } as unknown as Check]
      : [],
  )
}

function estimate(value: unknown): Estimate | null {
  const { value: middle, low, high } = plain(value)
  const found = number(middle)
  return found === null ? null : { value: found, low: number(low), high: number(high) }
}

/** Of the whole and of each slice: the version beside the one that was in production then. Figures of one measure share a scale. */
export const comparisonsOf = (checks: readonly Check[]): readonly Comparison[] =>
  checks.flatMap(({ name, outcome, figures }) => {
    const { challenger, champion, metric } = plain(figures)
    const found = estimate(challenger)
    // Of too few rows the interval is as wide as it says little.
    return found === null || outcome === 'not possible'
      ? []
      : [{ name, outcome, metric: String(metric ?? ''), challenger: found, champion: estimate(champion) }]
  })

/** How often what was predicted came true, of the first output that is a probability; empty rooms are left out. */
export function reliabilityOf(checks: readonly Check[]): readonly Bin[] {
  for (const { figures } of checks)
    for (const plots of list(plain(figures)['plots'])) {
      const bins = list(plain(plots['challenger'])['reliability']).flatMap((bin) => {
        const [predicted, observed, rows] = [number(bin['mean']), number(bin['share']), number(bin['rows'])]
        return predicted === null || observed === null || rows === null || rows === 0
          ? []
          : [{ predicted, observed, rows }]
      })
      if (bins.length > 0) return bins
    }
  return []
}

export function latencyOf(checks: readonly Check[]): readonly Batch[] {
  for (const { figures } of checks) {
    const { batches, budgetMs } = plain(figures)
    const found = list(batches).flatMap((batch) => {
      const [rows, p99] = [number(batch['rows']), number(batch['p99Ms'])]
      return rows === null || p99 === null ? [] : [{ rows, p99, p50: number(batch['p50Ms']), budget: number(budgetMs) }]
    })
    if (found.length > 0) return found
  }
  return []
}
