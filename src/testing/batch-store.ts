/**
 * The laws of the batch store, as cases for any adapter of the metadata store. `open` gives a fresh, empty store at every call; `again` another
 * connection to the data of a store that `open` gave, beside it.
 */
import type { BatchRun } from '../ports/batch-store.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import { partitionCases } from './batch-store-partitions.ts'
import { publicationCases } from './batch-store-publication.ts'
import { aboutRun, author, ended, inOpened, leaseOf, long, newRun, parts, runOut, sha } from './batch-store-tools.ts'
import type { ContractCase } from './contract.ts'
import { check, equal, rejects } from './contract.ts'

export function batchStoreCases(
  open: () => Promise<MetadataStore>,
  again: (store: MetadataStore) => Promise<MetadataStore>,
): readonly ContractCase[] {
  const opened = inOpened(open, again)
  const { named, beside } = opened
  return [
    named('is empty at first', async (store) => {
      equal(await store.run('none'), null, 'a run')
      equal(await store.version('delays', 'here', 1), null, 'a version')
      equal(await store.runs({ environment: 'here', limit: 9 }), [], 'runs')
      equal(await store.partitions('none'), [], 'partitions')
      equal(await store.live('here'), [], 'what is live')
      equal(await store.holder('scheduler'), null, 'who has a lease')
      equal(await store.use('none'), [], 'use')
      equal(await store.take('none', 'worker', long), null, 'a partition of no run')
      await rejects(store.again('none'), 'SX_UNKNOWN_BATCH_RUN')
      await rejects(store.retire('none'), 'SX_UNKNOWN_BATCH_RUN')
    }),

    beside('keeps a run as it was begun, for everybody', async (store, other) => {
      const wanted = newRun({ at: 4_102_444_800_123, from: 4_102_441_200_000, reason: 'backfill', engine: 'spark' })
      const run = await store.begin(wanted)
      const { version, state, plan, verdict, cost, error, artifacts, beganAt, updatedAt, publishedAt, retired } = run
      equal(run, { ...wanted, ...run }, 'what was begun')
      equal(
        { version, state, plan, verdict, cost, error, artifacts, publishedAt, retired },
        {
          ...{ version: 1, state: 'planning', plan: null, verdict: null, cost: null, error: null, artifacts: {} },
          ...{ publishedAt: null, retired: false },
        },
        'what a run is at first',
      )
      check(beganAt > 1_600_000_000_000 && updatedAt === beganAt, 'it does not say when it began')
      for (const one of [store, other]) {
        equal(await one.run(run.id), run, 'the run by its id')
        equal(await one.version('delays', 'here', 1), run, 'the run by its version')
        equal(await one.runs({ environment: 'here', limit: 9 }), [run], 'the runs')
      }
    }),

    beside('has one run an occasion, also of twenty that begin at once', async (store, other) => {
      const begun = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? store : other).begin(newRun({ occasion: 'schedule 20:00', actor: `local:${index}` })),
        ),
      )
      const [first] = begun
      for (const run of begun) equal(run, first, 'the run that is begun')
      equal((await store.runs({ environment: 'here', limit: 99 })).length, 1, 'runs')
      // Of another batch or in another environment it is another occasion.
      const others = [{ batch: 'other' }, { environment: 'there' }]
      for (const more of others)
        check(
          (await store.begin(newRun({ occasion: 'schedule 20:00', ...more }))).id !== first!.id,
          'a run of something else is given',
        )
    }),

    beside('numbers the runs of a batch without gaps or doubles', async (store, other) => {
      const batches = ['a', 'b']
      const begun = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          (index % 2 === 0 ? store : other).begin(newRun({ batch: batches[index % 3 === 0 ? 0 : 1]! })),
        ),
      )
      for (const batch of batches) {
        const versions = begun.filter((run) => run.batch === batch).map(({ version }) => version)
        equal(
          versions.toSorted((a, b) => a - b),
          versions.map((_, index) => index + 1),
          `versions of ${batch}`,
        )
      }
      equal((await store.begin(newRun({ batch: 'a', environment: 'there' }))).version, 1, 'the first elsewhere')
    }),

    named('takes one id for one run', async (store) => {
      const run = newRun()
      const begun = await store.begin(run)
      equal(await store.begin(run), begun, 'the same again')
      await rejects(store.begin({ ...run, occasion: 'another' }), 'SX_REQUEST_INVALID')
    }),

    named('finds runs by what is asked, newest first', async (store) => {
      const of: BatchRun[] = []
      for (let index = 0; index < 6; index += 1)
        of.push(await store.begin(newRun({ at: 1_000 + index * 10, occasion: `o${index}` })))
      await store.begin(newRun({ batch: 'other', at: 1_020 }))
      await store.begin(newRun({ environment: 'there', at: 1_020 }))
      const lease = await leaseOf(store, of[4]!.id)
      await store.advance(of[4]!.id, lease, 'planning', 'failed', {})
      const found = async (query: Omit<Parameters<typeof store.runs>[0], 'environment' | 'limit'>, limit = 99) =>
        (await store.runs({ environment: 'here', limit, ...query })).map(({ batch, version }) => `${batch} ${version}`)
      const own = { batch: 'delays' }
      const named = (...versions: number[]) => versions.map((version) => `delays ${version}`)
      equal(await found({}), ['other 1', ...named(6, 5, 4, 3, 2, 1)], 'all')
      equal(await found(own), named(6, 5, 4, 3, 2, 1), 'those of a batch')
      equal(await found(own, 2), named(6, 5), 'no more than the limit')
      equal(await found({ ...own, before: 4 }, 2), named(3, 2), 'those before a version')
      equal(await found({ ...own, from: 1_010, until: 1_030 }), named(3, 2), 'those of a span, its end left out')
      equal(await found({ from: 1_020, until: 1_021 }), ['other 1', 'delays 3'], 'those of a span of all batches')
      equal(await found({ states: ['failed'] }), named(5), 'those in a state')
      equal(await found({ ...own, states: ['planning', 'failed'] }, 3), named(6, 5, 4), 'those in some states')
      equal(await found({ states: [] }), [], 'those in no state')
      equal(await found({ occasion: 'o2' }), named(3), 'that of an occasion')
      const last = await leaseOf(store, of[5]!.id)
      await store.advance(of[5]!.id, last, 'planning', 'failed', { plan: { a: 1 }, verdict: { b: 1 }, cost: { c: 1 } })
      const [whole, brief] = await Promise.all(
        [false, true].map(async (asked) => (await store.runs({ environment: 'here', limit: 2, brief: asked }))[1]!),
      )
      equal([whole!.plan, whole!.verdict], [{ a: 1 }, { b: 1 }], 'documents')
      equal(brief, { ...whole, plan: null, verdict: null }, 'the run without its long documents')
    }),

    beside('gives a lease to one at a time, each token greater than the one before', async (store, other) => {
      const first = await store.lease('scheduler', 'a', long)
      check(first !== null, 'a free lease is not given')
      for (const holder of ['a', 'b']) equal(await other.lease('scheduler', holder, long), null, `what ${holder} gets`)
      const held = await other.holder('scheduler')
      check(held?.holder === 'a' && held.leftMs > long / 2 && held.leftMs <= long, 'it does not say who has it')
      check(await store.renew(first, 20), 'what is held is not renewed')
      await runOut(20)
      equal(await store.holder('scheduler'), null, 'who has what ran out')
      // Nobody took it in the meantime.
      check(await store.renew(first, 20), 'what nobody else took is not renewed')
      await runOut(20)
      const second = await other.lease('scheduler', 'b', long)
      check(second !== null && second.token > first.token, 'its token is no greater than the one before')
      equal(
        [await store.renew(first, long), await store.holder('scheduler')].slice(0, 1),
        [false],
        'renewed by who lost',
      )
      await store.release(first)
      equal((await store.holder('scheduler'))?.holder, 'b', 'who has it when another gave it back')
      await other.release(second)
      await other.release(second)
      equal([await other.holder('scheduler'), await other.renew(second, long)], [null, false], 'what was given back')
      const third = await store.lease('scheduler', 'a', long)
      check(third !== null && third.token > second.token, 'after it was given back a token comes again')
      check((await store.lease('another', 'a', long)) !== null, 'another lease is not free')
    }),

    beside('gives a lease that many want at once to one of them', async (store, other) => {
      let last = 0
      for (let round = 0; round < 5; round += 1) {
        const all = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            (index % 2 === 0 ? store : other).lease('wanted', `h${index}`, long),
          ),
        )
        const [one, ...more] = all.filter((lease) => lease !== null)
        check(one !== undefined && more.length === 0, `${more.length + (one ? 1 : 0)} have it`)
        check(one.token > last, 'a token comes twice')
        last = one.token
        await store.release(one)
      }
    }),

    beside('moves a run from the state it is taken to be in, under its lease', async (store, other) => {
      const run = await store.begin(newRun())
      const lost = await store.lease(`run/${run.id}`, 'a', 1)
      await runOut(1)
      const lease = await leaseOf(other, run.id, 'b')
      const elsewhere = await leaseOf(store, 'another')
      const unchanged = async (what: string, moved: Promise<boolean>): Promise<void> => {
        const before = [await store.run(run.id), await store.partitions(run.id)]
        equal(await moved, false, what)
        equal([await store.run(run.id), await store.partitions(run.id)], before, `what is there: ${what}`)
      }
      const error = { code: 'SX_X', message: 'no' }
      await unchanged('who lost the lease', store.advance(run.id, lost!, 'planning', 'failed', { error }))
      await unchanged('who lost it plans', store.planned(run.id, lost!, {}, parts(2)))
      await unchanged('under another lease', store.advance(run.id, elsewhere, 'planning', 'failed', { error }))
      await unchanged('from another state', store.advance(run.id, lease, 'scoring', 'auditing', {}))
      equal(await store.advance('none', lease, 'planning', 'failed', {}), false, 'a run that is not there')
      check(await other.planned(run.id, lease, { rows: 5 }, parts(2)), 'whoever has it cannot plan')
      await unchanged('planned twice', store.planned(run.id, lease, {}, parts(3)))
      check(await other.advance(run.id, lease, 'scoring', 'failed', { error }), 'whoever has it cannot move it')
      const moved = await store.run(run.id)
      equal([moved?.state, moved?.error, moved?.plan], ['failed', error, { rows: 5 }], 'the run')
      check(moved!.updatedAt >= run.updatedAt, 'it does not say when it was moved')
      await other.release(lease)
      await unchanged('what was given back', store.advance(run.id, lease, 'failed', 'cancelled', {}))
    }),

    beside('moves a run once, of many that want to at once', async (store, other) => {
      const run = await store.begin(newRun())
      const lease = await leaseOf(store, run.id)
      const moved = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          (index % 2 === 0 ? store : other).advance(run.id, lease, 'planning', 'failed', { cost: { index } }),
        ),
      )
      equal(moved.filter(Boolean).length, 1, 'how many moved it')
      equal((await store.run(run.id))?.cost, { index: moved.indexOf(true) }, 'what was written')
    }),

    named('keeps documents of any form and text, and what is not named', async (store) => {
      const text = `Grüße, 世界, 🛫 'quoted' "twice" \\ ; -- \n\t\0 \ud800 ${'é'.repeat(10_000)}`
      const plan = { text, numbers: [0, -0.5, 2 ** 53 - 1, 1e-300, null, true], deep: [{ [text]: [[]] }] }
      const verdict = { many: Array.from({ length: 5_000 }, (_, index) => ({ index, words: text.slice(0, 60) })) }
      const run = await store.begin(newRun({ actor: `local:${text.slice(0, 20)}`, occasion: '🛫'.repeat(40) }))
      const lease = await leaseOf(store, run.id)
      const input = { kind: 'file', path: text }
      check(await store.planned(run.id, lease, plan, [{ index: 0, rows: 0, input }]), 'it is not planned')
      const error = { code: 'SX_X', message: text }
      await store.advance(run.id, lease, 'scoring', 'auditing', { verdict, error, artifacts: { 'a b': sha('a') } })
      await store.advance(run.id, lease, 'auditing', 'auditing', {
        cost: { price: 0.1 + 0.2 },
        artifacts: { c: sha('c') },
      })
      const kept = (await store.run(run.id))!
      equal([kept.plan, kept.verdict, kept.error], [plan, verdict, error], 'documents')
      equal([kept.cost, kept.artifacts], [{ price: 0.1 + 0.2 }, { 'a b': sha('a'), c: sha('c') }], 'more documents')
      equal((await store.partitions(run.id))[0]?.input, input, 'the input')
      await store.advance(run.id, lease, 'auditing', 'passed', { error: null })
      const after = (await store.run(run.id))!
      equal([after.error, after.verdict], [null, verdict], 'what was taken away, and what was not named')
    }),

    named('refuses text that databases alter, where it is not within a document', async (store) => {
      for (const text of ['a\0b', 'a\ud800b', '\udc00', 'x'.repeat(5_000)]) {
        for (const name of ['id', 'batch', 'environment', 'occasion', 'actor', 'model'])
          await rejects(store.begin(newRun({ [name]: text })), 'SX_REQUEST_INVALID', name)
        await rejects(store.lease(text, 'a', long), 'SX_REQUEST_INVALID', 'a lease')
        await rejects(store.lease('a', text, long), 'SX_REQUEST_INVALID', 'a holder')
        await rejects(store.take('a', text, long), 'SX_REQUEST_INVALID', 'a worker')
        await rejects(
          store.tellUse('a', text, { lookups: 1, hits: 1, keys: '', at: 1 }),
          'SX_REQUEST_INVALID',
          'a server',
        )
      }
      equal(await store.runs({ environment: 'here', limit: 9 }), [], 'runs')
    }),

    ...partitionCases(opened),
    ...publicationCases(opened),

    named('stays fast with 10,000 partitions', async (store) => {
      const run = await store.begin(newRun())
      const lease = await leaseOf(store, run.id)
      const began = performance.now()
      check(await store.planned(run.id, lease, {}, parts(10_000)), 'it is not planned')
      check(performance.now() - began < 10_000, 'to plan it takes more than 10 s')
      const perPartition = async (): Promise<number> => {
        const start = performance.now()
        for (let count = 0; count < 20; count += 1) {
          const taken = (await store.take(run.id, 'worker', long))!
          check(await store.finish(run.id, taken, outputAt(taken.index)), 'not finished')
        }
        return (performance.now() - start) / 20
      }
      await perPartition()
      const lane = async (until: number): Promise<void> => {
        for (;;) {
          const taken = await store.take(run.id, 'worker', long)
          if (taken === null || taken.index >= until) return
          await store.finish(run.id, taken, outputAt(taken.index))
        }
      }
      await Promise.all(Array.from({ length: 64 }, () => lane(1_000)))
      const ms = await perPartition()
      check(ms < 250, `after a thousand a partition takes ${ms.toFixed(0)} ms`)
      equal((await store.partitions(run.id)).length, 10_000, 'partitions')
    }),

    named('stays fast with 5,000 runs', async (store, whole) => {
      const batches = ['a', 'b', 'c', 'd', 'e']
      for (let from = 0; from < 5_000; from += 250)
        await Promise.all(
          Array.from({ length: 250 }, (_, index) =>
            store.begin(newRun({ batch: batches[index % 5]!, at: from + index, occasion: `o${from + index}` })),
          ),
        )
      const run = await ended(store, 'passed', { batch: 'a' })
      await whole.registry.change(
        { kind: 'batch.published', ...aboutRun(run), replaces: null, verdict: 'passed', rollback: false },
        author(),
      )
      const start = performance.now()
      for (let count = 0; count < 20; count += 1) {
        equal((await store.runs({ environment: 'here', batch: 'a', limit: 20 })).length, 20, 'a page')
        equal((await store.runs({ environment: 'here', states: ['published'], limit: 20 })).length, 1, 'published')
        equal(
          (await store.runs({ environment: 'here', batch: 'b', from: 100, until: 200, limit: 99 })).length,
          20,
          'a span',
        )
        equal((await store.live('here')).length, 1, 'what is live')
        equal((await store.version('a', 'here', 700))?.version, 700, 'a version')
      }
      const ms = (performance.now() - start) / 20
      check(ms < 250, `five questions take ${ms.toFixed(0)} ms`)
    }),
  ]
}

const outputAt = (index: number) => ({
  ...{ sha256: sha(`${index}x`), bytes: 1, rows: 10, profile: sha(`${index}y`) },
  cost: { inferred: 10, cpuMs: 1, modelMs: 1, wallMs: 1, bytesRead: 1 },
})
