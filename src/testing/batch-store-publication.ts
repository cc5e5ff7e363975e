/** The laws of publication: one pointer a batch, moved by compare and set with its entry; what it needs is kept. */
import type { BatchStore } from '../ports/batch-store.ts'
import type { AuditEntry, RegistryStore } from '../ports/registry-store.ts'
import { hashOfEntry } from '../ports/registry-store.ts'
import type { inOpened } from './batch-store-tools.ts'
import {
  aboutRun,
  author,
  ended,
  newRun,
  outputOf,
  parts,
  publishing,
  scoring,
  sha,
  taking,
} from './batch-store-tools.ts'
import type { ContractCase } from './contract.ts'
import { check, equal, rejects } from './contract.ts'

const entriesOf = (registry: RegistryStore): Promise<readonly AuditEntry[]> => registry.audit({ after: 0, limit: 999 })
const liveVersion = async (store: BatchStore): Promise<number | null> => (await store.live('here'))[0]?.version ?? null

export function publicationCases({ named, beside }: ReturnType<typeof inOpened>): readonly ContractCase[] {
  return [
    beside('publishes with its entry, for everybody at once', async (store, other, { registry }) => {
      const run = await ended(store, 'passed')
      const entry = await registry.change(publishing(run, null), author(5_000))
      const { number, action, model, version, environment, details, hash } = entry
      equal(
        { number, action, model, version, environment },
        { number: 1, action: 'batch.published', model: 'late', version: 3, environment: 'here' },
        'the entry',
      )
      equal(hash, hashOfEntry(entry), 'its hash')
      equal(
        details,
        { batch: 'delays', run: run.id, batchVersion: 1, replaces: null, verdict: 'passed', rollback: false },
        'its details',
      )
      const live = { batch: 'delays', environment: 'here', version: 1, run: run.id, at: 5_000, previous: null }
      for (const one of [store, other]) {
        equal(await one.live('here'), [live], 'what is live')
        const published = await one.run(run.id)
        equal([published?.state, published?.publishedAt], ['published', 5_000], 'the run')
      }
      equal(await store.live('there'), [], 'what is live elsewhere')
      equal(await entriesOf(registry), [entry], 'entries')
    }),

    beside('goes live by compare and set: of two at once one does', async (store, other, one, two) => {
      const first = await ended(store, 'passed')
      await one.registry.change(publishing(first, null), author())
      for (let round = 0; round < 5; round += 1) {
        const now = await liveVersion(store)
        const runs = [await ended(store, 'passed'), await ended(other, 'passed')]
        const asked = runs.map((run, index) =>
          (index === 0 ? one : two).registry.change(publishing(run, now), author()).then(
            () => run,
            () => null,
          ),
        )
        const won = (await Promise.all(asked)).filter((run) => run !== null)
        equal(won.length, 1, 'how many went live')
        equal(await liveVersion(other), won[0]!.version, 'what is live')
        equal((await store.live('here'))[0]?.previous, now, 'what was live before')
        const states = await Promise.all(runs.map(async ({ id }) => (await store.run(id))!.state))
        equal(states.toSorted(), ['passed', 'published'], 'the states of both')
      }
    }),

    named('answers a publication that is asked for again, and changes nothing', async (store, { registry }) => {
      const run = await ended(store, 'passed')
      const by = author()
      const entry = await registry.change(publishing(run, null), by)
      equal(await registry.change(publishing(run, null), by), entry, 'the entry')
      await rejects(registry.change(publishing(run, null), author()), 'SX_REGISTRY_CONFLICT')
      await rejects(registry.change(publishing(run, 1), author()), 'SX_REGISTRY_CONFLICT', 'what is live already')
      equal((await entriesOf(registry)).length, 1, 'entries')
    }),

    named(
      'publishes what passed, what was refused by override, and what was published',
      async (store, { registry }) => {
        const refuses = async (change: Parameters<RegistryStore['change']>[0], code = 'SX_REGISTRY_CONFLICT') => {
          const before = [await store.live('here'), await store.runs({ environment: 'here', limit: 99 })]
          await rejects(registry.change(change, author()), code)
          equal(
            [await store.live('here'), await store.runs({ environment: 'here', limit: 99 })],
            before,
            'what is there',
          )
        }
        const { run: unfinished } = await scoring(store, parts(1))
        for (const more of [{}, { verdict: 'overridden' }, { rollback: true }] as const)
          await refuses(publishing(unfinished, null, more))
        for (const state of ['auditing', 'failed'] as const) await refuses(publishing(await ended(store, state), null))
        const passed = await ended(store, 'passed')
        await refuses(publishing(passed, null, { verdict: 'overridden' }))
        await refuses(publishing(passed, null, { rollback: true }))
        await refuses(publishing(passed, 1))
        for (const more of [
          { version: 99 },
          { batch: 'other' },
          { environment: 'there' },
          { model: 'x' },
          { modelVersion: 4 },
        ])
          await refuses(publishing(passed, null, more))
        await refuses(publishing(passed, null, { run: 'none' }), 'SX_UNKNOWN_BATCH_RUN')
        await registry.change(publishing(passed, null), author(10))
        const refused = await ended(store, 'refused')
        await refuses(publishing(refused, passed.version))
        await registry.change(publishing(refused, passed.version, { verdict: 'overridden' }), author(20))
        equal((await store.run(refused.id))?.state, 'published', 'what was refused')
        // Back again: the instant of its first publication stays.
        const back = publishing(passed, refused.version, { rollback: true })
        const { details } = await registry.change(back, author(30))
        equal([details['rollback'], details['replaces']], [true, refused.version], 'the entry')
        equal(
          (await store.live('here'))[0],
          {
            ...{ batch: 'delays', environment: 'here', version: passed.version, run: passed.id },
            ...{ at: 30, previous: refused.version },
          },
          'what is live',
        )
        equal((await store.run(passed.id))?.publishedAt, 10, 'when it was published first')
      },
    ),

    named('writes down what was refused and what broke off, once', async (store, { registry }) => {
      const run = await ended(store, 'auditing')
      const by = author(7)
      const refusal = {
        kind: 'batch.refused',
        ...aboutRun(run),
        checks: ['half of the rows are missing', 'a\0b'],
      } as const
      const entry = await registry.change(refusal, by)
      equal(await registry.change(refusal, by), entry, 'the same again')
      equal([entry.model, entry.version, entry.environment], ['late', 3, 'here'], 'what the entry is of')
      equal(entry.details, { batch: 'delays', run: run.id, batchVersion: 1, checks: refusal.checks }, 'its details')
      equal([(await store.run(run.id))?.state, await store.live('here')], ['refused', []], 'the run, and what is live')
      const failing = await ended(store, 'auditing')
      const error = { code: 'SX_X', message: 'broken \0' }
      const failure = await registry.change({ kind: 'batch.failed', ...aboutRun(failing), error }, author(8))
      equal([failure.details['error'], failure.model], [error, 'late'], 'the entry of a failure')
      const failed = await store.run(failing.id)
      equal([failed?.state, failed?.error], ['failed', error], 'the run')
      const passed = await ended(store, 'passed')
      await rejects(registry.change({ ...refusal, ...aboutRun(passed) }, author()), 'SX_REGISTRY_CONFLICT')
      await registry.change(publishing(passed, null), author())
      const late = { kind: 'batch.failed', ...aboutRun(passed), error } as const
      await rejects(registry.change(late, author()), 'SX_REGISTRY_CONFLICT')
      equal((await store.run(passed.id))?.state, 'published', 'what is live')
    }),

    named('cancels what is on the way, whoever works on it, and nothing else', async (store, { registry }) => {
      const { run, lease } = await scoring(store, parts(2))
      const taken = await taking(store, run.id)
      const entry = await registry.change(
        { kind: 'batch.cancelled', ...aboutRun(run) },
        author(9, { reason: 'too late' }),
      )
      equal([entry.reason, entry.model, entry.details['from']], ['too late', 'late', 'scoring'], 'the entry')
      equal((await store.run(run.id))?.state, 'cancelled', 'the run')
      equal(await store.take(run.id, 'worker', 1_000), null, 'what is left to take')
      equal(await store.advance(run.id, lease, 'scoring', 'auditing', {}), false, 'that it goes on')
      check(await store.finish(run.id, taken, outputOf('kept')), 'what was had is lost')
      equal((await store.again(run.id)).state, 'scoring', 'a run that is gone on with')
      equal((await taking(store, run.id)).index, 1, 'what is left')
      for (const state of ['refused', 'failed'] as const) {
        const over = await ended(store, state)
        await rejects(registry.change({ kind: 'batch.cancelled', ...aboutRun(over) }, author()), 'SX_REGISTRY_CONFLICT')
      }
    }),

    named('finds the entries of a model also when it was deleted', async (store, { registry }) => {
      await registry.change({ kind: 'model.created', model: 'late', description: null, tags: {} }, author())
      const [one, two] = [await ended(store, 'passed'), await ended(store, 'passed')]
      await registry.change(publishing(one, null), author())
      await registry.change({ kind: 'model.deleted', model: 'late' }, author())
      await registry.change(publishing(two, one.version), author())
      const entries = await registry.audit({ model: 'late', after: 0, limit: 9 })
      equal(
        entries.map(({ action }) => action),
        ['model.created', 'batch.published', 'model.deleted', 'batch.published'],
        'entries of the model',
      )
    }),

    named('tells webhooks, each of what concerns it', async (store, { registry }) => {
      const hook = (id: string, events: readonly string[], form: 'sixfold' | 'mlflow' = 'sixfold') => ({
        ...{
          id,
          name: id,
          url: 'http://x',
          events,
          models: ['late'],
          secret: null,
          description: null,
          active: true,
          form,
        },
      })
      await registry.change({ kind: 'webhook.created', webhook: hook('all', ['batch.*']) }, author())
      await registry.change({ kind: 'webhook.created', webhook: hook('refused', ['batch.refused']) }, author())
      await registry.change(
        { kind: 'webhook.created', webhook: hook('mlflow', ['model_version.created'], 'mlflow') },
        author(),
      )
      const [one, two] = [await ended(store, 'auditing'), await ended(store, 'passed')]
      await registry.change({ kind: 'batch.refused', ...aboutRun(one), checks: [] }, author())
      await registry.change(publishing(two, null), author())
      const told = async (webhook: string) =>
        (await registry.deliveries({ webhook, limit: 9 })).map(({ entry }) => entry.action)
      equal(await told('all'), ['batch.published', 'batch.refused'], 'what one is told')
      equal(await told('refused'), ['batch.refused'], 'what another is told')
      equal(await told('mlflow'), [], 'what MLflow is told')
    }),

    beside('is held and released, with who said so and why', async (store, other, { registry }) => {
      equal(await store.holds('here'), [], 'holds at first')
      const run = await ended(store, 'passed')
      const held = await registry.change({ kind: 'batch.held', ...aboutRun(run) }, { ...author(7_000), reason: 'wait' })
      equal(
        [held.action, held.model, held.details],
        ['batch.held', 'late', { batch: 'delays', run: run.id, batchVersion: 1 }],
        'the entry',
      )
      const { actor } = held
      equal(await other.holds('here'), [{ batch: 'delays', actor, reason: 'wait', at: 7_000 }], 'the hold')
      equal(await store.holds('there'), [], 'elsewhere')
      await registry.change({ kind: 'batch.held', ...aboutRun(run) }, { ...author(8_000), reason: null })
      equal(await store.holds('here'), [{ batch: 'delays', actor, reason: null, at: 8_000 }], 'held again')
      await registry.change(publishing(run, null), author(9_000))
      equal(await liveVersion(store), 1, 'what somebody publishes goes live')
      await registry.change({ kind: 'batch.released', ...aboutRun(run) }, author(10_000))
      equal(await other.holds('here'), [], 'released')
      await rejects(registry.change({ kind: 'batch.released', ...aboutRun(run) }, author()), 'SX_REGISTRY_CONFLICT')
    }),

    named('keeps the artifacts of runs from collection until they are retired', async (store, { registry }) => {
      const { run, lease } = await scoring(store, [
        { index: 0, rows: 1, input: { kind: 'rows', sha256: sha('rows') } },
        { index: 1, rows: 1, input: { kind: 'file', path: 'x' } },
      ])
      const output = outputOf('kept')
      await store.finish(run.id, await taking(store, run.id), output)
      const late = await taking(store, run.id)
      await store.advance(run.id, lease, 'scoring', 'auditing', { artifacts: { report: sha('report') } })
      const all = [sha('model'), sha('rows'), output.sha256, output.profile, sha('report')]
      equal([...(await registry.references())].toSorted(), all.toSorted(), 'what is referred to')
      equal(await registry.condemn(all, 5), [], 'what can be collected')
      equal(await store.retire(run.id), false, 'what is under way is retired')
      await store.advance(run.id, lease, 'auditing', 'failed', {})
      // What another run has as well is kept for that.
      const other = await store.begin(newRun())
      check(await store.retire(run.id), 'it is not retired')
      check(await store.retire(run.id), 'it is not retired when asked for again')
      equal((await registry.condemn(all, 6)).toSorted(), all.filter((one) => one !== sha('model')).toSorted(), 'free')
      equal(
        [(await store.run(run.id))?.retired, (await store.run(other.id))?.retired],
        [true, false],
        'what is retired',
      )
      await rejects(store.again(run.id), 'SX_BATCH_STATE')
      equal(await store.finish(run.id, late, outputOf('late')), false, 'what is retired is finished')
      equal((await registry.condemn([outputOf('late').sha256], 7)).length, 1, 'what is free')
      equal(await store.advance(run.id, lease, 'failed', 'cancelled', {}), false, 'what is retired is moved')
    }),

    beside('does not retire what is live, nor publish what is retired', async (store, other, { registry }) => {
      const [one, two, three] = [
        await ended(store, 'passed'),
        await ended(store, 'passed'),
        await ended(store, 'passed'),
      ]
      await registry.change(publishing(one, null), author())
      equal(await store.retire(one.id), false, 'what is live')
      await registry.change(publishing(two, one.version), author())
      check(await other.retire(one.id), 'what is not live any more is not retired')
      const back = publishing(one, two.version, { rollback: true })
      await rejects(registry.change(back, author()), 'SX_REGISTRY_CONFLICT')
      // Asked for at once, it is one or the other.
      const [published, retired] = await Promise.all([
        registry.change(publishing(three, two.version), author()).then(
          () => true,
          () => false,
        ),
        other.retire(three.id),
      ])
      check(published !== retired, `published: ${published}, retired: ${retired}`)
      equal(await liveVersion(store), published ? three.version : two.version, 'what is live')
    }),

    beside('keeps what each server said last of how a version was looked up', async (store, other) => {
      const run = await store.begin(newRun())
      const said = (lookups: number, keys = 'sketch') => ({ lookups, hits: lookups - 1, keys, at: 1_000 + lookups })
      await store.tellUse(run.id, 'a', said(5))
      await other.tellUse(run.id, 'b', said(7, 'x'.repeat(100_000)))
      await other.tellUse(run.id, 'a', said(2 ** 40))
      equal(await store.use(run.id), [said(2 ** 40), said(7, 'x'.repeat(100_000))], 'use')
      await rejects(store.tellUse('none', 'a', said(1)), 'SX_UNKNOWN_BATCH_RUN')
      equal(await store.use('none'), [], 'use of another')
    }),
  ]
}
