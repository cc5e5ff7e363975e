/**
 * Looking up what a batch said, in the process of an application: one key, and a hundred at once, from Redis and from the embedded store. Beside
 * it the least that such a read takes: a bare GET or MGET of the same keys by Redis' own client, its answers left as they are.
 */
import { join } from 'node:path'
import { createClient, RESP_TYPES } from 'redis'
import { missing } from '../scripts/installed.mjs'
import { startRedis } from '../tests/services/redis.ts'
import { platformOver } from './batch/platform.ts'
import type { Benchmark, Outcome, Settings } from './measure.ts'
import { equal, interleave, random } from './measure.ts'
import type { Opened } from './sixfold.ts'
import { open } from './sixfold.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

export const lookup: Benchmark = {
  summary: 'what a batch said of a key, and of a hundred: bare GET and MGET of Redis',
  run: async (settings) => {
    const reason = missing('redis')
    if (reason !== null) return { measures: [], notes: [reason] }
    return inWorkplace('lookup', (place) => measure(place, settings))
  },
}

const together = 100
const beginning = (key: string): string => key.slice(0, 24)
/** Calls that are under way at once. */
const calls = 32

async function measure(place: Workplace, { quick, say }: Settings): Promise<Outcome> {
  const rows = quick ? 20_000 : 500_000
  say(`Writing ${rows.toLocaleString('en-US')} rows, and publishing them twice`)
  const columns = Array.from({ length: 12 }, (_, f) => `CAST(random() AS FLOAT) AS f${f}`)
  await place.db.run(
    `COPY (SELECT i AS id, ${columns.join(', ')} FROM range(${rows}) t(i)) TO '${place.path('rows.parquet')}' (FORMAT parquet)`,
  )
  const redis = await startRedis()
  const client = createClient({ url: redis.url }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  await client.connect()
  const opened: Opened[] = []
  const published = async (folder: string, online: string | null): Promise<Opened> => {
    const one = await open(platformOver(place.path('rows.parquet')), {
      project: place.folder,
      data: place.path(folder),
      ...(online === null ? {} : { stores: { online } }),
    })
    opened.push(one)
    const options = { description: null, to: 'production', facts: null, golden: null } as const
    const asker = { actor: 'local:bench', reason: null }
    await one.registry.add('score', join(import.meta.dirname, 'batch/model.onnx'), options, asker)
    const { id } = await one.batches.begin('nightly', { actor: 'local:bench' })
    const { run } = await one.batches.run(id)
    if (run.state !== 'published') throw new Error(`The run is ${run.state}.`)
    return one
  }
  try {
    const [shared, embedded] = [await published('shared', redis.url), await published('embedded', null)]
    // Answers alone, which begin alike: beside them stand marks and what servers say of themselves.
    const stored: string[] = []
    for await (const page of client.scanIterator({ COUNT: 5_000 }))
      stored.push(...page.map((key) => key.toString('latin1')))
    const counts = new Map<string, number>()
    for (const one of stored) counts.set(beginning(one), (counts.get(beginning(one)) ?? 0) + 1)
    const [usual] = [...counts].toSorted(([, a], [, b]) => b - a)[0]!
    const bare = stored.filter((one) => beginning(one) === usual).map((one) => Buffer.from(one, 'latin1'))
    equal('keys in Redis', bare.length, rows)
    const dice = random(11)
    const key = (): { readonly id: number } => ({ id: dice.below(rows) })
    const keys = (): readonly { readonly id: number }[] => Array.from({ length: together }, key)
    const bareKey = (): Buffer => bare[dice.below(rows)]!
    const asked = async (one: Opened, of: readonly unknown[]): Promise<void> => {
      const answers = await one.batches.lookup('nightly', of)
      if (answers.some(({ rung }) => rung !== 'exact')) throw new Error(`Not found: ${JSON.stringify(answers[0])}`)
    }
    const got = (value: unknown): void => {
      if (value === null) throw new Error('Not found.')
    }
    const sides = {
      one: () => asked(shared, [key()]),
      bareOne: async () => got(await client.get(bareKey())),
      embedded: () => asked(embedded, [key()]),
      many: () => asked(shared, keys()),
      bareMany: async () => got((await client.mGet(Array.from({ length: together }, bareKey))).at(-1)),
    }
    const seconds = quick ? 0.5 : 2
    say(`Taking turns, ${calls} calls at once, ${seconds} s each`)
    for (const side of Object.values(sides)) await rate(side, seconds / 2)
    const rates = await interleave(
      quick ? 2 : 5,
      Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, () => rate(side, seconds)])) as {
        [S in keyof typeof sides]: () => Promise<number>
      },
    )
    const times: string[] = []
    for (const [name, words] of [
      ['one', 'one key, Redis'],
      ['bareOne', 'bare GET'],
      ['embedded', 'one key, embedded'],
      ['many', `${together} keys, Redis`],
      ['bareMany', `bare MGET of ${together}`],
    ] as const)
      times.push(`${words}: ${await latency(sides[name], quick ? 500 : 5_000)}`)
    const rest = { unit: 'calls/s', better: 'more', theirs: null, peer: '' } as const
    return {
      measures: [
        {
          ...rest,
          ...{
            name: 'look up one key',
            ours: rates.one,
            floor: rates.bareOne,
            floorIs: 'bare GET by the same client library',
          },
          wanted: {},
        },
        {
          ...rest,
          ...{ name: `look up ${together} keys`, ours: rates.many, floor: rates.bareMany },
          floorIs: 'bare MGET by the same client library',
          wanted: {},
        },
        { ...rest, name: 'look up one key, embedded', ours: rates.embedded, floor: null, floorIs: null, wanted: {} },
      ],
      notes: [...times, `one call after another for the times; ${rows.toLocaleString('en-US')} keys`],
    }
  } finally {
    client.destroy()
    for (const one of opened) await one.close()
    await redis.close()
  }
}

async function rate(call: () => Promise<void>, seconds: number): Promise<number> {
  const began = performance.now()
  const until = began + seconds * 1000
  let done = 0
  await Promise.all(
    Array.from({ length: calls }, async () => {
      while (performance.now() < until) {
        await call()
        done++
        // What is had at once would leave nobody else a turn.
        if (done % 256 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    }),
  )
  return done / ((performance.now() - began) / 1000)
}

async function latency(call: () => Promise<void>, count: number): Promise<string> {
  const took: number[] = []
  for (let i = 0; i < count; i++) {
    const began = performance.now()
    await call()
    took.push(performance.now() - began)
  }
  took.sort((a, b) => a - b)
  return `p50 ${took[Math.floor(count * 0.5)]!.toFixed(3)} ms, p99 ${took[Math.floor(count * 0.99)]!.toFixed(3)} ms`
}
