/**
 * Which version of each model answers here: the one in production, or the one that was rolled back to while the metadata store was
 * away. What a roll back needs is therefore known before it is needed: the production periods of every model, and their versions.
 */
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import type { Author, ModelVersion, RegistryStore } from '../../ports/registry-store.ts'
import { stageIn } from '../../ports/registry-store.ts'
import type { RollbackExpected } from '../registry.ts'
import type { ProductionPeriod } from './productions.ts'
import { productionPeriods, versionBefore } from './productions.ts'

/** A roll back that is in force and that the metadata store does not know of yet. */
export interface PendingRollback extends Author {
  readonly model: string
  readonly environment: string
  readonly version: number
  /** What answered before. */
  readonly from: number | null
}

/** Where those are kept until the metadata store has them: seen by all servers, and by this one also when it starts again. */
export interface PendingRollbacks {
  /** Oldest first. `whole` is false where those of other servers could not be seen. */
  all(): Promise<{ readonly found: readonly PendingRollback[]; readonly whole: boolean }>
  /** Durable when it has resolved. */
  put(rollback: PendingRollback): Promise<void>
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
  /** Looks for pending roll backs alone, which takes no metadata store. */
  look(): Promise<void>
  target(model: string): ModelVersion | null
  /** The last one that the metadata store does not know of yet. */
  pending(model: string): PendingRollback | null
  /** Versions that were in production, the newest period first: to be had ready. */
  earlier(model: string): readonly ModelVersion[]
  /**
   * Without the metadata store. Again with the same id, it is the one there is. Throws SX_NOTHING_TO_ROLL_BACK, SX_STAGE_INVALID where that
   * version answers already, SX_REGISTRY_CONFLICT where another than was expected does, and SX_STORE_UNAVAILABLE for a model that is not
   * served here.
   */
  rollBackAlone(
    model: string,
    version: number | null,
    author: Author,
    expected?: RollbackExpected,
  ): Promise<PendingRollback>
}

interface Known {
  readonly periods: readonly ProductionPeriod[]
  readonly versions: ReadonlyMap<number, ModelVersion>
}

/** Changes of stage of one model that are looked through for what was in production. */
const remembered = 1_000
/** After these no later attempt can succeed. */
const hopeless = new Set(['SX_UNKNOWN_MODEL', 'SX_UNKNOWN_VERSION'])

export function serving({ registry, pending, environment, models, say }: ServingOptions): Serving {
  const production = new Map<string, ModelVersion>()
  const known = new Map<string, Known>()
  /** By id, oldest first. */
  let waiting = new Map<string, PendingRollback>()
  /** Those that the metadata store knows: where they are kept still, nobody has told that place yet. */
  const settled = new Map<string, PendingRollback>()

  const learn = async (model: string): Promise<void> => {
    const entries = await registry.audit({ model, actions: ['stage.changed'], limit: remembered })
    const periods = productionPeriods([...entries].reverse(), environment)
    const numbers = new Set(periods.map(({ version }) => version))
    const versions = (await registry.versions(model)).filter(({ version }) => numbers.has(version))
    known.set(model, { periods, versions: new Map(versions.map((one) => [one.version, one])) })
  }

  const wait = (one: PendingRollback): void => {
    if (settled.has(one.id) || waiting.has(one.id)) return
    waiting = new Map([...waiting.values(), one].sort(byAge).map((each) => [each.id, each]))
  }

  /** Adds what is found, and gives what is no longer kept anywhere: another server has settled it. */
  const look = async (): Promise<readonly PendingRollback[]> => {
    const before = [...waiting.values()]
    const { found, whole } = await pending.all()
    for (const one of found) {
      if (settled.has(one.id)) await pending.remove(one).catch(() => {})
      else if (one.environment === environment) wait(one)
    }
    return whole ? before.filter(({ id }) => !found.some((one) => one.id === id)) : []
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

  /** The later intention counts: what was put in production after a roll back stays. */
  const isSuperseded = ({ model, version, at }: PendingRollback): boolean => {
    const current = production.get(model)
    return current !== undefined && current.version !== version && sinceOf(current)! > at
  }

  /** False: it is to be looked at anew. What the metadata store has under its id is done, whoever wrote it down. */
  const settle = async (one: PendingRollback): Promise<boolean> => {
    const { model, version } = one
    const current = production.get(model) ?? null
    const author: Author = { id: one.id, actor: one.actor, reason: one.reason, at: one.at }
    const place = { model, version, environment }
    try {
      const actions = ['stage.changed', 'rollback.superseded'] as const
      const entries = await registry.audit({ model, actions, limit: remembered })
      if (entries.some(({ id }) => id === one.id)) return true
      failpoint('pending: before it is written down')
      if (current !== null && (current.version === version || isSuperseded(one))) {
        // Also where another way led to the same version: whoever asked finds in the audit what became of it.
        await registry.change({ kind: 'rollback.superseded', ...place, by: current.version }, author)
        say('A pending roll back was superseded by another change.', { ...place, by: current.version })
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
      failpoint('pending: after it was written down')
      return true
    } catch (error) {
      if (!isSixfoldError(error)) throw error
      // Another server was first, or somebody promotes at this moment.
      if (error.code === 'SX_REGISTRY_CONFLICT') return false
      if (!hopeless.has(error.code)) throw error
      say(`A pending roll back cannot be carried over: ${error.message}`, place)
      return true
    }
  }

  /** In their order: each was asked for with the ones before it in force. */
  const settleAll = async (): Promise<void> => {
    const held = new Set<string>()
    for (const one of [...waiting.values()]) {
      if (held.has(one.model)) continue
      if (!(await settle(one))) {
        held.add(one.model)
        continue
      }
      settled.set(one.id, one)
      // In force until it is known what the metadata store makes of it: what answers does not go to and fro.
      await readProduction()
      waiting.delete(one.id)
      await pending.remove(one).catch(() => {})
      failpoint('pending: removed')
    }
  }

  const lastOf = (model: string): PendingRollback | null =>
    [...waiting.values()].filter((one) => one.model === model).at(-1) ?? null

  const target = (model: string): ModelVersion | null => {
    const away = lastOf(model)
    const version = away === null || isSuperseded(away) ? undefined : known.get(model)?.versions.get(away.version)
    return version ?? production.get(model) ?? null
  }

  return {
    refresh: async () => {
      const gone = await look()
      await readProduction()
      for (const { id } of gone) waiting.delete(id)
      await settleAll()
    },
    look: async () => {
      await look()
    },
    target,
    pending: lastOf,
    earlier: (model) => {
      const { periods = [], versions = new Map() } = known.get(model) ?? {}
      const numbers = [...new Set(periods.map(({ version }) => version))]
      return numbers.flatMap((number) => versions.get(number) ?? [])
    },
    rollBackAlone: async (model, version, author, expected = {}) => {
      const again = waiting.get(author.id) ?? settled.get(author.id)
      if (again !== undefined) return again
      if (!models.includes(model))
        throw new SixfoldError(
          'SX_STORE_UNAVAILABLE',
          `'${model}' is not served here, and what was in production of it the metadata store knows, which does not answer.`,
        )
      const { periods = [], versions = new Map<number, ModelVersion>() } = known.get(model) ?? {}
      const earlier = [...waiting.values()].filter((one) => one.model === model && !isSuperseded(one))
      const to = version ?? versionBefore(withPending(periods, earlier))
      const current = target(model)
      const now = current?.version ?? null
      if (expected.production !== undefined && expected.production !== now)
        throw new SixfoldError(
          'SX_REGISTRY_CONFLICT',
          `${now === null ? 'Nothing' : `Version ${now}`} of '${model}' is in production, and not ${expected.production ?? 'nothing'}.`,
          { details: { model, production: now } },
        )
      if (to === null || !versions.has(to))
        throw new SixfoldError(
          'SX_NOTHING_TO_ROLL_BACK',
          to === null
            ? `No version of '${model}' was in production before.`
            : `Version ${to} of '${model}' was never in production in '${environment}'.`,
          { details: { model, productions: [...versions.keys()] } },
        )
      if (to === now)
        throw new SixfoldError('SX_STAGE_INVALID', `Version ${to} of '${model}' is in production already.`, {
          fix: 'Nothing needs to be done.',
        })
      // Later than what it undoes, also where that was done by a machine whose clock is ahead.
      const at = Math.max(author.at, (sinceOf(production.get(model)) ?? 0) + 1, (earlier.at(-1)?.at ?? 0) + 1)
      const made: PendingRollback = { ...author, at, model, environment, version: to, from: now }
      failpoint('pending: before it is kept')
      await pending.put(made)
      failpoint('pending: after it is kept')
      wait(made)
      return made
    },
  }
}

const byAge = (a: PendingRollback, b: PendingRollback): number => a.at - b.at || (a.id < b.id ? -1 : 1)

/** As if what is pending, oldest first, had been written down. */
const withPending = (
  periods: readonly ProductionPeriod[],
  pending: readonly PendingRollback[],
): readonly ProductionPeriod[] => [
  ...pending
    .map(({ version, at, actor }) => ({ version, from: at, until: null, actor, reason: null, rollback: true }))
    .reverse(),
  ...periods,
]
