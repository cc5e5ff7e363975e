/**
 * A training set: a million labels, each with the features of three views as of its own instant, from Parquet to Parquet. Beside
 * it the same written by hand for DuckDB, and Feast on its DuckDB store. And labels over few entities with many events, with
 * windows of seven days, beside running sums written by hand.
 */
import type { Benchmark, Measure, Settings } from './measure.ts'
import { equal, interleave, median, seconds } from './measure.ts'
import { startFeast, whyNoPeers } from './peers/python.ts'
import type { Workbench } from './sixfold.ts'
import { workbench } from './sixfold.ts'
import { checksum, end, makeDense, makeLabels, makeTables, sizes, tables } from './tables.ts'
import type { Workplace } from './workplace.ts'
import { inWorkplace } from './workplace.ts'

export const join: Benchmark = {
  summary: 'training set over three views, and over dense windows: hand-written SQL, Feast',
  run: (settings) =>
    inWorkplace('join', async (place) => {
      const size = sizes(settings.quick)
      await makeTables(place, size)
      await makeLabels(place, size, 'labels.parquet')
      return place.opened(end, async (opened) => {
        const wide = await threeViews(workbench(opened), place, settings)
        const feast = await againstFeast(workbench(opened), place, settings)
        const dense = await denseWindows(workbench(opened), place, settings)
        const parts = [wide, feast, dense]
        return { measures: parts.flatMap(({ measures }) => measures), notes: parts.flatMap(({ notes }) => notes) }
      })
    }),
}

interface Part {
  readonly measures: readonly Measure[]
  readonly notes: readonly string[]
}

function ourJoin(ours: Workbench, place: Workplace, views: readonly string[], labels: string, out: string) {
  const request = { labels: place.path(labels), at: 'at', zone: null, out: place.path(out), model: null, views }
  return () => seconds(() => ours.trainingSet(request, () => {}))
}

const copy = (place: Workplace, sql: string, out: string) => () =>
  seconds(() => place.db.run(`COPY (${sql}) TO '${place.path(out)}' (FORMAT parquet)`))

// --- three views

const viewNames = tables.map(({ name }) => name)
const featureColumns = tables.flatMap(({ name, columns }) =>
  Array.from({ length: columns }, (_, i) => `${name}__f${i}`),
)

async function threeViews(workbench: Workbench, place: Workplace, { quick, say }: Settings): Promise<Part> {
  const ours = ourJoin(workbench, place, viewNames, 'labels.parquet', 'ours.parquet')
  const hand = handWritten(place)
  say('Trying the hand-written forms')
  const tried = await interleave(
    quick ? 1 : 3,
    Object.fromEntries(Object.entries(hand).map(([name, sql]) => [name, copy(place, sql, `${name}.parquet`)])),
  )
  const fastest = Object.keys(tried).reduce((a, b) => (Math.min(...tried[a]!) <= Math.min(...tried[b]!) ? a : b))
  await ours()
  const compared = ['id', 'user_id', '"at"', 'label', ...featureColumns]
  const sum = await checksum(place, place.path('ours.parquet'), compared)
  for (const name of Object.keys(hand))
    equal(`join, ${name}`, sum, await checksum(place, place.path(`${name}.parquet`), compared))

  say('Taking turns')
  const all = await interleave(quick ? 3 : 7, {
    ours,
    theirs: copy(place, hand[fastest]!, 'theirs.parquet'),
    ordered: copy(place, `${hand[fastest]!} ORDER BY id`, 'ordered.parquet'),
    floor: copy(place, `SELECT * FROM '${place.path('ours.parquet')}'`, 'copy.parquet'),
  })
  const floorIs = 'reading and writing the result once'
  return {
    measures: [
      {
        name: 'join',
        unit: 's',
        better: 'less',
        ours: all.ours,
        theirs: all.theirs,
        peer: `hand-written SQL (${fastest})`,
        floor: all.floor,
        floorIs,
        wanted: { ratio: 1 / 1.5 },
      },
      {
        name: 'join, rows in the order of the labels',
        unit: 's',
        better: 'less',
        ours: all.ours,
        theirs: all.ordered,
        peer: `hand-written SQL (${fastest}, ordered)`,
        floor: all.floor,
        floorIs,
        wanted: {},
      },
    ],
    notes: [
      `Hand-written forms tried, best of ${quick ? 1 : 3}: ${Object.entries(tried)
        .map(([name, values]) => `${name} ${Math.min(...values).toFixed(2)} s`)
        .join(', ')}`,
      `All of them and ours gave the same: ${sum} as checksum`,
    ],
  }
}

/** Several ways in which someone who knows DuckDB well would write it; the fastest is the peer. */
function handWritten({ path }: Workplace): Readonly<Record<string, string>> {
  const labels = `'${path('labels.parquet')}'`
  const columnsOf = (table: string, columns: number): string[] =>
    Array.from({ length: columns }, (_, i) => `${table}.f${i} AS ${table}__f${i}`)
  const selected = tables.flatMap(({ name, columns }) => columnsOf(name, columns)).join(', ')
  const asof = `SELECT l.*, ${selected} FROM ${labels} l ${tables
    .map(
      ({ name }) =>
        `ASOF LEFT JOIN '${path(`${name}.parquet`)}' ${name} ON l.user_id = ${name}.user_id AND l."at" >= ${name}.ts`,
    )
    .join(' ')}`
  const wholeNumbers = `SELECT l.* EXCLUDE (ms), ${selected} FROM (SELECT *, epoch_ms("at") AS ms FROM ${labels}) l ${tables
    .map(
      ({ name }) =>
        `ASOF LEFT JOIN (SELECT *, epoch_ms(ts) AS ms FROM '${path(`${name}.parquet`)}') ${name} ON l.user_id = ${name}.user_id AND l.ms >= ${name}.ms`,
    )
    .join(' ')}`
  // Each table in one order with the labels, the newest row carried forward.
  const carried = tables.map(({ name, columns }) => {
    const row = `struct_pack(${Array.from({ length: columns }, (_, i) => `f${i} := f${i}`).join(', ')})`
    return `(SELECT id, last_value(row IGNORE NULLS) OVER (PARTITION BY user_id ORDER BY ts, id NULLS FIRST ROWS UNBOUNDED PRECEDING) AS row
      FROM (SELECT user_id, ts, NULL AS id, ${row} AS row FROM '${path(`${name}.parquet`)}' UNION ALL SELECT user_id, "at", id, NULL FROM ${labels})
      QUALIFY id IS NOT NULL) ${name} ON l.id = ${name}.id`
  })
  const fields = tables
    .flatMap(({ name, columns }) => Array.from({ length: columns }, (_, i) => `${name}.row.f${i} AS ${name}__f${i}`))
    .join(', ')
  const windows = `SELECT l.*, ${fields} FROM ${labels} l JOIN ${carried.join(' JOIN ')}`
  return { 'ASOF joins': asof, 'ASOF joins on milliseconds': wholeNumbers, 'window functions': windows }
}

// --- Feast

async function againstFeast(workbench: Workbench, place: Workplace, { quick, peers, say }: Settings): Promise<Part> {
  const ours = ourJoin(workbench, place, viewNames, 'labels.parquet', 'ours.parquet')
  const measure = (how: string, ours: readonly number[], theirs: readonly number[] | null): Measure => ({
    name: `join, Feast${how}`,
    unit: 's',
    better: 'less',
    ours,
    theirs,
    peer: `Feast on its DuckDB store${how}`,
    floor: null,
    floorIs: null,
    wanted: { ratio: 5 },
  })
  const missing = whyNoPeers(peers)
  if (missing !== null) return { measures: [measure('', [await ours()], null)], notes: [missing] }
  const feast = await startFeast(place.path('feast'), place.folder)
  try {
    say('Feast joins')
    const labels = place.path('labels.parquet')
    const out = place.path('feast.parquet')
    const ways = ['df', 'arrow', 'persist'] as const
    const tried = await interleave(1, {
      df: async () => (await feast.join(labels, out, 'df')).seconds,
      persist: async () => (await feast.join(labels, place.path('persisted.parquet'), 'persist')).seconds,
      arrow: async () => (await feast.join(labels, out, 'arrow')).seconds,
    })
    const compared = ['id', 'label', ...featureColumns.map((name) => `CASE WHEN NOT isnan(${name}) THEN ${name} END`)]
    const sum = await checksum(place, out, compared)
    equal('join, Feast', await checksum(place, place.path('ours.parquet'), compared), sum)
    // The way of its documentation gives a data frame; the fastest writes Parquet without one.
    const fastest = ways.reduce((a, b) => (tried[a][0]! <= tried[b][0]! ? a : b))
    let peakMiB = 0
    const joined = (way: (typeof ways)[number]) => async (): Promise<number> => {
      const answer = await feast.join(labels, out, way)
      peakMiB = Math.max(peakMiB, answer.peakMiB)
      return answer.seconds
    }
    const all = await interleave(quick ? 1 : 3, { ours, frame: joined('df'), fastest: joined(fastest) })
    const ways3 = ways.map((one) => `${one} ${tried[one][0]!.toFixed(1)} s`).join(', ')
    return {
      measures: [measure(', to_df', all.ours, all.frame), measure(`, ${fastest}`, all.ours, all.fastest)],
      notes: [
        `Feast gave the same as ours: ${sum} as checksum; ways to have it as Parquet, once each: ${ways3}; its process came to ${peakMiB} MiB`,
      ],
    }
  } finally {
    await feast.stop()
  }
}

// --- dense windows

async function denseWindows(workbench: Workbench, place: Workplace, { quick, say }: Settings): Promise<Part> {
  const users = quick ? 50 : 500
  const eventsEach = 2_000
  const labels = quick ? 10_000 : 200_000
  say(`${users} users with ${eventsEach} events each`)
  await makeDense(place, users, eventsEach)
  await makeLabels(place, { users, events: 0, labels }, 'dense-labels.parquet')
  const ours = ourJoin(workbench, place, ['dense'], 'dense-labels.parquet', 'dense-ours.parquet')
  const prefix = copy(place, runningSums(place), 'dense-theirs.parquet')
  await ours()
  await prefix()
  const compared = ['id', 'user_id', '"at"', 'label', 'dense__n', 'dense__sum', 'dense__mean']
  const sum = await checksum(place, place.path('dense-ours.parquet'), compared)
  equal('dense', sum, await checksum(place, place.path('dense-theirs.parquet'), compared))
  const all = await interleave(quick ? 3 : 7, { ours, theirs: prefix })
  return {
    measures: [
      {
        name: 'join dense',
        unit: 's',
        better: 'less',
        ours: all.ours,
        theirs: all.theirs,
        peer: 'hand-written running sums',
        floor: null,
        floorIs: null,
        wanted: { ratio: 1 / 2 },
      },
    ],
    notes: [
      `Dense windows gave the same: ${sum} as checksum; ${(labels / median(all.ours) / 1000).toFixed(0)} thousand labels a second`,
    ],
  }
}

/** Sums up to the label less sums up to the window's edge, which lies on a full hour. */
function runningSums({ path }: Workplace): string {
  const ends = ['until', 'since'].map(
    (which) =>
      `ASOF LEFT JOIN running ${which} ON l.user_id = ${which}.user_id AND ${which === 'until' ? 'l."at"' : 'l.edge'} > ${which}.ts`,
  )
  const less = (column: string): string => `coalesce(until.${column}, 0) - coalesce(since.${column}, 0)`
  return `WITH running AS (
      SELECT user_id, ts, count(*) OVER w AS n, sum(f0) OVER w AS s FROM '${path('dense.parquet')}'
      WINDOW w AS (PARTITION BY user_id ORDER BY ts RANGE UNBOUNDED PRECEDING)),
    l AS (SELECT *, date_trunc('hour', "at" - INTERVAL 7 DAY) AS edge FROM '${path('dense-labels.parquet')}')
    SELECT l.* EXCLUDE (edge), ${less('n')} AS dense__n, CASE WHEN ${less('n')} > 0 THEN ${less('s')} END AS dense__sum,
      (${less('s')}) / nullif(${less('n')}, 0) AS dense__mean
    FROM l ${ends.join(' ')}`
}
