/**
 * How a version stands: what the stores say of it and of the one in production, and what follows from that. And the one way in which a stage is
 * changed, which tells whoever lost to another who that was.
 */
import { gateOf } from '../../definition/graph.ts'
import type { Model } from '../../definition/model.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { formatInstant } from '../../kernel/instant.ts'
import type {
  AuditEntry,
  Author,
  ModelVersion,
  Precondition,
  RegistryStore,
  Stage,
  StageChange,
} from '../../ports/registry-store.ts'
import { stageIn } from '../../ports/registry-store.ts'
import type { RegisterOptions } from '../registration/register.ts'
import type { Consequence } from '../registry.ts'
import type { Situation } from './preconditions.ts'
import { effectsOf } from './preconditions.ts'
import type { Standing } from './ways.ts'

export interface SituationsOptions extends RegisterOptions {
  readonly environment: string
}

/** The version in production; of several, which only a model that no platform defines has, the one placed last. */
export type Production = Pick<ModelVersion, 'version'>

const page = 1_000

export type Situations = ReturnType<typeof situations>

export function situations({ platform, store, artifacts, environment }: SituationsOptions) {
  const versionOf = async (model: string, number: number): Promise<ModelVersion> =>
    (await store.version(model, number)) ?? unknownVersion(store, model, number)

  const standingOf = (version: ModelVersion): Standing => ({
    stage: stageIn(version, environment),
    validated: version.validated,
    wasProduction: Object.hasOwn(version.places, environment) && version.places[environment]!.wasProduction,
  })

  const inProduction = async (model: string): Promise<Production | null> => {
    const [version] = await store.placed(model, environment, 'production')
    return version === undefined ? null : { version }
  }

  /** All changes of stage, oldest first. */
  const stageChanges = async (model: string, version?: number): Promise<readonly AuditEntry[]> => {
    const all: AuditEntry[] = []
    for (let last = 0; ; ) {
      const entries = await store.audit({
        model,
        ...(version === undefined ? {} : { version }),
        actions: ['stage.changed'],
        after: last,
        limit: page,
      })
      all.push(...entries)
      if (entries.length < page) return all
      last = entries.at(-1)!.number
    }
  }

  /** `thoroughly` reads the files as well, where otherwise it is asked whether they are there. */
  const damageOf = async ({ files }: ModelVersion, thoroughly: boolean): Promise<string | null> => {
    for (const { path, sha256 } of files) {
      if (!(await artifacts.has(sha256))) return `Its file '${path}' is gone from the artifact store: ${sha256}.`
      if (!thoroughly) continue
      try {
        await artifacts.open(sha256)
      } catch (error) {
        if (!isSixfoldError(error) || error.code !== 'SX_ARTIFACT_CORRUPT') throw error
        return `Its file '${path}' is damaged: ${error.message}`
      }
    }
    return null
  }

  const situationOf = async (
    model: Model,
    version: ModelVersion,
    actor: string | null,
    thoroughly: boolean,
  ): Promise<Situation> => {
    const gate = gateOf(platform, model)
    const asksApproval = Object.values(gate.approvals).some((number) => number > 0)
    const [evidence, approvals, moved, damage] = await Promise.all([
      store.evidence(model.name, version.version),
      asksApproval ? store.approvals(model.name, version.version) : [],
      asksApproval ? stageChanges(model.name, version.version) : [],
      damageOf(version, thoroughly),
    ])
    return { model, gate, version, environment, evidence, approvals, moves: moved, actor, damage }
  }

  const consequence = (
    version: ModelVersion,
    steps: readonly Stage[],
    preconditions: readonly Precondition[],
    production: Production | null,
    defined: boolean,
  ): Consequence => {
    const from = stageIn(version, environment)
    const to = steps.at(-1)!
    const replaces =
      to === 'production' && defined && production !== null && production.version !== version.version
        ? production.version
        : null
    return {
      model: version.model,
      version: version.version,
      from,
      to,
      allowed: preconditions.every(({ met }) => met),
      preconditions,
      replaces,
      effects: effectsOf(version, from, to, replaces, environment, defined),
    }
  }

  /** Who changed what this change took to be so. */
  const lostTo = async (error: unknown, model: string): Promise<unknown> => {
    if (!isSixfoldError(error) || error.code !== 'SX_REGISTRY_CONFLICT') return error
    const [last] = (await store.audit({ model, actions: ['stage.changed'], limit: 20 })).filter(
      (entry) => entry.environment === environment,
    )
    if (last === undefined) return error
    const { actor, version, at, number, details } = last
    return new SixfoldError(
      'SX_REGISTRY_CONFLICT',
      `${error.message} The last change was by ${actor} at ${formatInstant(at)}: version ${version} became ${String(details['to'])}.`,
      { details: { ...error.details, by: actor, version, to: details['to'], at, entry: number }, cause: error },
    )
  }

  const change = async (wanted: StageChange, author: Author): Promise<AuditEntry> => {
    failpoint(`move to ${wanted.to}: before the change`)
    try {
      const entry = await store.change(wanted, author)
      failpoint(`move to ${wanted.to}: after the change`)
      return entry
    } catch (error) {
      throw await lostTo(error, wanted.model)
    }
  }

  return { versionOf, standingOf, inProduction, stageChanges, damageOf, situationOf, consequence, lostTo, change }
}

export const named = ({ model, version }: Pick<ModelVersion, 'model' | 'version'>): string =>
  `Version ${version} of '${model}'`

async function unknownVersion(store: RegistryStore, model: string, number: number): Promise<never> {
  const known = (await store.standings([model])).map(({ version }) => version)
  throw new SixfoldError('SX_UNKNOWN_VERSION', `'${model}' has no version ${number}.`, {
    fix:
      known.length === 0
        ? 'It has none yet; register one first.'
        : `There ${known.length === 1 ? 'is' : 'are'}: ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}.`,
    details: { model, version: number },
  })
}

/** What stands in the way, and the command that helps. */
export function refused(consequence: Consequence): SixfoldError {
  const { model, version, to, preconditions } = consequence
  const unmet = preconditions.filter(({ met }) => !met)
  return new SixfoldError(
    'SX_GATE_REFUSED',
    `Version ${version} of '${model}' does not become ${to}: ${unmet.map(({ name, words }) => `${name}: ${words}`).join(' ')}`,
    {
      fix: `See to that; \`sixfold model show ${model} ${version}\` lists all that is asked.`,
      details: { consequence },
    },
  )
}
