/**
 * Which version of each model answers here: the one in production, or the one that was rolled back to while the metadata store was
 * away. What a roll back needs is therefore known before it is needed: the production periods of every model, and their versions.
 */

import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import type { Author, ModelVersion, RegistryStore } from '../../ports/registry-store.ts'
import { stageIn } from '../../ports/registry-store.ts'
import type { ProductionPeriod } from './productions.ts'
import { productionPeriods, versionBefore } from './productions.ts'

/** A roll back that is in force and that the metadata store does not know of yet. */
export interface PendingRollback extends Author {
  readonly model: string
  readonly environment: string
  readonly version: number
  /** What was in production before, as far as was known. */
  readonly from: number | null
}

/** Where those are kept until the metadata store has them: seen by all servers, and by this one also when it starts again. */
export interface PendingRollbacks {
  all(): Promise<readonly PendingRollback[]>
  /** Durable when it has resolved. Replaces the one of the same model and environment. */
  put(rollback: PendingRollback): Promise<void>
  /** That one, and not another that has replaced it. */
  remove(rollback: PendingRollback): Promise<void>
}

export interface ServingOptions {
  readonly registry: RegistryStore
  readonly pending: PendingRollbacks
  readonly environment: string
  /** Of the models that are served. */
  readonly models: readonly string[]
  /** Told of what became of pending roll backs. */
  readonly say: (text: string, about: object) => void
}

export interface Serving {
  /** Asks the stores. Rejects where the metadata store is away; what was known then stays, with what is pending. */
  refresh(): Promise<void>
  target(model: string): ModelVersion | null
  pending(model: string): PendingRollback | null
  /** Versions that were in production, the newest period first: to be had ready. */
  earlier(model: string): readonly ModelVersion[]
  /** Without the metadata store. Throws SX_NOTHING_TO_ROLL_BACK. */
  rollBackAlone(model: string, version: number | null, author: Author): Promise<PendingRollback>
}

interface Known {
  readonly periods: readonly ProductionPeriod[]
  readonly versions: ReadonlyMap<number, ModelVersion>
}

/** Changes of stage of one model that are looked through for what was in production. */
const remembered = 1_000

export function serving({ registry, pending, environment, models, say }: ServingOptions): Serving {
  const production = new Map<string, ModelVersion>()
  const known = new Map<string, Known>()
  let waiting = new Map<string, PendingRollback>()

  const learn = async (model: string): Promise<void> => {
    const entries = await registry.audit({ model, actions: ['stage.changed'], limit: remembered })
    const periods = productionPeriods([...entries].reverse(), environment)
    const numbers = new Set(periods.map(({ version }) => version))
    const versions = (await registry.versions(model)).filter(({ version }) => numbers.has(version))
    known.set(model, { periods, versions: new Map(versions.map((one) => [one.version, one])) })
  }

  const readPending = async (): Promise<void> => {
    const mine = (await pending.all()).filter((one) => one.environment === environment)
    waiting = new Map(mine.map((one) => [one.model, one]))
  }

  const readProduction = async (): Promise<void> => {
    const now = new Map((await registry.production(environment)).map((one) => [one.model, one]))
    for (const model of models) {
      const found = now.get(model)
      const before = production.get(model)
      // A period that began anew with the same version has another beginning.
      const changed = found?.version !== before?.version || sinceOf(found) !== sinceOf(before)
      if (changed || !known.has(model)) await learn(model)
      if (found === undefined) production.delete(model)
      else production.set(model, found)
    }
  }
  const sinceOf = (version: ModelVersion | undefined): number | undefined => version?.places[environment]?.at

  /** The later intention counts: what was put in production after a roll back stays, and the roll back is kept for the record. */
  const settle = async (one: PendingRollback): Promise<void> => {
    const { model, version } = one
    const current = production.get(model) ?? null
    const author: Author = { id: one.id, actor: one.actor, reason: one.reason, at: one.at }
    const place = { model, version, environment }
    try {
      if (current?.version === version) say('A pending roll back is in force already.', place)
      else if (current !== null && current.version !== one.from && (sinceOf(current) ?? 0) > one.at) {
        await registry.change({ kind: 'rollback.superseded', ...place, by: current.version }, author)
        say('A pending roll back was superseded by a later change.', { ...place, by: current.version })
      } else {
        const found = await registry.version(model, version)
        if (found === null)
          throw new SixfoldError('SX_UNKNOWN_VERSION', `'${model}' no longer has a version ${version}.`)
        await registry.change(
          {
            kind: 'stage.changed',
            ...place,
            from: stageIn(found, environment),
            to: 'production',
            exclusive: true,
            replaces: current?.version ?? null,
            archives: [],
            evidence: [],
            preconditions: [
              { name: 'was in production', met: true, words: 'Rolled back while the metadata store was away.' },
            ],
            rollback: true,
          },
          author,
        )
        say('A pending roll back was written down.', place)
      }
    } catch (error) {
      if (!isSixfoldError(error) || error.code === 'SX_STORE_UNAVAILABLE') throw error
      // Another server was first, or somebody promotes at this moment: looked at anew in the next turn.
      if (error.code === 'SX_REGISTRY_CONFLICT') return
      say(`A pending roll back cannot be carried over: ${error.message}`, place)
    }
    await pending.remove(one)
    waiting.delete(model)
  }

  const target = (model: string): ModelVersion | null => {
    const away = waiting.get(model)
    return (away === undefined ? null : known.get(model)?.versions.get(away.version)) ?? production.get(model) ?? null
  }

  return {
    refresh: async () => {
      await readPending()
      await readProduction()
      const settling = [...waiting.values()]
      for (const one of settling) await settle(one)
      if (settling.length > 0) await readProduction()
    },
    target,
    pending: (model) => waiting.get(model) ?? null,
    earlier: (model) => {
      const { periods = [], versions = new Map() } = known.get(model) ?? {}
      const numbers = [...new Set(periods.map(({ version }) => version))]
      return numbers.flatMap((number) => versions.get(number) ?? [])
    },
    rollBackAlone: async (model, version, author) => {
      const { periods = [], versions = new Map<number, ModelVersion>() } = known.get(model) ?? {}
      const to = version ?? versionBefore(withPending(periods, waiting.get(model)))
      const now = target(model)?.version ?? null
      if (to === null || !versions.has(to))
        throw new SixfoldError(
          'SX_NOTHING_TO_ROLL_BACK',
          to === null
            ? `No version of '${model}' was in production before.`
            : `Version ${to} of '${model}' was never in production in '${environment}'.`,
          { details: { model, productions: [...versions.keys()] } },
        )
      const made: PendingRollback = {
        ...author,
        model,
        environment,
        version: to,
        // Of several in a row, the metadata store knows the state before the first.
        from: waiting.get(model)?.from ?? production.get(model)?.version ?? now,
      }
      await pending.put(made)
      waiting.set(model, made)
      return made
    },
  }
}

/** As if what is pending had been written down. */
const withPending = (
  periods: readonly ProductionPeriod[],
  pending: PendingRollback | undefined,
): readonly ProductionPeriod[] =>
  pending === undefined
    ? periods
    : [
        { version: pending.version, from: pending.at, until: null, actor: pending.actor, reason: null, rollback: true },
        ...periods,
      ]
