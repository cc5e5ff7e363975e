/** One look through a source's history: how much there is, from when to when, and what is wrong with it. */
import { visibilityOf } from '../../aggregation/visibility.ts'
import type { Source } from '../../definition/source.ts'
import { duckdb } from '../../expression/targets/duckdb/dialect.ts'
import type { HistorySummary } from '../../ports/offline-store.ts'
import type { Session } from './connection.ts'
import type { Resolve } from './door.ts'
import { doorOf } from './door.ts'

const id = duckdb.identifier

/** `keys` are the columns without which a row is of no use to a view; each view names its own. */
export async function inspectSource(
  db: Session,
  source: Source,
  resolve: Resolve,
  keys: readonly string[] = [],
): Promise<HistorySummary> {
  const door = await doorOf(db, source, resolve, 'all', true)
  const visibility = visibilityOf(source)
  const time = id(source.time)
  const arrival = visibility.arrival === null ? null : id(visibility.arrival)
  const visible =
    arrival === null
      ? `${time} + ${Math.max(visibility.strictMs, visibility.delayMs)}`
      : `greatest(${time} + ${visibility.strictMs}, ${arrival})`
  const ids = source.id === null ? null : id(source.id)
  const [row] = await db.rows(`SELECT
    count(*),
    count(*) FILTER (WHERE ${time} IS NULL),
    ${keys.length === 0 ? '0' : `count(*) FILTER (WHERE ${keys.map((key) => `${id(key)} IS NULL`).join(' OR ')})`},
    ${arrival === null ? '0' : `count(*) FILTER (WHERE ${time} IS NOT NULL AND ${arrival} IS NULL)`},
    coalesce(sum(_sx_bad), 0),
    ${ids === null ? '0' : `count(${ids}) - count(DISTINCT ${ids})`},
    min(${time}), max(${time}), max(CASE WHEN ${arrival ?? time} IS NOT NULL THEN ${visible} END)
    FROM ${door}`)
  const [rows, withoutTime, withoutKey, withoutArrival, outOfDomain, repeated, first, last, lastVisible] = row!.map(
    (value) => (value === null ? null : Number(value)),
  )
  return {
    source: source.name,
    rows: rows!,
    withoutTime: withoutTime!,
    withoutKey: withoutKey!,
    withoutArrival: withoutArrival!,
    outOfDomain: outOfDomain!,
    repeated: repeated!,
    firstTime: first ?? null,
    lastTime: last ?? null,
    lastVisible: lastVisible ?? null,
  }
}
