import { expect, test } from 'vitest'
import { measures } from './measures.ts'

const times = { gateway: 0, queue: 0, features: 1, assembly: 1, inference: 1, post: 1, total: 4 }

test('the last 600 whole seconds, oldest first, and nothing of the second under way', () => {
  let now = 0
  const measured = measures(() => now)
  const answer = (count: number, atSecond: number): void => {
    now = atSecond * 1000 + 1
    for (let i = 0; i < count; i++) measured.add(times, 1, [])
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
  measured.add(times, 0, [
    { stage: 'features', by: 'missing', reason: 'SX_STORE' },
    { stage: 'inference', by: 'rule', reason: 'no version' },
  ])
  measured.add(times, 1, [])
  expect(measured.snapshot()).toMatchObject({
    predictions: 2,
    degradedPredictions: 1,
    degraded: { 'features: SX_STORE': 1, 'inference: no version': 1 },
  })
})
