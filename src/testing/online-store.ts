/**
 * The laws of the online store, as cases for any adapter. Each case opens stores of its own and closes them.
 *
 * What a store does when it is away is not here: that takes the store's own process, and each adapter tests it beside this.
 */
import type { OnlineStore } from '../ports/online-store.ts'
import type { ContractCase } from './contract.ts'
import { check, equal } from './contract.ts'
import { clearCases } from './online-store-clear.ts'
import { raceCases } from './online-store-races.ts'
import { allOf, keyOf, put } from './online-store-tools.ts'

export interface OnlineStoreSetup {
  /** A fresh, empty store. */
  open(): Promise<OnlineStore>
  /** Another store over the data of this one, beside it. */
  again(store: OnlineStore): Promise<OnlineStore>
}

/** Keys and values that are easily taken for others: of each single byte, of the longest, each a prefix of the next. */
const awkwardKeys = (): Uint8Array[] => [
  ...Array.from({ length: 256 }, (_, byte) => keyOf(byte)),
  ...Array.from({ length: 8 }, (_, length) => new Uint8Array(length + 2)),
  new Uint8Array(1024).fill(255),
  Uint8Array.from({ length: 1024 }, (_, i) => i & 255),
  keyOf(13, 10),
  keyOf(0xc3, 0xa9),
  keyOf(0xe9),
  keyOf(0xef, 0xbb, 0xbf, 1),
  keyOf(0xf0, 0x9f, 0x98, 0x80),
]

export function onlineStoreCases(setup: OnlineStoreSetup): readonly ContractCase[] {
  const named = (name: string, body: (store: OnlineStore) => Promise<void>): ContractCase => ({
    name,
    run: async () => {
      const store = await setup.open()
      try {
        await body(store)
      } finally {
        await store.close()
      }
    },
  })

  return [
    named('reads each key once, those that are missing as null', async (store) => {
      await put(store, [keyOf(1), keyOf(2)], [keyOf(10), keyOf(20)])
      equal(await allOf(store, [keyOf(2), keyOf(3), keyOf(1)]), [keyOf(20), null, keyOf(10)], 'what was read')
    }),

    named('reads nothing for no keys, and a key given twice twice', async (store) => {
      equal(await allOf(store, []), [], 'what was read')
      await put(store, [keyOf(1)], [keyOf(10)])
      equal(await allOf(store, [keyOf(1), keyOf(1)]), [keyOf(10), keyOf(10)], 'what was read')
    }),

    named('tells keys apart by their bytes alone', async (store) => {
      const keys = [...new Map(awkwardKeys().map((key) => [key.join(), key])).values()]
      const values = keys.map((_, i) => keyOf(i & 255, i >> 8))
      await put(store, keys, values)
      equal(await allOf(store, keys), values, 'what was read')
      equal(
        await allOf(
          store,
          keys.map((key) => Buffer.from(key)),
        ),
        values,
        'what was read by Buffers',
      )
    }),

    named('keeps values of every length and byte', async (store) => {
      const values = [0, 1, 255, 256, 1023, 1024, 1025, 65_536, 1_048_576].map((length) =>
        Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 255),
      )
      const keys = values.map((_, i) => keyOf(i + 1))
      await put(store, keys, values)
      equal(await allOf(store, keys), values, 'what was read')
      let given: readonly (Uint8Array | null)[] = []
      await store.update(keys, (found) => {
        given = found.map((value) => value && Uint8Array.from(value))
        return found.map((value) => value!.slice(1))
      })
      equal(given, values, 'what change was given')
      equal(
        await allOf(store, keys),
        values.map((value) => value.slice(1)),
        'what was read after an update',
      )
    }),

    named('reads thousands of keys at once, and many reads at once', async (store) => {
      const keys = Array.from({ length: 5_000 }, (_, i) => keyOf(i & 255, i >> 8))
      await put(store, keys, keys)
      equal(await allOf(store, keys), keys, 'what was read at once')
      const each = await Promise.all(keys.map((key) => allOf(store, [key, keyOf(1)])))
      equal(
        each.map(([value]) => value),
        keys,
        'what was read singly',
      )
    }),

    named('does not need the keys any longer once read has returned', async (store) => {
      await put(store, [keyOf(1)], [keyOf(10)])
      const key = keyOf(1)
      let found: Uint8Array | null = null
      const reading = store.read([key], (_, value) => {
        found = value && Uint8Array.from(value)
      })
      key[0] = 2
      await reading
      equal(found, keyOf(10), 'what was read')
    }),

    named('sets, deletes and leaves', async (store) => {
      const keys = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)]
      await put(store, keys.slice(0, 3), [keyOf(10), keyOf(20), keyOf(30)])
      await store.update(keys, () => [keyOf(11), null, undefined, null])
      equal(await allOf(store, keys), [keyOf(11), null, keyOf(30), null], 'what was read')
      await store.update([], () => [])
      await store.update(keys, () => [undefined, undefined, undefined, undefined])
      equal(await allOf(store, keys), [keyOf(11), null, keyOf(30), null], 'what was read after no change')
    }),

    named('gives change bytes of its own, and keeps what it returned as it was then', async (store) => {
      await put(store, [keyOf(1)], [keyOf(10, 11)])
      const written = keyOf(20)
      await store.update([keyOf(1), keyOf(2)], ([value]) => {
        value![0] = 99
        return [undefined, written]
      })
      written[0] = 21
      equal(await allOf(store, [keyOf(1), keyOf(2)]), [keyOf(10, 11), keyOf(20)], 'what was read')
    }),

    named('changes nothing when change throws, and says why', async (store) => {
      await put(store, [keyOf(1)], [keyOf(10)])
      const reason = new Error('no')
      const failed = await store
        .update([keyOf(1)], () => {
          throw reason
        })
        .then(
          () => null,
          (error: unknown) => error,
        )
      check(failed === reason, `update rejected with ${String(failed)}, not with what change threw`)
      equal(await allOf(store, [keyOf(1)]), [keyOf(10)], 'what was read')
    }),

    named('says how much it holds', async (store) => {
      const before = await store.size()
      await put(store, [keyOf(1), keyOf(2)], [new Uint8Array(100_000), new Uint8Array(100_000)])
      const after = await store.size()
      check(after.entries >= before.entries + 2, `${after.entries} entries, after ${before.entries} and two more`)
      check(after.bytes > before.bytes, `${after.bytes} bytes, after ${before.bytes} and 200,000 more`)
    }),

    named('still has everything when it is opened again', async (store) => {
      await put(store, [keyOf(1), keyOf(2)], [keyOf(10), keyOf(20)])
      const other = await setup.again(store)
      try {
        equal(await allOf(other, [keyOf(1), keyOf(2)]), [keyOf(10), keyOf(20)], 'what was read')
        await put(other, [keyOf(1)], [keyOf(11)])
        equal(await allOf(store, [keyOf(1)]), [keyOf(11)], 'what the first store reads')
      } finally {
        await other.close()
      }
      equal(await allOf(store, [keyOf(2)]), [keyOf(20)], 'what the first store reads when the other is closed')
    }),

    named('reports on itself', async (store) => {
      const report = await store.inspect()
      check(report.technology !== '' && report.where !== '', 'a report names neither the technology nor the place')
      check(report.version !== null, 'a report does not name the version')
      check(report.roundTripMs !== null && report.roundTripMs >= 0, 'a report tells no round trip')
      equal(
        report.problems.filter(({ severity }) => severity === 'error'),
        [],
        'errors of a store that works',
      )
    }),

    {
      name: 'can be closed twice',
      run: async () => {
        const store = await setup.open()
        await store.close()
        await store.close()
      },
    },
    ...clearCases(named),
    ...raceCases(named, (store) => setup.again(store)),
  ]
}
