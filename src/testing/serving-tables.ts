/**
 * The laws of serving tables, as cases for any adapter. Each case has names of its own in a place that they share.
 *
 * What is granted on a name, what others made, and what happens while the database is away is not here: that is the database's own, and each
 * adapter tests it beside this.
 */
import { randomBytes } from 'node:crypto'
import type { Column, Columns } from '../ports/batch-rows.ts'
import type { Filling, ServedVersion, ServingTables, TableName } from '../ports/serving-tables.ts'
import type { ContractCase } from './contract.ts'
import { check, equal, rejects } from './contract.ts'

export interface ServingTablesSetup {
  open(): Promise<ServingTables>
  /** What a reader finds under a name, by the key; null where nothing has it. */
  read(table: TableName): Promise<readonly { readonly [column: string]: unknown }[] | null>
  /** A schema in which names can be made. */
  readonly schema: string
}

const columns = [
  { name: 'k', type: 'string' },
  { name: 'v', type: 'float64' },
] as const
const newRun = (): string => randomBytes(16).toString('hex')

function fillingOf(keys: readonly string[], value: number, more: Partial<Filling> = {}): Filling {
  const column = (name: string, values: Column['values'], type: Column['type']): Column => ({
    name,
    type,
    values,
    valid: null,
  })
  return {
    rows: async function* (): AsyncIterable<Columns> {
      const values = Float64Array.from(keys, () => value)
      yield { rows: keys.length, columns: [column('k', keys, 'string'), column('v', values, 'float64')] }
    },
    expected: keys.length,
    progress: () => {},
    signal: new AbortController().signal,
    ...more,
  }
}

export function servingTablesCases(setup: ServingTablesSetup): readonly ContractCase[] {
  interface Given {
    readonly tables: ServingTables
    /** A version of a batch of this case's own. */
    version(number: number, more?: Partial<ServedVersion>): ServedVersion
    /** What a reader finds under its name: keys, values and versions. */
    seen(): Promise<readonly string[] | null>
  }
  const named = (name: string, body: (given: Given) => Promise<void>): ContractCase => ({
    name,
    run: async () => {
      const tables = await setup.open()
      const batch = `b${randomBytes(6).toString('hex')}`
      const table = { schema: setup.schema, name: batch }
      try {
        await body({
          tables,
          version: (version, more = {}) => ({
            ...{
              run: newRun(),
              environment: 'default',
              batch,
              version,
              at: 1_764_000_000_000,
              table,
              keys: 1,
              columns,
            },
            ...more,
          }),
          seen: async () =>
            (await setup.read(table))?.map(({ k, v, _version }) => `${String(k)} ${String(v)} ${String(_version)}`) ??
            null,
        })
      } finally {
        await tables.close()
      }
    },
  })

  return [
    named('a version is seen once it is shown, with its rows and no others', async ({ tables, version, seen }) => {
      const [one, two] = [version(1), version(2)]
      await tables.fill(one, fillingOf(['a', 'b'], 1))
      equal(await seen(), null, 'what is only filled is seen by nobody')
      equal(await tables.shown(one.table), null, 'a name that nothing has shows nothing')
      equal(await tables.show(one, 1), 'shown', 'what is filled is shown')
      await tables.fill(two, fillingOf(['c'], 2))
      equal(await seen(), ['a 1 1', 'b 1 1'], 'until another is shown the one before is seen')
      equal(await tables.show(two, 2), 'shown', 'another takes its place')
      equal(await seen(), ['c 2 2'], 'as a whole')
      equal(await tables.shown(one.table), two.run, 'a name says what it shows')
      equal(await tables.show(one, 3), 'shown', 'and back')
      equal(await seen(), ['a 1 1', 'b 1 1'], 'without being filled again')
    }),
    named('what is filled twice is filled once, and what fails leaves nothing', async ({ tables, version, seen }) => {
      const one = version(1)
      const short = fillingOf(['a', 'b'], 1, { expected: 3 })
      await rejects(tables.fill(one, short), 'SX_STORE_CORRUPT', 'fewer rows than expected')
      const ended = new AbortController()
      ended.abort(new Error('enough'))
      const given = await tables.fill(one, fillingOf(['a'], 1, { signal: ended.signal })).then(
        () => 'filled',
        (error: unknown) => (error as Error).message,
      )
      equal(given, 'enough', 'what is given up rejects with the reason for it')
      equal(await tables.show(one, 1), 'unfilled', 'nothing of it is there')
      equal(await seen(), null, 'and nobody sees it')
      const twice = [tables.fill(one, fillingOf(['a'], 1)), tables.fill(one, fillingOf(['a'], 1))]
      await Promise.all(twice)
      await tables.fill(one, fillingOf([], 9, { expected: 0 }))
      await tables.show(one, 1)
      equal(await seen(), ['a 1 1'], 'it has its rows once')
    }),
    named('of rows with the same key there is the first', async ({ tables, version, seen }) => {
      const one = version(1)
      await tables.fill(one, fillingOf(['a', 'a', 'b', 'b', 'b'], 1))
      await tables.show(one, 1)
      equal(await seen(), ['a 1 1', 'b 1 1'], 'each key has one row')
    }),
    named('who comes with a smaller token changes nothing', async ({ tables, version, seen }) => {
      const [one, two] = [version(1), version(2)]
      for (const of of [one, two]) await tables.fill(of, fillingOf(['a'], of.version))
      await tables.show(two, 7)
      equal(await tables.show(one, 6), { run: two.run }, 'it is told what was shown meanwhile')
      await tables.hide(one, 6)
      equal(await seen(), ['a 2 2'], 'and nothing has changed')
      equal(await tables.show(one, 6, newRun()), { run: two.run }, 'also where another is to be passed over')
      equal(await tables.show(two, 7), 'shown', 'the same again is done already')
      equal(await tables.show(one, 6, two.run), 'shown', 'what nobody knows of holds nobody up')
      equal(await seen(), ['a 1 1'], 'that it shows')
    }),
    named('what is shown is not dropped, and what is not is', async ({ tables, version, seen }) => {
      const [one, two] = [version(1), version(2)]
      for (const of of [one, two]) await tables.fill(of, fillingOf(['a'], of.version))
      await tables.show(one, 1)
      await tables.drop(one.run)
      equal(await seen(), ['a 1 1'], 'it is live')
      await tables.drop(two.run)
      equal(await tables.show(two, 2), 'unfilled', 'what is dropped is filled before it is shown')
      await tables.fill(two, fillingOf(['b'], 2))
      equal(await tables.show(two, 3), 'shown', 'then it is there again')
      await tables.drop(newRun())
      equal(
        await tables.show(one, 4),
        'unfilled',
        'what could not be dropped while it was shown was dropped with the next',
      )
      await tables.fill(one, fillingOf(['c'], 1))
      await tables.drop(newRun())
      equal(await tables.show(one, 5), 'shown', 'what is filled again is wanted again')
    }),
    named('a name is of one batch of one environment', async ({ tables, version, seen }) => {
      const one = version(1)
      await tables.fill(one, fillingOf(['a'], 1))
      await tables.show(one, 1)
      for (const of of [version(2, { batch: 'another' }), version(2, { environment: 'staging' })]) {
        await tables.fill(of, fillingOf(['b'], 2))
        await rejects(tables.check(of), 'SX_SERVING_TABLE', 'another of that name')
        await rejects(tables.show(of, 99), 'SX_SERVING_TABLE', 'another of that name')
        await rejects(tables.hide(of, 99), 'SX_SERVING_TABLE', 'another of that name')
      }
      await tables.check(one)
      equal(await seen(), ['a 1 1'], 'it shows what it showed')
    }),
    named('what is hidden is seen by nobody, until it is shown again', async ({ tables, version, seen }) => {
      const one = version(1)
      await tables.hide(one, 1)
      await tables.fill(one, fillingOf(['a'], 1))
      await tables.show(one, 2)
      await tables.hide(one, 3)
      equal(await seen(), null, 'nothing has the name')
      equal(await tables.show(one, 3), 'shown', 'it was never dropped')
      equal(await seen(), ['a 1 1'], 'and is seen again')
    }),
    named('of many at once the greatest token wins', async ({ tables, version }) => {
      const other = await setup.open()
      try {
        const versions = Array.from({ length: 6 }, (_, i) => version(i + 1))
        for (const of of versions) await tables.fill(of, fillingOf(['a'], of.version))
        const shown = await Promise.all(versions.map((of, i) => (i % 2 === 0 ? tables : other).show(of, of.version)))
        equal(shown.at(-1), 'shown', 'the greatest is never told of another')
        equal(await tables.shown(versions[0]!.table), versions.at(-1)!.run, 'it is what is seen in the end')
        check(
          shown.every((one) => one === 'shown' || typeof one === 'object'),
          'nobody finds its table gone',
        )
      } finally {
        await other.close()
      }
    }),
  ]
}
