/** What the gate says of one batch: of what is missing, gone, constant, hostile; and in which words. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { random } from '../../drills/random.ts'
import type { Check, Verdict } from '../../src/batch/documents.ts'
import type { Day, Evidence } from '../../src/batch/gate/index.ts'
import { judge, reportPage } from '../../src/batch/gate/index.ts'
import { Profiles } from '../../src/batch/profile-set.ts'
import { batch } from '../../src/definition/batch.ts'
import { parquet } from '../../src/definition/source.ts'
import { binOf } from '../../src/statistics/sketches/quantiles.ts'
import { begin, day, definition, Published, simulation } from './gate-days.ts'

const { made } = simulation(random())
const batchOf = (n: number): Evidence => made(n, null, () => true).evidence
const refusals = ({ checks }: Verdict): readonly Check[] => checks.filter(({ outcome }) => outcome === 'refused')

describe('the gate', () => {
  it('says of the first version that there is nothing to compare it with, and judges it by itself', async () => {
    const first = batchOf(0)
    expect(await judge(first)).toMatchObject({ passed: true })
    expect((await judge(first)).checks.some(({ outcome }) => outcome === 'nothing to compare with')).toBe(true)
    expect((await judge({ ...first, comparison: { ...first.comparison, twins: 1 } })).passed).toBe(false)
  })

  it('refuses a batch without rows, and one whose answers are all missing', async () => {
    const { profiles, ...rest } = batchOf(1)
    const none = new Profiles(definition).toJSON()
    expect((await judge({ ...rest, plan: { ...rest.plan, rows: 0 }, profiles: none })).passed).toBe(false)
    expect((await judge({ ...rest, profiles: { ...profiles, missing: { risk: profiles.rows } } })).passed).toBe(false)
  })

  it('refuses an entry that has no value any more, and takes no value that is counted with others to be gone', async () => {
    const [before, after] = [batchOf(1), batchOf(2)]
    const { at, plan, profiles } = before
    const previous = { version: 1, at, definition: 'x', plan, profiles }
    const entries = { ...after.profiles.entries, e4: new Profiles(definition).toJSON().entries['e4']! }
    const lacking = await judge({ ...after, previous, profiles: { ...after.profiles, entries } })
    expect(lacking.checks.filter(({ outcome }) => outcome === 'refused')).toMatchObject([
      { kind: 'constant', of: 'e4' },
    ])

    const { r0, ...others } = after.profiles.segments['region']!
    const seen = (region: typeof others) =>
      judge({ ...after, previous, profiles: { ...after.profiles, segments: { region } } })
    expect((await seen(others)).checks[0]).toMatchObject({
      kind: 'segment',
      segment: 'region = r0',
      outcome: 'refused',
    })
    expect((await seen({ ...others, '': r0! })).passed).toBe(true)
  })

  it('refuses a column that is gone, and one that is missing in many more rows than before', async () => {
    const { profiles, ...rest } = batchOf(8)
    const earlier = { version: 1, at: rest.at - day, definition: 'x', plan: rest.plan, profiles }
    const { e3: _, ...others } = profiles.entries
    const kinds = async (entries: typeof profiles.entries): Promise<readonly string[]> =>
      refusals(await judge({ ...rest, profiles: { ...profiles, entries }, previous: earlier })).map(
        ({ kind, of }) => `${kind} ${of}`,
      )
    expect(await kinds(others)).toEqual(['schema e3'])
    const { entries } = batchOf(9).profiles
    const lacking = entries['e5']!
    if (lacking.kind === 'number') lacking.missing = lacking.moments.count
    expect(await kinds({ ...profiles.entries, e5: lacking })).toEqual(['missing e5'])
    expect(await kinds(profiles.entries)).toEqual([])
  })

  it('says of a version that was live and is kept no more that it is so', async () => {
    const found = await judge({ ...batchOf(3), plan: { ...batchOf(3).plan, previous: 12 } })
    const nothing = found.checks.find(({ outcome }) => outcome === 'nothing to compare with')
    expect(nothing?.words).toMatch(/^Version 12, which was live, is not kept any more/)
    const none = await judge({ ...batchOf(3), plan: { ...batchOf(3).plan, previous: null } })
    expect(none.checks.find(({ outcome }) => outcome === 'nothing to compare with')?.words).toMatch(
      /^No version is live/,
    )
  })

  it('says of a source whose age nobody bounded how many versions it takes to know', async () => {
    const [check] = (await judge(batchOf(3))).checks.filter(({ kind }) => kind === 'freshness')
    expect(check).toMatchObject({ of: 'visits', outcome: 'not enough data', bound: null })
    expect(check!.words).toMatch(/0 of the 5 versions .* gate: \{ freshness: \{ visits: '12h' \} \}/)
  })

  it('says in each refusal what was measured, what it may be, and what can be done', async () => {
    const [before, after] = [batchOf(1), made(2, 'shift', () => true).evidence]
    const previous = { version: 1, at: before.at, definition: 'x', plan: before.plan, profiles: before.profiles }
    const found = refusals(await judge({ ...after, previous, comparison: { ...after.comparison, twins: 2 } }))
    expect(found.length).toBeGreaterThan(1)
    for (const { words, value } of found) {
      expect(value).not.toBeNull()
      expect(words).toMatch(/\d.*\. [A-Z].*\.$/)
    }
  })

  const pastDays = (n: number, of: (i: number) => Partial<Day> = () => ({})): readonly Day[] =>
    Array.from({ length: n }, (_, i) => ({
      ...{ version: n - i, at: begin - (i + 1) * day, rows: 20_000, newest: {}, realised: [], letThrough: null },
      memory: { distances: [], others: {} },
      ...of(i),
    }))

  it('moves a bound that nobody wrote down as days differ, and none that somebody did, though it be the standard one', async () => {
    const [before, after] = [batchOf(4), batchOf(5)]
    const previous = { version: 1, at: before.at, definition: 'x', plan: before.plan, profiles: before.profiles }
    const apart = (i: number): Partial<Day> => ({
      memory: { distances: [['risk', null, 'mean', 0.3 + 0.02 * (i % 3)]], others: {} },
    })
    const meanOf = async (gate: Evidence['batch']['gate']): Promise<Check> => {
      const { checks } = await judge({
        ...after,
        batch: { ...definition, gate },
        previous,
        days: pastDays(10, apart),
      })
      return checks.find(({ of, segment, measure }) => of === 'risk' && segment === null && measure === 'mean')!
    }
    expect((await meanOf(definition.gate)).bound).toBeGreaterThan(0.4)
    const { gate } = batch('written', {
      model: definition.model,
      rows: parquet('rows.parquet'),
      gate: { distances: { outputs: { mean: 0.2 } } },
    })
    expect(await meanOf(gate)).toMatchObject({ bound: 0.2, outcome: 'refused' })
    expect(await meanOf({ ...definition.gate, of: { risk: { mean: 0.2 } } })).toMatchObject({ bound: 0.2 })
  })

  it('holds a Saturday against the Saturday before; and where somebody let a level through, against either', async () => {
    const published = new Published()
    for (let n = 0; n < 12; n++) {
      const evidence = published.shown(batchOf(n))
      published.publish(evidence, { ...(await judge(evidence)), passed: true })
    }
    // The thirteenth is the second Saturday: unlike the Friday, like the Saturday before.
    const saturday = published.shown(batchOf(12))
    expect(new Date(saturday.at).getUTCDay()).toBe(6)
    const verdict = await judge(saturday)
    expect(refusals(verdict)).toEqual([])
    expect(verdict.checks.some(({ words }) => words.includes('the last of the same weekday, which decides'))).toBe(true)
    expect(refusals(await judge({ ...saturday, weekday: null, days: [] })).length).toBeGreaterThan(0)

    // A level that was let through yesterday: today is as yesterday was, and not as a week ago.
    const shifted = { ...saturday, previous: { ...saturday.previous!, profiles: saturday.profiles } }
    const friday = published.days.find(({ day: { at } }) => at === saturday.at - 8 * day)!.earlier
    const unlike = { ...shifted, weekday: { ...friday, at: saturday.weekday!.at } }
    expect(refusals(await judge(unlike)).some(({ of, against }) => of === 'risk' && against === 'weekday')).toBe(true)
    const letThrough = refusals(await judge(unlike)).map(({ of, segment }) => ({ of, segment }))
    const since = unlike.days.map((one, i) => (i === 0 ? { ...one, letThrough } : one))
    expect(refusals(await judge({ ...unlike, days: since }))).toEqual([])
  })

  it('refuses a column of few values that is one in every row and never was, and takes one that comes and goes', async () => {
    const all = Array.from({ length: 20 }, (_, i) => batchOf(i % 5))
    const days = (others: (i: number) => readonly [string, number]): readonly Day[] =>
      pastDays(20, (i) => ({ memory: { distances: null, others: { e11: others(i) } } }))
    const evidence = all[0]!
    const zeroed = new Profiles(definition).toJSON().entries['e11']!
    if (zeroed.kind === 'number') zeroed.add(new Float64Array(evidence.profiles.rows), null, 0, evidence.profiles.rows)
    const of = async (past: readonly Day[]): Promise<readonly Check[]> => {
      const entries = { ...evidence.profiles.entries, e11: zeroed }
      const previous = { version: 1, at: 0, definition: 'x', plan: evidence.plan, profiles: evidence.profiles }
      const found = await judge({ ...evidence, previous, profiles: { ...evidence.profiles, entries }, days: past })
      return refusals(found).filter(({ of: name }) => name === 'e11')
    }
    expect(await of(days((i) => ['0', 0.01 + 0.001 * (i % 3)]))).toMatchObject([{ kind: 'constant', of: 'e11' }])
    expect(await of(days((i) => ['0', i === 9 ? 0 : 0.3]))).toEqual([])
    expect(await of(days((i) => ['0', i === 9 ? 0.02 : 0.3]))).toEqual([])
    expect(await of(days((i) => [i % 2 === 0 ? '0' : '7', 0.3]))).toEqual([])
    expect(await of(days((i) => ['0', 0.01 + 0.001 * (i % 3)]).slice(0, 13))).toEqual([])
  })

  it('looks at whether earlier versions came true, and says where too little is known', async () => {
    const outcomes = {
      data: parquet('outcomes.parquet'),
      ...({ at: 'at', zone: null, labels: { risk: 'was' }, delay: '2d', least: 200 } as const),
    }
    const asked = (worst: object): Evidence['batch'] => ({
      ...definition,
      gate: { ...definition.gate, outcomes: { ...outcomes, worst } as never },
    })
    const known = (value: number, examples = 2_000) => ({
      problem: null,
      figures: [8, 9].map((version) => ({
        ...{ version, at: begin, output: 'risk', measure: 'logLoss' as const, examples, value, deviation: 0.4 },
      })),
    })
    const of = async (
      worst: object,
      realised: Evidence['realised'],
      days: readonly Day[] = [],
    ): Promise<readonly Check[]> =>
      (await judge({ ...batchOf(3), batch: asked(worst), realised, days })).checks.filter(
        ({ kind }) => kind === 'outcomes',
      )
    expect(await of({}, { figures: [], problem: null })).toMatchObject([{ outcome: 'not enough data', value: 0 }])
    expect((await of({}, { figures: [], problem: 'No such file.' }))[0]!.words).toContain('No such file.')
    expect((await of({}, known(0.6, 50)))[0]!.words).toMatch(
      /^Not enough labels .* 100, of 200\. They are of versions 8 and 9\./,
    )
    expect(await of({}, known(0.6))).toMatchObject([{ outcome: 'not enough data', value: 0.6, bound: null }])
    expect(await of({ risk: { logLoss: 0.5 } }, known(0.6))).toMatchObject([{ outcome: 'refused', bound: 0.5 }])
    // A twentieth above the bound is what so few outcomes show by chance.
    expect(await of({ risk: { logLoss: 0.5 } }, known(0.51, 150))).toMatchObject([{ outcome: 'passed' }])
    const days = pastDays(9, (i) => ({
      realised: [{ ...known(0.4 + 0.004 * (i % 3)).figures[0]!, version: 7 - i }],
    }))
    expect(await of({}, known(0.41), days)).toMatchObject([{ outcome: 'passed' }])
    expect(await of({}, known(0.6), days)).toMatchObject([{ outcome: 'refused' }])
    expect(await of({ risk: { logLoss: null } }, known(0.6), days)).toEqual([])
  })

  it('has words and figures for whatever columns hold: nothing, one value, infinities, one row, ten million rows', async () => {
    const rows = 10_000_000
    const filled = (values: readonly number[], times: number): Evidence['profiles'] => {
      const profiles = new Profiles(definition)
      profiles.rows = values.length * times
      for (const profile of [...Object.values(profiles.outputs), ...Object.values(profiles.entries)])
        for (const value of values)
          if (profile.kind === 'text') profile.add(Number.isFinite(value) ? String(value) : null, times)
          else {
            profile.addOne(value)
            if (Number.isFinite(value) && times > 1) {
              profile.sketch.addBin(binOf(value), times - 1)
              const { moments } = profile
              profile.moments = { ...moments, count: moments.count * times, m2: moments.m2 * times }
            }
          }
      return profiles.toJSON()
    }
    const kinds = {
      nothing: filled([], 1),
      'one row': filled([0.5], 1),
      'one value': filled([0.5], rows),
      'another value': filled([0.25], rows),
      infinities: filled([Number.POSITIVE_INFINITY, Number.NaN, Number.NEGATIVE_INFINITY], 1),
      extremes: filled([Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, 0], 1),
      many: filled(
        Array.from({ length: 1_000 }, (_, i) => i / 1_000),
        rows / 1_000,
      ),
    }
    const { plan, ...rest } = batchOf(3)
    for (const [was, before] of Object.entries(kinds))
      for (const [is, profiles] of Object.entries(kinds)) {
        const previous = { version: 1, at: rest.at - day, definition: 'x', plan, profiles: before }
        const weekday = { ...previous, version: 2, at: rest.at - 7 * day }
        const evidence = { ...rest, plan: { ...plan, rows: profiles.rows }, profiles, previous, weekday }
        const verdict = await judge(evidence)
        expect(JSON.parse(JSON.stringify(verdict)), `${was}, then ${is}`).toEqual(verdict)
        expect(JSON.stringify(verdict.checks), `${was}, then ${is}`).not.toMatch(/NaN|Infinity|undefined/)
        reportPage({
          batch: definition,
          run: { id: 'a', batch: 'risks', version: 3, at: begin } as never,
          plan,
          verdict,
          days: [],
        })
        if (was === is && profiles.rows > 1)
          expect(refusals(verdict).filter(({ kind }) => kind === 'distance')).toEqual([])
      }
    const previous = { version: 1, at: rest.at - day, definition: 'x', plan, profiles: kinds['one value'] }
    const moved = await judge({ ...rest, plan: { ...plan, rows }, profiles: kinds['another value'], previous })
    expect(refusals(moved).some(({ of, measure }) => of === 'risk' && measure === 'mean')).toBe(true)
  })

  it('judges two hundred columns, and as many segments, and holds nobody up; what it leaves is small', async () => {
    const columns = Array.from({ length: 200 }, (_, i) => `c${i}`)
    // Twice as many comparisons as there are segments times outputs: all of it where it is asked for.
    const few = columns.slice(0, process.env['RUNS'] === undefined ? 40 : 200)
    const wide = (n: number): Evidence['profiles'] => {
      const { profiles } = batchOf(n)
      const e = profiles.entries['e3']!
      const { outputs } = profiles.segments['region']!['r0']!
      return {
        ...profiles,
        entries: Object.fromEntries(columns.map((name) => [name, e])),
        outputs: Object.fromEntries(few.map((name) => [name, profiles.outputs['risk']!])),
        segments: {
          region: Object.fromEntries(
            columns.map((name) => [
              name,
              { rows: 1_000, outputs: Object.fromEntries(few.map((output) => [output, outputs['risk']!])) },
            ]),
          ),
        },
      }
    }
    const { plan, ...rest } = batchOf(1)
    const previous = { version: 1, at: begin, definition: 'x', plan, profiles: wide(1) }
    const memory = columns.flatMap((of) => columns.slice(0, 25).map((s) => [of, `region = ${s}`, 'psi', 0.1] as const))
    const days = pastDays(28, () => ({ memory: { distances: memory, others: {} } }))
    const weekday = { ...previous, version: 0, at: rest.at - 7 * day }
    const turns = monitorEventLoopDelay({ resolution: 5 })
    turns.enable()
    const began = performance.now()
    const verdict = await judge({ ...rest, plan, profiles: wide(2), previous, weekday, days })
    const took = performance.now() - began
    turns.disable()
    const stretch = turns.max / 1e6
    const bytes = JSON.stringify(verdict).length
    const heap = process.memoryUsage().heapUsed
    process.stdout.write(
      `200 columns, 200 segments of ${few.length} outputs, two versions: ${Math.round(took)} ms, at most ${Math.round(stretch)} ms at a stretch, verdict ${Math.round(bytes / 1024)} KiB, heap ${Math.round(heap / 2 ** 20)} MiB\n`,
    )
    expect(verdict.checks.length).toBeLessThanOrEqual(1_500)
    expect(bytes).toBeLessThan(2 * 2 ** 20)
    // A lease of fifteen seconds is renewed each five.
    expect(stretch).toBeLessThan(5_000)
  }, 120_000)

  it('writes a report into which no name of the data can put anything', async () => {
    const first = batchOf(0)
    const verdict = await judge(first)
    const evil = '<img src=x onerror=alert(1)>'
    const page = reportPage({
      batch: definition,
      run: { id: 'a'.repeat(32), batch: 'risks', version: 2, at: begin, model: 'risk', modelVersion: 1 } as never,
      plan: first.plan,
      verdict: {
        ...verdict,
        passed: false,
        checks: [{ ...verdict.checks[0]!, outcome: 'refused', segment: evil, words: evil }],
        overlays: [{ of: evil, segment: evil, against: 'previous', bins: [{ label: evil, before: 0.5, after: 0.5 }] }],
      },
      days: [],
    })
    expect(page).not.toContain('<img')
    expect(page).toContain('&lt;img')
    expect(page).toContain("default-src 'none'")
  })
})
