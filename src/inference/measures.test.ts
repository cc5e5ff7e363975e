import { expect, test } from 'vitest'
import { measures } from './measures.ts'
import type { Degradation } from './prediction.ts'
import type { VersionTimes } from './stage-histograms.ts'
import { boundsOfStages } from './stage-histograms.ts'

const times = { gateway: 0, queue: 0, features: 1, assembly: 1, inference: 1, post: 1, total: 4 }

test('the last 600 whole seconds, oldest first, and nothing of the second under way', () => {
  let now = 0
  const measured = measures(() => now)
  const answer = (count: number, atSecond: number): void => {
    now = atSecond * 1000 + 1
    for (let i = 0; i < count; i++) measured.add(times, { version: '1', rows: 1, degraded: [] })
  }
  answer(3, 0)
  answer(5, 10)
  answer(7, 599)
  now = 600_000
  const full = measured.snapshot().perSecond
  expect(full).toHaveLength(600)
  expect([full[0], full[10], full[599]]).toEqual([3, 5, 7])
  expect(full.reduce((sum, count) => sum + count)).toBe(15)

  answer(2, 600)
  expect(measured.snapshot().perSecond).toEqual(full)
  now = 601_000
  const later = measured.snapshot().perSecond
  expect([later[0], later[9], later[598], later[599]]).toEqual([0, 5, 7, 2])

  now = 5_000_000
  expect(measured.snapshot().perSecond.every((count) => count === 0)).toBe(true)
  expect(measured.snapshot().predictions).toBe(17)
})

test('questions that were refused are counted by their code, and are no predictions', () => {
  const measured = measures(() => 0)
  measured.refuse('SX_REQUEST_INVALID')
  measured.refuse('SX_REQUEST_INVALID')
  measured.refuse('SX_INSTANT_PAST')
  expect(measured.snapshot()).toMatchObject({
    predictions: 0,
    refused: { SX_REQUEST_INVALID: 2, SX_INSTANT_PAST: 1 },
  })
})

test('an answer degraded in two parts is one degraded answer', () => {
  const measured = measures(() => 0)
  measured.add(times, {
    version: null,
    rows: 0,
    degraded: [
      { stage: 'features', by: 'missing', reason: 'SX_STORE' },
      { stage: 'inference', by: 'rule', reason: 'no version' },
    ],
  })
  measured.add(times, { version: '1', rows: 1, degraded: [] })
  expect(measured.snapshot()).toMatchObject({
    predictions: 2,
    degradedPredictions: 1,
    degraded: { 'features: SX_STORE': 1, 'inference: no version': 1 },
    degradations: [
      { stage: 'features', by: 'missing', reason: 'SX_STORE', count: 1 },
      { stage: 'inference', by: 'rule', reason: 'no version', count: 1 },
    ],
  })
})

test('a time is counted in the bucket whose bound it does not pass, and sums are kept exactly', () => {
  const measured = measures(() => 0)
  for (const total of [0, 0.1, 0.1001, 25, 100, 1_000, 1_000.5])
    measured.add({ ...times, total }, { version: '7', rows: 1, degraded: [] })
  const [{ version, predictions, stages }] = measured.snapshot().versions as [VersionTimes]
  expect({ version, predictions }).toEqual({ version: '7', predictions: 7 })
  const counted = Object.fromEntries([...boundsOfStages, 'above'].map((bound, i) => [bound, stages.total.counts[i]]))
  expect(counted).toMatchObject({ 0.0001: 2, 0.00025: 1, 0.025: 1, 0.1: 1, 1: 1, above: 1 })
  expect(stages.total.counts.reduce((sum, count) => sum + count)).toBe(7)
  expect(stages.total.sumSeconds).toBeCloseTo(2.1257001, 9)
  expect(stages.inference.sumSeconds).toBeCloseTo(0.007, 9)
})

test('however many versions answer, the last ones are kept apart, and nothing is lost of the others', () => {
  const measured = measures(() => 0)
  for (let i = 0; i < 1_000; i++)
    measured.add(times, {
      version: `${i % 50}`,
      rows: 1,
      degraded: i % 2 === 0 ? [] : [{ stage: 'post', by: 'rule', reason: 'x' }],
    })
  const { versions } = measured.snapshot()
  expect(versions.map(({ version }) => version)).toEqual(['42', '43', '44', '45', '46', '47', '48', '49', 'older'])
  const sum = (of: (one: VersionTimes) => number): number => versions.reduce((all, one) => all + of(one), 0)
  expect(sum(({ predictions }) => predictions)).toBe(1_000)
  expect(sum(({ degraded }) => degraded)).toBe(500)
  expect(sum(({ stages }) => stages.total.sumSeconds)).toBeCloseTo(4, 6)
})

test('the last predictions can be looked up, those that were degraded first, and only what is in the log', () => {
  const measured = measures(() => 0)
  const bad: Degradation = { stage: 'inference', by: 'rule', reason: 'SX_OVERLOADED' }
  for (let i = 0; i < 100; i++) {
    measured.add(times, { version: '1', rows: 1, degraded: [], id: `good-${i}`, at: i })
    if (i % 40 === 0) measured.add(times, { version: null, rows: 0, degraded: [bad], id: `bad-${i}`, at: i })
    measured.add(times, { version: '1', rows: 1, degraded: [bad], id: null, at: i })
  }
  const { recent } = measured.snapshot()
  expect(recent.slice(0, 5).map(({ id }) => id)).toEqual(['bad-80', 'bad-40', 'bad-0', 'good-99', 'good-98'])
  expect(recent[0]).toEqual({ id: 'bad-80', at: 80, version: null, degraded: [bad], totalMs: 4 })
  expect(recent).toHaveLength(3 + 32)
})
