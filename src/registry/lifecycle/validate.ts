/** A validation is made, its evidence recorded, and the version moved on where it passed. */
import { gateOf } from '../../definition/graph.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { hashOf } from '../../kernel/hash.ts'
import type { ModelVersion } from '../../ports/registry-store.ts'
import { stageIn } from '../../ports/registry-store.ts'
import { asStored, referring } from '../artifacts/refer.ts'
import { authorOf, definitionOf, partOf } from '../registration/register.ts'
import type { Asker, ValidateOptions, Validation } from '../registry.ts'
import type { HeldVersion, Validator } from '../validation/evidence.ts'
import type { Moves, MovesOptions } from './move.ts'
import { leads } from './ways.ts'

export interface ValidatingOptions extends MovesOptions {
  readonly moves: Moves
  readonly validator: Validator
}

export async function validateVersion(
  version: ModelVersion,
  { data, progress = () => {} }: ValidateOptions,
  asker: Asker,
  { platform, store, artifacts, files, environment, clock, moves, validator }: ValidatingOptions,
): Promise<Validation> {
  const { model: name, version: number } = version
  const model = definitionOf(platform, name)
  if (model === null)
    throw new SixfoldError(
      'SX_STAGE_INVALID',
      `No platform defines '${name}': nothing says what a version of it must show.`,
      {
        fix: 'Define the model, or move the version as it is.',
      },
    )
  const author = authorOf(asker, clock)
  const held = async (one: ModelVersion): Promise<HeldVersion> => ({
    version: one,
    path: one.entry === null ? null : await files.open(one),
  })
  const champion = (await store.production(environment)).find((one) => one.model === name)
  const {
    passed,
    document,
    artifacts: kept,
  } = await validator({
    ...(await held(version)),
    model,
    gate: gateOf(platform, model),
    champion: champion === undefined || champion.version === number ? null : await held(champion),
    data,
    progress,
  })
  const evidence = hashOf(document)
  failpoint('validate: before the evidence')
  await referring(
    store,
    () =>
      store.change(
        {
          kind: 'evidence.recorded',
          evidence: {
            id: evidence,
            model: name,
            version: number,
            kind: 'validation',
            passed,
            document,
            artifacts: kept,
          },
        },
        { ...author, id: partOf(author.id, 'evidence') },
      ),
    asStored(artifacts),
  )
  failpoint('validate: after the evidence')
  const moved = passed && (await moveOn())
  return { evidence, passed, checks: document.checks, moved }

  /** Where something else is missing, the evidence stays, and the version where it is. */
  async function moveOn(): Promise<boolean> {
    const now = await store.version(name, number)
    if (now === null) return false
    const stage = stageIn(now, environment)
    const onward = leads({ stage, validated: now.validated, wasProduction: false }, 'validated')
    if (!onward || stage === 'staging') return false
    const { allowed } = await moves.consider(name, number, 'validated', asker.actor)
    if (!allowed) return false
    await moves.move(name, number, 'validated', { expected: { from: stage } }, { ...asker, id: author.id })
    return true
  }
}
