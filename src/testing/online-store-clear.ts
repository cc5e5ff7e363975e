/** The laws of `clear`, as cases: see online-store.ts. */
import type { ContractCase } from './contract.ts'
import { equal } from './contract.ts'
import type { Named } from './online-store-tools.ts'
import { allOf, keyOf, put } from './online-store-tools.ts'

export function clearCases(named: Named): readonly ContractCase[] {
  /** Which of these keys are left when those with this prefix are cleared, and how many went by its count. */
  const clearing = (name: string, prefix: Uint8Array, gone: readonly Uint8Array[], left: readonly Uint8Array[]) =>
    named(`clears ${name}`, async (store) => {
      await put(store, [...gone, ...left], [...gone, ...left])
      const before = Uint8Array.from(prefix)
      equal(await store.clear(prefix), gone.length, 'the number cleared')
      equal(Uint8Array.from(prefix), before, 'the prefix afterwards')
      equal(
        await allOf(store, gone),
        gone.map(() => null),
        'what was cleared',
      )
      equal(await allOf(store, left), left, 'what was left')
      equal(await store.clear(prefix), 0, 'the number cleared the second time')
    })
  const text = (value: string): Uint8Array => new TextEncoder().encode(value)

  return [
    clearing(
      'what begins so, and leaves its neighbours',
      keyOf(16),
      [keyOf(16), keyOf(16, 0), keyOf(16, 7, 7)],
      [keyOf(15, 255), keyOf(17)],
    ),
    clearing('by a Buffer, whose slices share its memory', Buffer.from([16]), [keyOf(16), keyOf(16, 1)], [keyOf(17)]),
    clearing(
      'a prefix that ends in 255',
      keyOf(7, 255),
      [keyOf(7, 255), keyOf(7, 255, 0), keyOf(7, 255, 255, 255)],
      [keyOf(7, 254, 255), keyOf(7), keyOf(8), keyOf(8, 0)],
    ),
    clearing(
      'a prefix of 255 alone',
      keyOf(255, 255),
      [keyOf(255, 255), keyOf(255, 255, 255)],
      [keyOf(255), keyOf(254)],
    ),
    ...['*', '?', '[a-z]', '[^a]', '\\', '\\*', '^'].map((sign) =>
      clearing(
        `'${sign}' as what it is`,
        text(sign),
        [text(sign), text(`${sign}1`)],
        [text('a'), text('+1'), text('b*')],
      ),
    ),
    clearing('all with an empty prefix', new Uint8Array(0), [keyOf(0), keyOf(128), keyOf(255)], []),
    named('clears thousands, and counts each once', async (store) => {
      const keys = Array.from({ length: 25_000 }, (_, i) => keyOf(3, i & 255, i >> 8))
      for (let from = 0; from < keys.length; from += 5_000)
        await put(store, keys.slice(from, from + 5_000), keys.slice(from, from + 5_000))
      await put(store, [keyOf(4)], [keyOf(4)])
      equal(await store.clear(keyOf(3)), keys.length, 'the number cleared')
      equal(await allOf(store, [keys[0]!, keys.at(-1)!, keyOf(4)]), [null, null, keyOf(4)], 'what was read')
    }),
    named('clears while a key has the value that is named, and no longer', async (store) => {
      const some = [keyOf(3, 1), keyOf(3, 2)]
      await put(store, [keyOf(4), ...some], [keyOf(9), ...some])
      equal(await store.clear(keyOf(3), { key: keyOf(4), value: keyOf(8) }), 0, 'the number cleared for another value')
      equal(
        await store.clear(keyOf(3), { key: keyOf(5), value: keyOf(9) }),
        0,
        'the number cleared for a key without one',
      )
      equal(await allOf(store, some), some, 'what was left')
      equal(await store.clear(keyOf(3), { key: keyOf(4), value: keyOf(9) }), 2, 'the number cleared')
      equal(await allOf(store, [keyOf(4), ...some]), [keyOf(9), null, null], 'what was left then')
    }),
  ]
}
