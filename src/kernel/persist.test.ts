import { expect, test } from 'vitest'
import { atMost, pause, pauseAfter, persist } from './persist.ts'

const soon = (): number => performance.now() + 300
const passes = (): boolean => true

test('pauses grow, differ, and have a longest', () => {
  const of = (failures: number): readonly number[] => Array.from({ length: 200 }, () => pauseAfter(failures))
  expect(Math.max(...of(1))).toBeLessThanOrEqual(25)
  expect(Math.min(...of(3))).toBeGreaterThanOrEqual(50)
  for (const far of [6, 1_000]) {
    expect(Math.min(...of(far))).toBeGreaterThanOrEqual(250)
    expect(Math.max(...of(far))).toBeLessThanOrEqual(500)
    expect(new Set(of(far)).size).toBeGreaterThan(50)
  }
})

test('tries until it works', async () => {
  let tries = 0
  const work = async (): Promise<string> => {
    if (++tries < 4) throw new Error('not yet')
    return 'done'
  }
  expect(await persist(work, { until: soon(), passes })).toBe('done')
  expect(tries).toBe(4)
})

test('fails with the last error when patience ends, after one more try at its end', async () => {
  const until = soon()
  const tried: number[] = []
  const work = async (): Promise<never> => {
    tried.push(performance.now())
    throw new Error(`try ${tried.length}`)
  }
  const error = await persist(work, { until, passes }).catch((reason: Error) => reason.message)
  expect(error).toBe(`try ${tried.length}`)
  expect(tried.at(-1)).toBeGreaterThan(until - 5)
  expect(tried.at(-1)).toBeLessThan(until + 100)
})

test('without patience there is one try', async () => {
  let tries = 0
  const work = async (): Promise<never> => {
    tries++
    throw new Error('no')
  }
  await expect(persist(work, { until: performance.now(), passes })).rejects.toThrow('no')
  expect(tries).toBe(1)
})

test('what does not pass is tried once', async () => {
  const met: unknown[] = []
  const work = async (): Promise<never> => {
    throw new Error(`error ${met.length}`)
  }
  const first = (error: unknown): boolean => met.push(error) < 2
  await expect(persist(work, { until: soon(), passes: first })).rejects.toThrow('error 1')
  expect(met).toHaveLength(2)
})

test('a signal ends it in the midst of a pause, with the error that was met', async () => {
  const stop = new AbortController()
  let tries = 0
  const work = async (): Promise<never> => {
    tries++
    throw new Error('away')
  }
  const trying = persist(work, { until: performance.now() + 60_000, passes, signal: stop.signal })
  const ended = expect(trying).rejects.toThrow('away')
  await pause(400)
  stop.abort()
  const [before, stopped] = [tries, performance.now()]
  await ended
  expect(performance.now() - stopped).toBeLessThan(50)
  expect(tries).toBe(before)
})

test('waits for work that ends, however, and not for work that does not', async () => {
  const began = performance.now()
  await atMost(60_000, Promise.reject(new Error('no')))
  expect(performance.now() - began).toBeLessThan(1_000)
  await atMost(20, new Promise(() => {}))
})
