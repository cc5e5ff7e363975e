/**
 * Moves of versions between stages: what a move would do, whether it may, and making it. Of a model that the platform defines every step
 * has its gate; any other goes where it is told to. What a step took to be so is part of its change, so that of two that exclude each
 * other one wins, and the other is told who did.
 */
import { SixfoldError } from '../../kernel/errors.ts'
import type { AuditEntry, Author, ModelVersion, Stage } from '../../ports/registry-store.ts'
import { stageIn, stages } from '../../ports/registry-store.ts'
import { authorOf, definitionOf, partOf } from '../registration/register.ts'
import type { Asker, Consequence, Moved, MoveOptions } from '../registry.ts'
import { preconditionsOf, proofIn } from './preconditions.ts'
import type { RollBacks, RollBacksOptions } from './rollback.ts'
import { rollBacks } from './rollback.ts'
import { named, refused, situations } from './situation.ts'
import { after, stepsTo, waysFrom, worded } from './ways.ts'

export type MovesOptions = RollBacksOptions

export interface Moves extends RollBacks {
  consider(model: string, version: number, to: Stage, actor?: string): Promise<Consequence>
  /** Every way that leads on from here. */
  ways(version: ModelVersion): Promise<readonly Consequence[]>
  move(model: string, version: number, to: Stage, options: MoveOptions, asker: Asker): Promise<Moved>
  approve(model: string, version: number, to: Stage, asker: Asker): Promise<AuditEntry>
}

export function moves(options: MovesOptions): Moves {
  const { platform, store, environment, clock } = options
  const known = situations(options)
  const { versionOf, standingOf, inProduction, situationOf, consequence, lostTo, change } = known

  const considered = async (version: ModelVersion, to: Stage, actor: string | null): Promise<Consequence> => {
    const model = definitionOf(platform, version.model)
    const production = await inProduction(version.model)
    if (model === null) return consequence(version, [freeStep(version, to)], [], production, false)
    const steps = stepsTo(standingOf(version), to, named(version))
    const situation = await situationOf(model, version, actor, false)
    const found = preconditionsOf(situation, stageIn(version, environment), steps)
    return consequence(version, steps, found, production, true)
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
    ...rollBacks(options, known),
  }
}

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
