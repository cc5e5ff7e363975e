/**
 * Going back: to a version that was in production before, on no evidence but that. Where the metadata store does not answer soon, it is done
 * without it.
 */
import type { Model } from '../../definition/model.ts'
import { signatureOf } from '../../inference/index.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import type { Author, ModelVersion, Precondition, RegistryStore } from '../../ports/registry-store.ts'
import { authorOf, definitionOf } from '../registration/register.ts'
import type { Asker, Consequence, RollbackExpected, RolledBack } from '../registry.ts'
import type { ProductionPeriod } from './productions.ts'
import { productionPeriods, versionBefore } from './productions.ts'
import type { Serving } from './serving.ts'
import type { Situations, SituationsOptions } from './situation.ts'
import { named, refused } from './situation.ts'
import { leads } from './ways.ts'

export interface RollBacksOptions extends SituationsOptions {
  /** How to roll back while the metadata store is away; null where nothing is served. */
  readonly alone: Pick<Serving, 'rollBackAlone' | 'pending'> | null
}

export interface RollBacks {
  rollback(model: string, version: number | null, asker: Asker, expected?: RollbackExpected): Promise<RolledBack>
  considerRollback(model: string, version: number | null): Promise<Consequence>
  productions(model: string): Promise<readonly ProductionPeriod[]>
}

/** So long the metadata store may take to answer before a roll back goes on without it. What it does later, it finds done. */
const patienceMs = 1_500

export function rollBacks(
  { platform, store, environment, clock, alone }: RollBacksOptions,
  { versionOf, standingOf, inProduction, stageChanges, damageOf, consequence, lostTo, change }: Situations,
): RollBacks {
  const productions = async (model: string): Promise<readonly ProductionPeriod[]> =>
    productionPeriods(await stageChanges(model), environment)

  /** To which version, from which, and what is found of it. */
  const backwards = async (name: string, number: number | null, thoroughly: boolean) => {
    const periods = await productions(name)
    const to = number ?? versionBefore(periods)
    if (to === null || !periods.some(({ version }) => version === to)) {
      const known = [...new Set(periods.map(({ version }) => version))]
      throw new SixfoldError(
        'SX_NOTHING_TO_ROLL_BACK',
        to === null
          ? `No version of '${name}' was in production in '${environment}' before.`
          : `Version ${to} of '${name}' was never in production in '${environment}'.`,
        {
          ...(known.length > 0 && to !== null ? { fix: `These were: ${known.join(', ')}.` } : {}),
          details: { model: name, productions: known },
        },
      )
    }
    const version = await versionOf(name, to)
    const production = await inProduction(name)
    const standing = standingOf(version)
    if (!leads({ ...standing, wasProduction: true }, 'production', true))
      throw new SixfoldError('SX_STAGE_INVALID', `${named(version)} is in production already.`, {
        fix: 'Nothing needs to be done.',
      })
    const model = definitionOf(platform, name)
    const found = [
      { name: 'was in production', met: true, words: `It was in production in '${environment}' before.` },
      ...(model === null ? [] : [fits(model, version)]),
      damageToPrecondition(await damageOf(version, thoroughly)),
    ]
    return { to, version, standing, production, model, found }
  }

  const rollBack = async (
    name: string,
    number: number | null,
    author: Author,
    expected: RollbackExpected,
    /** Told of what is about to be changed. Throws where it is no longer wanted. */
    changes: (to: number) => void,
  ): Promise<RolledBack> => {
    const done = await answeredRollback(store, name, author.id)
    if (done !== null) return done
    const { to, version, standing, production, model, found } = await backwards(name, number, true)
    const now = production?.version ?? null
    if (expected.production !== undefined && expected.production !== now)
      throw await lostTo(
        new SixfoldError(
          'SX_REGISTRY_CONFLICT',
          `${now === null ? 'Nothing' : `Version ${now}`} of '${name}' is in production, and not ${expected.production ?? 'nothing'}.`,
          { details: { model: name, production: now } },
        ),
        name,
      )
    if (found.some(({ met }) => !met))
      throw refused(consequence(version, ['production'], found, production, model !== null))
    changes(to)
    failpoint('rollback: before the change')
    const entry = await change(
      {
        kind: 'stage.changed',
        model: name,
        version: to,
        environment,
        from: standing.stage,
        to: 'production',
        exclusive: model !== null,
        replaces: model === null ? null : (production?.version ?? null),
        archives:
          model === null ? (await store.placed(name, environment, 'production')).filter((other) => other !== to) : [],
        evidence: [],
        preconditions: found,
        rollback: true,
      },
      author,
    )
    failpoint('rollback: after the change')
    return { model: name, from: production?.version ?? null, to, pending: false, entry }
  }

  return {
    considerRollback: async (name, number) => {
      const { version, found, production, model } = await backwards(name, number, false)
      return consequence(version, ['production'], found, production, model !== null)
    },
    rollback: async (name, number, asker, expected = {}) => {
      const author = authorOf(asker, clock)
      if (alone === null) return rollBack(name, number, author, expected, () => {})
      let under: number | null = null
      // What is asked for while another is pending comes after it.
      if (alone.pending(name) === null) {
        const late = Symbol('late')
        let given = false
        const written = rollBack(name, number, author, expected, (to) => {
          if (given) throw new SixfoldError('SX_STORE_UNAVAILABLE', 'It was rolled back without the metadata store.')
          under = to
        })
        const first = await Promise.race([
          written.catch((error: unknown) => {
            if (isAway(error)) return late
            throw error
          }),
          new Promise<typeof late>((resolve) => setTimeout(resolve, patienceMs, late).unref()),
        ])
        if (first !== late) return first as RolledBack
        // A change that is on its way goes to the same version under the same id, and is one with what is kept here; none begins after this.
        given = true
        written.catch(() => {})
      }
      const { from, version: to } = await alone.rollBackAlone(name, under ?? number, author, expected)
      return { model: name, from, to, pending: true, entry: null }
    },
    productions,
  }
}

const isAway = (error: unknown): boolean => isSixfoldError(error) && error.code === 'SX_STORE_UNAVAILABLE'

/** A definition that has changed since may want a version of another form. */
function fits(model: Model, version: ModelVersion): Precondition {
  try {
    signatureOf(model, version)
    return { name: 'signature', met: true, words: 'It fits the definition of the model as it is now.' }
  } catch (error) {
    if (!isSixfoldError(error)) throw error
    return { name: 'signature', met: false, words: `It no longer fits the definition of the model: ${error.message}` }
  }
}

const damageToPrecondition = (damage: string | null): Precondition => ({
  name: 'artifact',
  met: damage === null,
  words: damage ?? 'Its files are there and whole.',
})

async function answeredRollback(store: RegistryStore, model: string, id: string): Promise<RolledBack | null> {
  const entry = (await store.audit({ model, actions: ['stage.changed'], limit: 20 })).find((one) => one.id === id)
  if (entry === undefined) return null
  const { replaces } = entry.details as { readonly replaces?: number | null }
  return { model, from: replaces ?? null, to: entry.version!, pending: false, entry }
}
