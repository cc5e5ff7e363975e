/**
 * What a step asks of a version, computed from what is recorded: each finding with the sentence that goes into the audit. What is not met
 * says what would meet it.
 */
import { hashOfDefinition } from '../../definition/describe.ts'
import type { FactName, Gate, GatedStage } from '../../definition/gate.ts'
import { gatedStages } from '../../definition/gate.ts'
import type { Model } from '../../definition/model.ts'
import { formatInstant } from '../../kernel/instant.ts'
import type { Approval, AuditEntry, Evidence, ModelVersion, Precondition, Stage } from '../../ports/registry-store.ts'
import { missingOf } from '../registration/facts.ts'
import type { Proof } from '../validation/evidence.ts'
import { proofOf } from '../validation/evidence.ts'

/** All that findings are made of. */
export interface Situation {
  readonly model: Model
  readonly gate: Gate
  readonly version: ModelVersion
  readonly environment: string
  /** Newest first. */
  readonly evidence: readonly Evidence[]
  readonly approvals: readonly Approval[]
  /** Changes of this version's stage. */
  readonly moves: readonly AuditEntry[]
  /** Who asks: nobody approves of what they ask for themselves. Null: nobody in particular. */
  readonly actor: string | null
  /** What is wrong with the version's files; null where nothing is. */
  readonly damage: string | null
}

export const proofIn = ({ version, evidence, model, gate }: Situation): Proof =>
  proofOf(version, evidence, { definition: hashOfDefinition(model), gate: hashOfDefinition(gate) })

const isGated = (stage: Stage): stage is GatedStage => (gatedStages as readonly Stage[]).includes(stage)

/** Of several steps one after another, from the stage that it has. What both ask, the findings say once. */
export function preconditionsOf(situation: Situation, from: Stage, steps: readonly Stage[]): readonly Precondition[] {
  const asked: readonly GatedStage[] = steps.filter(
    (to, i) => isGated(to) && !withdraws(steps[i - 1] ?? from, to),
  ) as GatedStage[]
  if (asked.length === 0) return []
  return [
    validation(situation),
    ...facts(situation, asked),
    ...asked.flatMap((stage) => approval(situation, stage)),
    artifact(situation),
  ]
}

/** Back to where it was is nothing that would have to be earned. */
const withdraws = (from: Stage, to: Stage): boolean => from === 'staging' && to === 'validated'

function validation(situation: Situation): Precondition {
  const { version } = situation
  const proof = proofIn(situation)
  return proof.stands
    ? {
        name: 'validation',
        met: true,
        words: `Validated by ${proof.evidence.actor} at ${formatInstant(proof.evidence.at)}: evidence ${proof.evidence.id.slice(0, 12)}.`,
      }
    : {
        name: 'validation',
        met: false,
        words: `${proof.why} Run: sixfold model validate ${version.model} ${version.version}`,
      }
}

function facts({ gate, version }: Situation, asked: readonly GatedStage[]): readonly Precondition[] {
  const last = Math.max(...asked.map((stage) => gatedStages.indexOf(stage)))
  const names = new Set<FactName>(gatedStages.slice(0, last + 1).flatMap((stage) => gate.require[stage]))
  return [...names].map((name) => {
    const missing = missingOf(name, version.facts, true)
    return {
      name: `fact: ${name}`,
      met: missing.length === 0,
      words:
        missing.length === 0
          ? `Recorded: ${name}.`
          : `Not recorded: ${missing.join(', ')}. Register the version with it, as --facts or from a run that logged it.`,
    }
  })
}

function approval(situation: Situation, stage: GatedStage): readonly Precondition[] {
  const { gate, version } = situation
  const needed = gate.approvals[stage]
  if (needed === 0) return []
  const given = approvers(situation, stage)
  const who = given.length === 0 ? 'nobody yet' : given.join(', ')
  const met = given.length >= needed
  return [
    {
      name: `approval: ${stage}`,
      met,
      words: met
        ? `Approved by ${who}.`
        : `${needed === 1 ? 'Another person has' : `${needed} other people have`} to approve; so far ${who}. They run: sixfold model approve ${version.model} ${version.version} --to ${stage}`,
    },
  ]
}

/** Different people besides whoever asks, who approved since the evidence is what it is, and since it was last there. */
export function approvers(situation: Situation, stage: Stage): readonly string[] {
  const { approvals, moves, environment, actor } = situation
  const proof = proofIn(situation)
  const since = Math.max(
    proof.evidence?.at ?? Number.NEGATIVE_INFINITY,
    ...moves
      .filter(
        ({ environment: where, details }) =>
          where === environment && (details['to'] === stage || details['from'] === stage),
      )
      .map(({ at }) => at),
  )
  const counted = approvals.filter(
    ({ environment: where, to, actor: by, at }) => where === environment && to === stage && by !== actor && at >= since,
  )
  return [...new Set(counted.map(({ actor: by }) => by))]
}

const artifact = ({ version: { files }, damage }: Situation): Precondition => ({
  name: 'artifact',
  met: damage === null,
  words:
    damage ?? (files.length === 1 ? 'Its file is there and whole.' : `Its ${files.length} files are there and whole.`),
})

/** What a move does, in sentences, the most important first. */
export function effectsOf(
  version: Pick<ModelVersion, 'model' | 'version' | 'aliases'>,
  from: Stage,
  to: Stage,
  replaces: number | null,
  environment: string,
  defined: boolean,
): readonly string[] {
  const { model, version: number, aliases } = version
  const effects: string[] = []
  const fallback = `The fallback of '${model}' answers every prediction in '${environment}' from the next second on: no version is in production there then.`
  if (to === 'production') {
    if (defined)
      effects.push(
        `Version ${number} answers every prediction of '${model}' in '${environment}' from the next second on.`,
      )
    else effects.push(`Version ${number} of '${model}' is in production in '${environment}'.`)
    if (replaces !== null)
      effects.push(`Version ${replaces} no longer answers, and is archived; it can be rolled back to at once.`)
    else if (defined) effects.push('Until now the fallback answered.')
  } else if (from === 'production' && defined) effects.push(fallback)
  else if (defined) effects.push('What answers predictions stays as it is.')
  if (to !== 'production')
    effects.push(`Version ${number} is ${to === 'staging' ? 'in staging' : to} in '${environment}'.`)
  if (to === 'archived' && aliases.length > 0)
    effects.push(
      `${aliases.length === 1 ? 'The alias' : 'The aliases'} ${aliases.join(', ')} still ${aliases.length === 1 ? 'names' : 'name'} it.`,
    )
  return effects
}
