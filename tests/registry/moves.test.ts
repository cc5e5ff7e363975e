/** Moves of versions of models that the platform defines: what a gate asks, what is kept of it, and who wins. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Stage as At, ModelVersion } from '../../src/ports/registry-store.ts'
import { stageIn, stages } from '../../src/ports/registry-store.ts'
import { withGates } from './platform.ts'
import type { Stage } from './stage.ts'
import { ana, ben, cleo, refusal, registered, stage, toProduction } from './stage.ts'

let s: Stage
beforeEach(async () => {
  s = await stage()
})
afterEach(() => s.close())

const stageOf = async (model: string, version: number): Promise<At> =>
  stageIn((await s.metadata.registry.version(model, version))!, 'default')
/** A version that stands at that stage. */
async function versionAt(model: string, to: At): Promise<number> {
  const { version } = await s.registry.add(model, await s.file(), registered, ana)
  if (to === 'registered') return version.version
  await s.registry.validate(model, version.version, { data: null }, ana)
  if (to === 'staging' || to === 'production') await s.registry.move(model, version.version, 'staging', {}, ana)
  if (to === 'production') await s.registry.move(model, version.version, 'production', {}, ana)
  return version.version
}

describe('a gate', () => {
  test('lets nothing past that was not validated, and says what would help', async () => {
    const version = await versionAt('eta', 'registered')
    const error = await refusal(s.registry.move('eta', version, 'production', {}, ana))
    expect(error).toMatchObject({ code: 'SX_GATE_REFUSED' })
    expect(error!.message).toContain('It was never validated. Run: sixfold model validate eta 1')
    expect(await stageOf('eta', version)).toBe('registered')
    expect(await s.registry.consider('eta', version, 'production')).toMatchObject({
      allowed: false,
      from: 'registered',
      to: 'production',
      preconditions: [{ name: 'validation', met: false }, {}, {}, {}, {}, { name: 'artifact', met: true }],
    })
  })

  test('is passed in several steps, each with its entry, its preconditions and its evidence', async () => {
    const version = await versionAt('eta', 'registered')
    const { evidence, moved } = await s.registry.validate('eta', version, { data: null }, ana)
    expect(moved).toBe(true)
    const { entries, stage: reached } = await s.registry.move('eta', version, 'production', {}, ben)
    expect(reached).toBe('production')
    expect(entries.map(({ details }) => [details['from'], details['to']])).toEqual([
      ['validated', 'staging'],
      ['staging', 'production'],
    ])
    for (const { actor, details } of entries) {
      expect(actor).toBe('local:ben')
      expect(details['evidence']).toEqual([evidence])
      expect(details['preconditions']).toContainEqual({
        name: 'validation',
        met: true,
        words: expect.stringContaining(`Validated by local:ana`) as string,
      })
    }
  })

  test('closes again where the last validation failed, whatever passed before', async () => {
    const version = await versionAt('eta', 'validated')
    s.verdict(false)
    expect(await s.registry.validate('eta', version, { data: null }, ana)).toMatchObject({
      passed: false,
      moved: false,
    })
    expect((await refusal(s.registry.move('eta', version, 'staging', {}, ana)))!.message).toContain(
      'Its last validation failed.',
    )
    s.verdict(true)
    await s.registry.validate('eta', version, { data: null }, ana)
    await s.registry.move('eta', version, 'staging', {}, ana)
  })

  test('takes evidence of an earlier definition, or an earlier gate, for none', async () => {
    const version = await versionAt('eta', 'validated')
    const later = await s.beside({ platform: withGates(25) })
    expect((await refusal(later.move('eta', version, 'staging', {}, ana)))!.message).toContain(
      "The model's definition has changed since it was validated.",
    )
    const { document, ...evidence } = (await s.metadata.registry.evidence('eta', version))[0]!
    const outdated = { ...(document as object), gate: '0'.repeat(64) }
    await s.metadata.registry.change(
      { kind: 'evidence.recorded', evidence: { ...evidence, id: 'e'.repeat(64), document: outdated } },
      { id: 'f'.repeat(32), actor: 'local:ana', reason: null, at: evidence.at + 1 },
    )
    expect((await refusal(s.registry.move('eta', version, 'staging', {}, ana)))!.message).toContain(
      "The model's gate has changed since it was validated.",
    )
  })

  test('asks for the facts of its stage and of those before, by name', async () => {
    const version = await versionAt('strict', 'validated')
    const toStaging = await s.registry.consider('strict', version, 'staging')
    expect(toStaging.preconditions.filter(({ met }) => !met)).toMatchObject([
      { name: 'fact: data', words: expect.stringContaining('Not recorded: data.') as string },
    ])
    const data = { pointer: 'train.parquet', hash: 'a'.repeat(64), rows: 10 }
    const facts = { data, configuration: { parameters: { trees: 9 } } }
    const { stopped, version: better } = await s.registry.add('strict', await s.file(), { ...toProduction, facts }, ana)
    expect(await stageOf('strict', better.version)).toBe('staging')
    expect(stopped!.preconditions.filter(({ met }) => !met).map(({ name, words }) => `${name}: ${words}`)).toEqual([
      expect.stringMatching(/^fact: configuration: Not recorded: configuration: seeds\./),
      expect.stringMatching(/^fact: evaluation: Not recorded: evaluation\./),
    ])
  })

  test('asks for other people, each once, and not for whoever moves it', async () => {
    const version = await versionAt('careful', 'staging')
    const unmet = async () =>
      (await s.registry.consider('careful', version, 'production', 'local:ana')).preconditions.find(({ met }) => !met)
    await s.registry.approve('careful', version, 'production', ana)
    expect((await unmet())!.words).toMatch(
      /2 other people have to approve; so far nobody yet\. They run: sixfold model approve/,
    )
    await s.registry.approve('careful', version, 'production', ben)
    await s.registry.approve('careful', version, 'production', ben)
    expect((await unmet())!.words).toContain('so far local:ben.')
    expect(await refusal(s.registry.move('careful', version, 'production', {}, ana))).toMatchObject({
      code: 'SX_GATE_REFUSED',
    })
    await s.registry.approve('careful', version, 'production', cleo)
    expect(await unmet()).toBeUndefined()
    // Two others approved of what ana asks for; for ben there is one beside cleo: ana.
    await s.registry.move('careful', version, 'production', {}, ana)
    expect(await stageOf('careful', version)).toBe('production')
  })

  test('forgets approvals when the evidence is another, and when they were used', async () => {
    const version = await versionAt('careful', 'staging')
    const approve = async (): Promise<void> => {
      for (const who of [ben, cleo]) await s.registry.approve('careful', version, 'production', who)
    }
    const allowed = async (): Promise<boolean> =>
      (await s.registry.consider('careful', version, 'production', 'local:ana')).allowed
    await approve()
    expect(await allowed()).toBe(true)
    await later()
    await s.registry.validate('careful', version, { data: null }, ana)
    expect(await allowed()).toBe(false)
    await approve()
    await s.registry.move('careful', version, 'production', {}, ana)
    await later()
    await s.registry.move('careful', version, 'archived', {}, ana)
    await s.registry.move('careful', version, 'staging', {}, ana)
    expect(await allowed()).toBe(false)
  })

  test('does not open for files that are gone or damaged', async () => {
    const version = await versionAt('eta', 'staging')
    const [file] = (await s.metadata.registry.version('eta', version))!.files
    const path = join(s.folder, 'artifacts', file!.sha256.slice(0, 2), file!.sha256)
    await writeFile(path, 'something else')
    expect((await refusal(s.registry.move('eta', version, 'production', {}, ana)))!.message).toMatch(
      /artifact: Its file 'model.onnx' is damaged/,
    )
    await rm(path)
    expect((await refusal(s.registry.move('eta', version, 'production', {}, ana)))!.message).toMatch(
      /'model.onnx' is gone from the artifact store/,
    )
    expect(await stageOf('eta', version)).toBe('staging')
  })
})

describe('every stage and every other', () => {
  const open: { readonly [from in At]: readonly At[] } = {
    registered: ['archived'],
    validated: ['staging', 'production', 'archived'],
    staging: ['validated', 'production', 'archived'],
    production: ['archived'],
    archived: ['staging', 'production', 'validated'],
  }
  test.each(stages)('from %s', async (from) => {
    for (const to of stages) {
      const version = await versionAt('eta', from === 'archived' ? 'validated' : from)
      if (from === 'archived') await s.registry.move('eta', version, 'archived', {}, ana)
      const error = await refusal(s.registry.move('eta', version, to, {}, ana))
      const code = error?.code ?? null
      if (open[from].includes(to)) expect(code, to).toBeNull()
      else expect(code, to).toBe(from === 'registered' && to !== 'registered' ? 'SX_GATE_REFUSED' : 'SX_STAGE_INVALID')
      expect(await stageOf('eta', version)).toBe(code === null ? to : from)
    }
  })
})

describe('production', () => {
  test('is of one version: the one before is archived, and what answers is said first', async () => {
    const one = await versionAt('eta', 'production')
    const two = await versionAt('eta', 'staging')
    const consequence = await s.registry.consider('eta', two, 'production')
    expect(consequence).toMatchObject({ allowed: true, replaces: one })
    expect(consequence.effects).toEqual([
      "Version 2 answers every prediction of 'eta' in 'default' from the next second on.",
      'Version 1 no longer answers, and is archived; it can be rolled back to at once.',
    ])
    await s.registry.move('eta', two, 'production', {}, ana)
    expect([await stageOf('eta', one), await stageOf('eta', two)]).toEqual(['archived', 'production'])
    expect((await s.registry.consider('eta', two, 'archived')).effects[0]).toMatch(
      /^The fallback of 'eta' answers every prediction/,
    )
  })

  test('is each environment its own', async () => {
    const version = await versionAt('eta', 'production')
    const trial = await s.beside({ environment: 'trial' })
    expect((await trial.model('eta')).production).toBeNull()
    await trial.move('eta', version, 'production', {}, ana)
    await trial.move('eta', version, 'archived', {}, ana)
    expect(await stageOf('eta', version)).toBe('production')
  })

  test('goes to one of two who promote at once, and the other is told who won', { timeout: 600_000 }, async () => {
    const beside = await s.beside()
    const versions = [await versionAt('eta', 'staging'), await versionAt('eta', 'staging')]
    const askers = [ana, ben]
    const won = [0, 0]
    for (let round = 0; round < Number(process.env['RUNS'] ?? 25); round++) {
      const results = await Promise.allSettled(
        versions.map((version, i) =>
          (i === round % 2 ? beside : s.registry).move(
            'eta',
            version,
            'production',
            { expected: { production: null } },
            askers[i]!,
          ),
        ),
      )
      const winner = results.findIndex(({ status }) => status === 'fulfilled')
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      won[winner]! += 1
      const { reason } = results[1 - winner] as PromiseRejectedResult
      expect(reason).toMatchObject({ code: 'SX_REGISTRY_CONFLICT', details: { by: askers[winner]!.actor } })
      expect((reason as Error).message).toContain(`The last change was by ${askers[winner]!.actor}`)
      expect(await Promise.all(versions.map((version) => stageOf('eta', version)))).toEqual(
        winner === 0 ? ['production', 'staging'] : ['staging', 'production'],
      )
      await s.registry.move('eta', versions[winner]!, 'archived', {}, ana)
      await s.registry.move('eta', versions[winner]!, 'staging', {}, ana)
    }
    expect(await s.registry.verifyAudit(() => {})).toMatchObject({ ok: true })
  })

  test('is not taken from another version, or from another stage, than whoever asks expects', async () => {
    const one = await versionAt('eta', 'production')
    const two = await versionAt('eta', 'staging')
    const moved = (expected: object) => refusal(s.registry.move('eta', two, 'production', { expected }, ben))
    expect(await moved({ production: null })).toMatchObject({
      code: 'SX_REGISTRY_CONFLICT',
      details: { by: 'local:ana' },
    })
    expect(await moved({ production: 7 })).toMatchObject({ code: 'SX_REGISTRY_CONFLICT' })
    expect(await moved({ from: 'validated' })).toMatchObject({ code: 'SX_REGISTRY_CONFLICT' })
    expect(await stageOf('eta', one)).toBe('production')
    expect(await moved({ production: one, from: 'staging' })).toBeNull()
  })

  test('no walk of moves and roll backs, also by two at once, gives a model two', async () => {
    const beside = await s.beside()
    const step = fc.record({
      what: fc.constantFrom('add', 'move', 'rollback'),
      version: fc.integer({ min: 1, max: 4 }),
      to: fc.constantFrom(...stages),
      other: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 8 }), async (rounds) => {
        for (const round of rounds) {
          await Promise.all(
            round.map(async ({ what, version, to, other }) => {
              const registry = other ? beside : s.registry
              const work =
                what === 'add'
                  ? registry.add('eta', await s.file(), { ...toProduction, to }, ana)
                  : what === 'move'
                    ? registry.move('eta', version, to, {}, ben)
                    : registry.rollback('eta', null, cleo)
              // Only errors of ours, of which each has its code.
              await refusal(work)
            }),
          )
          const all: readonly ModelVersion[] = await s.metadata.registry.versions('eta')
          const live = all.filter((one) => stageIn(one, 'default') === 'production')
          expect(live.length).toBeLessThan(2)
          for (const one of all) {
            const at = stageIn(one, 'default')
            if (at === 'staging' || at === 'production') expect(one.validated).toBe(true)
          }
        }
        expect(await s.registry.verifyAudit(() => {})).toMatchObject({ ok: true, problems: [] })
      }),
      { numRuns: 15 },
    )
  })
})

describe('roll back', () => {
  test('goes to the version before, and again to the one before that', async () => {
    const [one, two, three] = [
      await versionAt('eta', 'production'),
      await versionAt('eta', 'production'),
      await versionAt('eta', 'production'),
    ]
    const back = await s.registry.rollback('eta', null, ben)
    expect(back).toMatchObject({ from: three, to: two, pending: false })
    expect(back.entry!.details).toMatchObject({ rollback: true, from: 'archived', replaces: three })
    expect(await s.registry.rollback('eta', null, ben)).toMatchObject({ from: two, to: one })
    expect(await refusal(s.registry.rollback('eta', null, ben))).toMatchObject({ code: 'SX_NOTHING_TO_ROLL_BACK' })
    expect((await s.registry.productions('eta')).map(({ version, rollback }) => [version, rollback])).toEqual([
      [one, true],
      [two, true],
      [three, false],
      [two, false],
      [one, false],
    ])
  })

  test('goes to any version that was there, and to no other', async () => {
    const one = await versionAt('eta', 'production')
    await versionAt('eta', 'production')
    const never = await versionAt('eta', 'staging')
    expect((await refusal(s.registry.rollback('eta', never, ana)))!.message).toContain('was never in production')
    expect(await refusal(s.registry.rollback('eta', 2, ana))).toMatchObject({ code: 'SX_STAGE_INVALID' })
    expect(await s.registry.rollback('eta', one, ana)).toMatchObject({ to: one })
    expect(await stageOf('eta', 2)).toBe('archived')
  })

  test('needs no gate, but files that are whole and a definition that it fits', async () => {
    const one = await versionAt('eta', 'production')
    const two = await versionAt('eta', 'production')
    s.verdict(false)
    await s.registry.validate('eta', one, { data: null }, ana)
    const [file] = (await s.metadata.registry.version('eta', one))!.files
    await s.artifacts.delete(file!.sha256)
    expect(await refusal(s.registry.rollback('eta', null, ana))).toMatchObject({ code: 'SX_GATE_REFUSED' })
    await s.artifacts.put(join(s.folder, `model-2.onnx`))
    expect(await s.registry.rollback('eta', null, ana)).toMatchObject({ from: two, to: one })
  })

  test('where the metadata store does not answer, is made without it under the same name', async () => {
    await versionAt('eta', 'production')
    await versionAt('eta', 'production')
    const asked: unknown[] = []
    const alone = {
      pending: () => null,
      rollBackAlone: async (model: string, version: number | null, author: object) => {
        asked.push([model, version, author])
        return { ...author, model, version: 1, environment: 'default', from: 2 } as never
      },
    }
    const beside = await s.beside({ alone })
    const id = 'a'.repeat(32)
    expect(await beside.rollback('eta', null, { ...ana, id })).toMatchObject({ pending: false, to: 1 })
    expect(asked).toEqual([])
    for (const away of ['refuses', 'says nothing'] as const) {
      const without = await s.beside({ alone, away })
      expect(await without.rollback('eta', 1, { ...ana, id })).toMatchObject({
        pending: true,
        from: 2,
        to: 1,
        entry: null,
      })
    }
    expect(asked).toMatchObject([
      ['eta', 1, { id, actor: 'local:ana' }],
      ['eta', 1, { id, actor: 'local:ana' }],
    ])
    expect(await refusal((await s.beside({ away: 'refuses' })).rollback('eta', 1, ana))).toMatchObject({
      code: 'SX_STORE_UNAVAILABLE',
    })
  })
})

test('a request that is sent again is one request', async () => {
  const id = 'b'.repeat(32)
  const path = await s.file()
  const first = await s.registry.add('eta', path, toProduction, { ...ana, id })
  const entries = await s.registry.audit({ limit: 100 })
  const again = await s.registry.add('eta', path, toProduction, { ...ana, id })
  expect(again).toMatchObject({ version: { version: first.version.version }, stage: 'production', added: true })
  expect(await s.registry.audit({ limit: 100 })).toEqual(entries)

  const two = await versionAt('eta', 'validated')
  const moved = await s.registry.move('eta', two, 'production', {}, { ...ana, id: 'c'.repeat(32) })
  expect(await s.registry.move('eta', two, 'production', {}, { ...ana, id: 'c'.repeat(32) })).toEqual(moved)
  const back = await s.registry.rollback('eta', null, { ...ana, id: 'd'.repeat(32) })
  expect(await s.registry.rollback('eta', null, { ...ana, id: 'd'.repeat(32) })).toEqual(back)
})

/** Instants are whole milliseconds. */
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 3))
