/**
 * The laws of the metadata store, as cases for any adapter. `open` gives a fresh, empty store at every call; `again` another
 * connection to the data of a store that `open` gave, beside it.
 */
import type { AppliedPlatform, MetadataStore } from '../ports/metadata-store.ts'
import type { ContractCase } from './contract.ts'
import { check, equal } from './contract.ts'

const platform = (name: string): AppliedPlatform => ({
  hash: `hash-of-${name}`,
  definitions: [{ kind: 'view', name, hash: `view-${name}`, described: { name, windows: [1, 2.5, null], deep: [{}] } }],
})

export function metadataStoreCases(
  open: () => Promise<MetadataStore>,
  again: (store: MetadataStore) => Promise<MetadataStore>,
): readonly ContractCase[] {
  const named = (name: string, body: (store: MetadataStore) => Promise<void>): ContractCase => ({
    name,
    run: async () => {
      const store = await open()
      try {
        await body(store)
      } finally {
        await store.close()
      }
    },
  })
  const beside = (name: string, body: (store: MetadataStore, other: MetadataStore) => Promise<void>): ContractCase =>
    named(name, async (store) => {
      const other = await again(store)
      try {
        await body(store, other)
      } finally {
        await other.close()
      }
    })

  return [
    named('is empty at first', async (store) => {
      equal(await store.applied(), null, 'what was applied')
      equal(await store.history(10), [], 'the history')
      equal(await store.form('none'), null, 'a form that was not kept')
    }),

    named('gives the history newest first, up to the limit', async (store) => {
      for (const [index, name] of ['a', 'b', 'c', 'a'].entries()) {
        const entry = { ...platform(name), at: 1_000 + index }
        equal(await store.apply(platform(name), 1_000 + index), entry, 'what apply gives')
        equal(await store.applied(), entry, 'what was applied last')
      }
      const names = (await store.history(3)).map(({ definitions: [one] }) => one?.name)
      equal(names, ['a', 'c', 'b'], 'the names in the history')
      equal(
        (await store.history(10)).map(({ at }) => at),
        [1_003, 1_002, 1_001, 1_000],
        'the times in the history',
      )
    }),

    named('gives the entry that is there to definitions applied again', async (store) => {
      const first = await store.apply(platform('a'), 1_000)
      equal(await store.apply(platform('a'), 2_000), first, 'what apply gives the second time')
      equal(await store.history(10), [first], 'the history')
      const other = await store.apply(platform('b'), 3_000)
      const back = await store.apply(platform('a'), 4_000)
      equal(await store.history(10), [back, other, first], 'the history after another was applied between')
    }),

    named('keeps a form as it was first kept', async (store) => {
      await store.keepForm('hash', '{"a":1}')
      await store.keepForm('hash', '{"a":1}')
      await Promise.all(Array.from({ length: 8 }, () => store.keepForm('at once', '[]')))
      equal([await store.form('hash'), await store.form('at once')], ['{"a":1}', '[]'], 'the forms')
    }),

    named('keeps text of all scripts, large JSON and large numbers', async (store) => {
      const text = `Grüße, 世界, 🛫 'quoted' "twice" \\ ; -- \n\t${'é'.repeat(1_000)}`
      const described = {
        text,
        nul: 'a\u0000b',
        // Below what is said of them: neither 2^53 nor a fraction may be rounded.
        numbers: [Number.MAX_SAFE_INTEGER, -0.1, 1e-300, 1e300],
        many: Array.from({ length: 20_000 }, (_, index) => ({ index, name: `${text.slice(0, 40)}-${index}` })),
      }
      const large = { hash: 'large', definitions: [{ kind: 'view', name: text, hash: 'h', described }] }
      const at = 4_102_444_800_123
      await store.apply(large, at)
      equal(await store.applied(), { ...large, at }, 'what was applied')
      const form = JSON.stringify(described)
      await store.keepForm(text, form)
      check((await store.form(text)) === form, 'the form is not what was kept')
    }),

    beside('is seen by another process as soon as a call has resolved', async (store, other) => {
      for (let round = 0; round < 10; round += 1) {
        const [writer, reader] = round % 2 === 0 ? [store, other] : [other, store]
        const entry = await writer.apply(platform(`p${round}`), round)
        equal(await reader.applied(), entry, 'what the other sees as applied')
        await writer.keepForm(`form-${round}`, `${round}`)
        equal(await reader.form(`form-${round}`), `${round}`, 'what the other sees as form')
      }
    }),

    beside('applies once what several apply at once', async (store, other) => {
      await Promise.all(
        Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? store : other).apply(platform('a'), 7)),
      )
      equal((await store.history(20)).length, 1, 'entries')
    }),

    named('gives all of it again when it is opened again', async (store) => {
      await store.apply(platform('a'), 1)
      await store.keepForm('hash', 'form')
      const before = [await store.history(9), await store.form('hash')]
      await (await again(store)).close()
      const other = await again(store)
      try {
        equal([await other.history(9), await other.form('hash')], before, 'what is there')
      } finally {
        await other.close()
      }
    }),

    named('says of itself what an operator wants to know', async (store) => {
      const { technology, where, version: number, roundTripMs, facts, problems } = await store.inspect()
      check(technology.length > 0 && where.length > 0 && number !== null, 'it does not say what and where it is')
      check(roundTripMs !== null && roundTripMs >= 0, 'it does not say how long an answer takes')
      check(facts.length > 0, 'it gives no facts')
      equal(
        problems.filter(({ severity }) => severity === 'error'),
        [],
        'errors of a store that works',
      )
    }),
  ]
}
