/** What holds when several read and change the same keys at once, as cases: see online-store.ts. */
import type { OnlineStore } from '../ports/online-store.ts'
import type { ContractCase } from './contract.ts'
import { check, equal } from './contract.ts'
import type { Named } from './online-store-tools.ts'
import { allOf, increment, keyOf, numberAs, numberIn, put } from './online-store-tools.ts'

export function raceCases(named: Named, again: (store: OnlineStore) => Promise<OnlineStore>): readonly ContractCase[] {
  /** Two stores over the same data. */
  const both = (name: string, body: (stores: readonly [OnlineStore, OnlineStore]) => Promise<void>): ContractCase =>
    named(name, async (store) => {
      const other = await again(store)
      try {
        await body([store, other])
      } finally {
        await other.close()
      }
    })
  const [a, b] = [keyOf(1), keyOf(2)]

  return [
    both('loses no increment of one key from two stores', async (stores) => {
      const times = 200
      await Promise.all(Array.from({ length: times }, (_, i) => increment(stores[i & 1]!, a)))
      equal(numberIn((await allOf(stores[0], [a]))[0]), times, 'the number after all increments')
    }),

    both('loses no increment of keys that overlap', async (stores) => {
      const keys = Array.from({ length: 5 }, (_, i) => keyOf(i))
      const times = 100
      await Promise.all(
        Array.from({ length: times }, (_, i) =>
          increment(stores[i & 1]!, ...[0, 1, 2].map((step) => keys[(i + step) % keys.length]!)),
        ),
      )
      equal(
        (await allOf(stores[0], keys)).map(numberIn),
        keys.map(() => (times * 3) / keys.length),
        'the numbers',
      )
    }),

    both('lets no two updates each miss what the other wrote (no write skew)', async (stores) => {
      // Each takes its place only while the other's is free.
      for (let round = 0; round < 50; round++) {
        await put(stores[0], [a, b], [null, null])
        await Promise.all([
          stores[0].update([a, b], ([, theirs]) => [theirs === null ? keyOf(1) : undefined, undefined]),
          stores[1].update([b, a], ([, theirs]) => [theirs === null ? keyOf(1) : undefined, undefined]),
        ])
        const taken = (await allOf(stores[0], [a, b])).filter((value) => value !== null).length
        equal(taken, 1, 'places taken')
      }
    }),

    both('compares what was read also when it was empty, long or missing', async (stores) => {
      for (const value of [new Uint8Array(0), new Uint8Array(5_000), null]) {
        await put(stores[0], [a, b], [value, numberAs(0)])
        await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            stores[i & 1]!.update([a, b], ([first, second]) => [
              // There and back, so that the value alone tells of a change.
              numberIn(second) % 2 === 0 ? Uint8Array.from([...(first ?? []), 1]) : value,
              numberAs(numberIn(second) + 1),
            ]),
          ),
        )
        equal(numberIn((await allOf(stores[0], [b]))[0]), 20, 'the number after all updates')
        equal((await allOf(stores[0], [a]))[0], value, 'the value after as many changes there as back')
      }
    }),

    both('shows the changes of an update together', async (stores) => {
      const keys = Array.from({ length: 20 }, (_, i) => keyOf(i))
      let done = false
      const writing = (async () => {
        for (let i = 0; i < 100; i++) await increment(stores[0], ...keys)
        done = true
      })()
      while (!done) {
        // An update reads all keys as of one instant.
        let seen: readonly number[] = []
        await stores[1].update(keys, (values) => {
          seen = values.map(numberIn)
          return values.map(() => undefined)
        })
        equal(new Set(seen).size, 1, 'different numbers among keys that are changed together')
      }
      await writing
    }),

    both('lets a read that begins after an update see it', async ([one, other]) => {
      for (let i = 1; i <= 100; i++) {
        await put(one, [a], [numberAs(i)])
        equal(numberIn((await allOf(one, [a]))[0]), i, 'what was read')
        // To whoever has the other store, the news comes from outside.
        await turn()
        equal(numberIn((await allOf(other, [a]))[0]), i, 'what the other store read')
      }
    }),

    named('never goes back while it is read', async (store) => {
      let done = false
      const writing = (async () => {
        for (let i = 0; i < 200; i++) await increment(store, a)
        done = true
      })()
      for (let before = 0; !done; ) {
        const now = numberIn((await allOf(store, [a]))[0])
        check(now >= before, `a read gave ${now} after one gave ${before}`)
        before = now
        await turn()
      }
      await writing
    }),
  ]
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
