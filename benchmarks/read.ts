/**
 * One online read of three views of three entities: keys made, records fetched, windows folded to features. Beside it what a store
 * needs at the least: the same records fetched by the driver's fastest call in a loop, their keys ready made, and nothing done with
 * them. The state is built from history by the ordinary path.
 */
import { open as openLmdb } from 'lmdb'
import type { Benchmark, Outcome, Settings } from './measure.ts'
import { equal, interleave, random } from './measure.ts'
import { startFeast, whyNoPeers } from './peers/python.ts'
import type { Opened, Value } from './sixfold.ts'
import { featureReader } from './sixfold.ts'
import { makeTables, sizes, tables } from './tables.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

/** In the middle of an hour, so that windows have edges of every kind. */
const now = Date.parse('2026-04-01T12:34:56Z')
const groups = ['spending', 'sales', 'sightings'] as const
const asked = 4_096

export const read: Benchmark = {
  summary: 'online read of three views: raw LMDB reads of the same records, Feast',
  run: (settings) =>
    inWorkplace('read', async (place) => {
      const entities = settings.quick ? 2_000 : 20_000
      await makeHistory(place, entities)
      return place.opened(now, async (opened) => {
        const raw = await measure(place, opened, entities, settings)
        const feast = await againstFeast(place, opened, settings)
        return { measures: [...raw.measures, ...feast.measures], notes: [...raw.notes, ...feast.notes] }
      })
    }),
}

async function build(opened: Opened, names: readonly string[], say: Settings['say']): Promise<void> {
  for (const view of names) {
    say(`Building ${view}`)
    await opened.materialize(view, { through: null, rebuild: false }, () => {})
  }
}

/** Thirty events an entity, over as long as the longest window of the view. */
async function makeHistory({ db, path }: Workplace, entities: number): Promise<void> {
  const tables = [
    ['paid', 'CAST(i % $n AS BIGINT) AS user_id', 1],
    ['sold', `'shop-' || (i % $n) AS shop`, 7],
    ['seen', `'city-' || (i % $n) AS city`, 1],
  ] as const
  for (const [file, key, days] of tables)
    await db.run(
      `COPY (SELECT ${key.replace('$n', String(entities))}, (hash(i) % 10000)::DOUBLE / 100 AS amount, hash(i + 7) % 10 < 3 AS ok,
        make_timestamptz(CAST(${now - 5_000} - hash(i + 13) % ${days * 86_400_000} AS BIGINT) * 1000) AS "at"
        FROM range(${entities * 30}) _(i)) TO '${path(`${file}.parquet`)}' (FORMAT parquet)`,
    )
}

async function measure(place: Workplace, opened: Opened, entities: number, { quick, say }: Settings): Promise<Outcome> {
  await build(opened, groups, say)
  const { views, platform } = opened
  const store = opened.stores.online
  const dice = random(42)
  const questions = Array.from({ length: asked }, (): readonly Value[] => [
    dice.below(entities),
    `shop-${dice.below(entities)}`,
    `city-${dice.below(entities)}`,
  ])
  const running = groups.map((name) => views.named(name))
  const reader = featureReader(
    running.map(({ plan }) => ({ group: plan.view.name, view: plan.view })),
    ['user_id', 'shop', 'city'],
    views,
    store,
  )
  const keys = questions.map((question) => running.map(({ keyOf }, i) => Uint8Array.from(keyOf([question[i]!]))))
  const driver = openLmdb<Uint8Array, Uint8Array>(`${place.environment.SIXFOLD_DATA}/online`, {
    encoding: 'binary',
    keyEncoding: 'binary',
    noMemInit: true,
  })
  const raw = driver as unknown as { getBinaryFast(key: Uint8Array): Uint8Array | undefined }
  const into = new Array<Value>(reader.width).fill(null)
  const newest = new Float64Array(groups.length)

  await checkAgainstHistory(place, questions.slice(0, 40), (question) => {
    void reader.read(question, now, into, 0, newest)
    return [...into]
  })
  let recordBytes = 0
  for (const three of keys) for (const key of three) recordBytes += raw.getBinaryFast(key)!.length
  let seen = 0
  for (const three of keys)
    await store.read(three, (_, bytes) => {
      seen += bytes!.length
    })
  equal('bytes of the records read', seen, recordBytes)

  const reads = quick ? 40_000 : 300_000
  const ours = (): number => {
    let answered = 0
    const began = performance.now()
    for (let i = 0; i < reads; i++) {
      void reader.read(questions[i & (asked - 1)]!, now, into, 0, newest)
      if (into[0] !== null) answered++
    }
    equal('reads answered', answered, reads)
    return reads / ((performance.now() - began) / 1000)
  }
  const floor = (): number => {
    let found = 0
    const began = performance.now()
    for (let i = 0; i < reads; i++) {
      const three = keys[i & (asked - 1)]!
      for (let k = 0; k < 3; k++) if (raw.getBinaryFast(three[k]!)!.length > 0) found++
    }
    equal('records found', found, 3 * reads)
    return reads / ((performance.now() - began) / 1000)
  }
  say('Warming up')
  await interleave(2, { ours, floor })
  say('Taking turns')
  const all = await interleave(quick ? 5 : 11, { ours, floor })
  await driver.close()
  return {
    measures: [
      {
        name: 'read',
        unit: 'reads/s',
        better: 'more',
        ours: all.ours,
        theirs: all.floor,
        peer: 'raw LMDB',
        floor: all.floor,
        floorIs: 'three raw LMDB reads, keys ready made',
        wanted: { ofFloor: 0.6 },
      },
    ],
    notes: [
      `${entities} entities a view, ${(recordBytes / asked / 3).toFixed(0)} bytes a record, ${reader.width} features a read, of ${Object.keys(platform.definitions).length} definitions`,
      `Features of 40 questions were equal to those computed from the history by SQL`,
    ],
  }
}

/** The latest values of a user in three tables, twenty numbers: what Feast's own client answers in its process. */
async function againstFeast(place: Workplace, opened: Opened, { quick, peers, say }: Settings): Promise<Outcome> {
  const missing = whyNoPeers(peers)
  if (missing !== null) return { measures: [], notes: [`Feast was not measured: ${missing}`] }
  const { users } = sizes(quick)
  await makeTables(place, sizes(quick))
  const names = tables.map(({ name }) => name)
  await build(opened, names, say)
  const feast = await startFeast(place.path('feast'), place.folder)
  try {
    say('Feast materialises')
    await feast.materialize()
    const { views, stores } = opened
    const asked = names.map((name) => ({ group: name, view: views.named(name).plan.view }))
    const reader = featureReader(asked, ['user_id'], views, stores.online)
    const into = new Array<Value>(reader.width).fill(null)
    const newest = new Float64Array(names.length)
    const reads = quick ? 40_000 : 200_000
    const dice = random(7)
    const ours = (): number => {
      const began = performance.now()
      for (let i = 0; i < reads; i++) void reader.read([dice.below(users)], now, into, 0, newest)
      return reads / ((performance.now() - began) / 1000)
    }
    const theirReads = quick ? 300 : 2_000
    const theirs = async (): Promise<number> => theirReads / (await feast.read(users, theirReads)).seconds
    const all = await interleave(quick ? 2 : 5, { ours, theirs })
    return {
      measures: [
        {
          name: 'read, Feast',
          unit: 'reads/s',
          better: 'more',
          ...all,
          peer: "Feast's client in its process, sqlite",
          floor: null,
          floorIs: null,
          wanted: {},
        },
      ],
      notes: [`With Feast: ${users} users, random, ${reader.width} latest values of three views a read`],
    }
  } finally {
    await feast.stop()
  }
}

/** Each window begins on a full five minutes, of a day and more on a full hour. */
async function checkAgainstHistory(
  { db, path }: Workplace,
  questions: readonly (readonly Value[])[],
  answer: (question: readonly Value[]) => readonly Value[],
): Promise<void> {
  const hour = 3_600_000
  const within = (hours: number, hop: number): string =>
    `FILTER (WHERE epoch_ms("at") >= (${now} - ${hours * hour}) // ${hop} * ${hop})`
  const five = 300_000
  for (const question of questions) {
    const [user, shop, city] = question
    const [[spent], [sold], [seen]] = await Promise.all([
      db.rows(
        `SELECT count(*) ${within(1, five)}, avg(amount) ${within(3, five)}, avg(ok::INT) ${within(24, hour)} FROM '${path('paid.parquet')}' WHERE user_id = ${user}`,
      ),
      db.rows(
        `SELECT count(*) ${within(6, five)}, sum(amount) ${within(24, hour)}, avg(ok::INT) ${within(168, hour)} FROM '${path('sold.parquet')}' WHERE shop = '${shop}'`,
      ),
      db.rows(`SELECT arg_max(amount, "at"), arg_max(ok, "at") FROM '${path('seen.parquet')}' WHERE city = '${city}'`),
    ])
    const expected = [...spent!, ...sold!, ...seen!].map(rounded)
    equal(`features of ${question.join(', ')}`, answer(question).map(rounded).join(' '), expected.join(' '))
  }
}

/** Sums of floats differ in their last digits with the order in which they are taken. */
const rounded = (value: unknown): unknown =>
  typeof value === 'bigint' ? Number(value) : typeof value === 'number' ? Number(value.toPrecision(9)) : value
