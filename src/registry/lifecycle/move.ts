/**
 * Moves of versions between stages: what a move would do, whether it may, and making it. Of a model that the platform defines every step
 * has its gate; any other goes where it is told to. What a step took to be so is part of its change, so that of two that exclude each
 * other one wins, and the other is told who did.
 */
import { gateOf } from '../../definition/graph.ts'
import type { Model } from '../../definition/model.ts'
import { signatureOf } from '../../inference/index.ts'
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
import { stageIn, stages } from '../../ports/registry-store.ts'
import type { RegisterOptions } from '../registration/register.ts'
import { authorOf, definitionOf, partOf } from '../registration/register.ts'
import type { Asker, Consequence, Moved, MoveOptions, RollbackExpected, RolledBack } from '../registry.ts'
import type { Situation } from './preconditions.ts'
import { effectsOf, preconditionsOf, proofIn } from './preconditions.ts'
import type { ProductionPeriod } from './productions.ts'
import { productionPeriods, versionBefore } from './productions.ts'
import type { Serving } from './serving.ts'
import type { Standing } from './ways.ts'
import { after, leads, stepsTo, waysFrom, worded } from './ways.ts'

export interface MovesOptions extends RegisterOptions {
  readonly environment: string
  /** How to roll back while the metadata store is away; null where nothing is served. */
  readonly alone: Pick<Serving, 'rollBackAlone' | 'pending'> | null
}

export interface Moves {
  consider(model: string, version: number, to: Stage, actor?: string): Promise<Consequence>
  /** Every way that leads on from here. */
  ways(version: ModelVersion): Promise<readonly Consequence[]>
  move(model: string, version: number, to: Stage, options: MoveOptions, asker: Asker): Promise<Moved>
  approve(model: string, version: number, to: Stage, asker: Asker): Promise<AuditEntry>
  rollback(model: string, version: number | null, asker: Asker, expected?: RollbackExpected): Promise<RolledBack>
  considerRollback(model: string, version: number | null): Promise<Consequence>
  productions(model: string): Promise<readonly ProductionPeriod[]>
}

/** So long the metadata store may take to answer before a roll back goes on without it. What it does later, it finds done. */
const patienceMs = 1_500
const page = 1_000

export function moves(options: MovesOptions): Moves {
  const { platform, store, artifacts, environment, clock, alone } = options

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

  const considered = async (version: ModelVersion, to: Stage, actor: string | null): Promise<Consequence> => {
    const model = definitionOf(platform, version.model)
    const production = await inProduction(version.model)
    if (model === null) return consequence(version, [freeStep(version, to)], [], production, false)
    const steps = stepsTo(standingOf(version), to, named(version))
    const situation = await situationOf(model, version, actor, false)
    const found = preconditionsOf(situation, stageIn(version, environment), steps)
    return consequence(version, steps, found, production, true)
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

  /** Of a request that was answered before, its entries; null where it is a new one. */
  const answered = async (model: string, version: number, id: string, to: Stage): Promise<Moved | null> => {
    const ids = new Map(stages.map((stage) => [partOf(id, stage), stage]))
    const entries = (await store.audit({ model, version, actions: ['stage.changed'], limit: 100 })).filter((entry) =>
      ids.has(entry.id),
    )
    return entries.some((entry) => ids.get(entry.id) === to) ? { entries: [...entries].reverse(), stage: to } : null
  }

  const moveFreely = async (
    version: ModelVersion,
    to: Stage,
    archiveOthers: boolean,
    author: Author,
  ): Promise<AuditEntry> => {
    const others =
      archiveOthers && (to === 'staging' || to === 'production')
        ? (await store.placed(version.model, environment, to)).filter((other) => other !== version.version)
        : []
    return change(
      {
        kind: 'stage.changed',
        model: version.model,
        version: version.version,
        environment,
        from: stageIn(version, environment),
        to: freeStep(version, to),
        exclusive: false,
        replaces: null,
        archives: others,
        evidence: [],
        preconditions: [],
        rollback: false,
      },
      { ...author, id: partOf(author.id, to) },
    )
  }

  const move: Moves['move'] = async (name, number, to, { expected = {}, archiveOthers = false }, asker) => {
    const author = authorOf(asker, clock)
    const before = asker.id === undefined ? null : await answered(name, number, author.id, to)
    if (before !== null) return before
    const version = await versionOf(name, number)
    const stage = stageIn(version, environment)
    if (expected.from !== undefined && expected.from !== stage)
      throw await lostTo(
        new SixfoldError(
          'SX_REGISTRY_CONFLICT',
          `${named(version)} is ${worded(stage)}, not ${worded(expected.from)}.`,
        ),
        name,
      )
    const model = definitionOf(platform, name)
    if (model === null) return { entries: [await moveFreely(version, to, archiveOthers, author)], stage: to }
    const production = await inProduction(name)
    if (expected.production !== undefined && expected.production !== (production?.version ?? null))
      throw await lostTo(
        new SixfoldError(
          'SX_REGISTRY_CONFLICT',
          `${production === null ? 'No version' : `Version ${production.version}`} of '${name}' is in production in '${environment}', not ${expected.production === null ? 'none' : `version ${expected.production}`}.`,
        ),
        name,
      )
    const steps = stepsTo(standingOf(version), to, named(version))
    const situation = await situationOf(model, version, asker.actor, steps.includes('production'))
    const whole = consequence(version, steps, preconditionsOf(situation, stage, steps), production, true)
    if (!whole.allowed) throw refused(whole)
    const proof = proofIn(situation)
    const entries: AuditEntry[] = []
    let standing = standingOf(version)
    for (const step of steps) {
      const found = preconditionsOf(situation, standing.stage, [step])
      entries.push(
        await change(
          {
            kind: 'stage.changed',
            model: name,
            version: number,
            environment,
            from: standing.stage,
            to: step,
            exclusive: step === 'production',
            replaces: step === 'production' ? whole.replaces : null,
            archives: [],
            evidence: found.length > 0 && proof.stands ? [proof.evidence.id] : [],
            preconditions: found,
            rollback: false,
          },
          { ...author, id: partOf(author.id, step) },
        ),
      )
      standing = after(standing, step)
    }
    return { entries, stage: to }
  }

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
          model === null
            ? (await store.standings([name]))
                .filter((other) => other.version !== to && stageIn(other, environment) === 'production')
                .map((other) => other.version)
            : [],
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
    consider: async (name, number, to, actor) => considered(await versionOf(name, number), to, actor ?? null),
    ways: async (version) => {
      const model = definitionOf(platform, version.model)
      const production = await inProduction(version.model)
      if (model === null)
        return freeStages
          .filter((to) => to !== stageIn(version, environment))
          .map((to) => consequence(version, [to], [], production, false))
      const situation = await situationOf(model, version, null, false)
      const standing = standingOf(version)
      return waysFrom(standing).map((to) =>
        consequence(version, [to], preconditionsOf(situation, standing.stage, [to]), production, true),
      )
    },
    move,
    approve: async (name, number, to, asker) => {
      const version = await versionOf(name, number)
      // What lies ahead can be approved of, also where steps lie between.
      if (definitionOf(platform, name) !== null) stepsTo(standingOf(version), to, named(version))
      return store.change(
        { kind: 'approval.given', model: name, version: number, environment, to },
        authorOf(asker, clock),
      )
    },
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

/** The version in production; of several, which only a model that no platform defines has, the one placed last. */
type Production = Pick<ModelVersion, 'version'>

const isAway = (error: unknown): boolean => isSixfoldError(error) && error.code === 'SX_STORE_UNAVAILABLE'

const named = ({ model, version }: Pick<ModelVersion, 'model' | 'version'>): string =>
  `Version ${version} of '${model}'`

/** Where a model that no platform defines can go: no gate can validate it. */
const freeStages: readonly Stage[] = ['registered', 'staging', 'production', 'archived']

function freeStep(version: ModelVersion, to: Stage): Stage {
  if (to === 'validated')
    throw new SixfoldError(
      'SX_STAGE_INVALID',
      `No platform defines '${version.model}': nothing says what a version of it must show.`,
      {
        fix: 'Define the model, or move it to staging or production as it is.',
      },
    )
  return to
}

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
