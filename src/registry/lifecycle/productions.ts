/** Which versions were in production, from the audit: what a roll back can go back to. */
import type { AuditEntry, Stage } from '../../ports/registry-store.ts'

export interface ProductionPeriod {
  readonly version: number
  readonly from: number
  /** Null: it is the one now. */
  readonly until: number | null
  readonly actor: string
  readonly reason: string | null
  readonly rollback: boolean
}

/** Of one model, newest first. `entries` are its changes of stage, oldest first. */
export function productionPeriods(entries: readonly AuditEntry[], environment: string): readonly ProductionPeriod[] {
  const periods: ProductionPeriod[] = []
  const end = (at: number): void => {
    const last = periods[0]
    if (last !== undefined && last.until === null) periods[0] = { ...last, until: at }
  }
  for (const { action, version, environment: where, details, at, actor, reason } of entries) {
    if (action !== 'stage.changed' || where !== environment || version === null) continue
    const { to, from, rollback } = details as {
      readonly to?: Stage
      readonly from?: Stage
      readonly rollback?: boolean
    }
    if (to === 'production') {
      end(at)
      periods.unshift({ version, from: at, until: null, actor, reason, rollback: rollback === true })
    } else if (from === 'production' && periods[0]?.version === version) end(at)
  }
  return periods
}

/**
 * The version that a roll back goes to by default: the one before. Promotions pile up, and a roll back takes down again what lies above its
 * target; so rolling back twice goes back twice, and not to and fro.
 */
export function versionBefore(periods: readonly ProductionPeriod[]): number | null {
  const pile: number[] = []
  for (const { version, rollback } of [...periods].reverse()) {
    const at = rollback ? pile.lastIndexOf(version) : -1
    if (at >= 0) pile.length = at
    pile.push(version)
  }
  const now = periods[0]?.until === null
  return pile.at(now ? -2 : -1) ?? null
}
