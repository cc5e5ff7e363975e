/** How versions are looked up here: told to the store every minute and when this ends, so that it is known which predictions nobody wanted. */
import { isSixfoldError } from '../../kernel/errors.ts'
import type { BatchRun, BatchStore, BatchUse } from '../../ports/batch-store.ts'
import { Distinct } from '../../statistics/sketches/distinct.ts'
import type { Cost } from '../documents.ts'
import type { VersionUse } from '../service.ts'

export interface Uses {
  of(run: string): Use
  /** What is new since it was told last; rejects where the store is away, and nothing is lost then. */
  tell(): Promise<void>
}

export class Use {
  lookups = 0
  hits = 0
  told = 0
  readonly keys: Distinct = new Distinct()

  hit(key: Uint8Array): void {
    this.hits++
    this.keys.add(key)
  }
}

export function uses(store: Pick<BatchStore, 'tellUse'>, server: string, now: () => number): Uses {
  const all = new Map<string, Use>()
  return {
    of: (run) => {
      const known = all.get(run) ?? new Use()
      all.set(run, known)
      return known
    },
    tell: async () => {
      for (const [run, use] of all) {
        const { lookups, hits } = use
        if (lookups === use.told) continue
        try {
          await store.tellUse(run, server, { lookups, hits, keys: use.keys.toText(), at: now() })
        } catch (error) {
          // A run that is gone is not asked about any more.
          if (!isSixfoldError(error) || error.code !== 'SX_UNKNOWN_BATCH_RUN') throw error
        }
        use.told = lookups
      }
    },
  }
}

/** What the estimate of a sketch is off by at most, 19 times of 20, as a share of it. */
const keysOff = 2 * Distinct.standardError

/** Of all servers together. Null: the version was never live. */
export function useOf({ publishedAt, cost: took }: BatchRun, told: readonly BatchUse[]): VersionUse | null {
  const cost = took as Cost | null
  if (publishedAt === null || cost === null) return null
  const sketch = new Distinct()
  let [lookups, hits] = [0, 0]
  for (const one of told) {
    lookups += one.lookups
    hits += one.hits
    const of = Distinct.fromText(one.keys)
    if (of !== null) sketch.merge(of)
  }
  const keys = Math.min(sketch.count, hits, cost.rows)
  const share = cost.rows === 0 ? 0 : 1 - keys / cost.rows
  return {
    ...{ lookups, hits, keys },
    wasted: {
      rows: cost.rows - keys,
      share,
      error: cost.rows === 0 ? 0 : (keysOff * keys) / cost.rows,
      price: cost.price === null ? null : cost.price.total * share,
    },
  }
}
