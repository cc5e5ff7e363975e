import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { progressBar } from './progress.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function stream(isTTY: boolean): { readonly written: string[]; readonly stream: NodeJS.WriteStream } {
  const written: string[] = []
  return { written, stream: { isTTY, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream }
}

test('work of less than a second shows nothing', () => {
  for (const isTTY of [true, false]) {
    const { written, stream: to } = stream(isTTY)
    const bar = progressBar('Joining', to, false)
    bar.set(0.5)
    vi.advanceTimersByTime(990)
    bar.end()
    vi.advanceTimersByTime(5_000)
    expect(written).toEqual([])
  }
})

test('a terminal sees a bar, the time that is left, and nothing of it at the end', () => {
  const { written, stream: to } = stream(true)
  const bar = progressBar('Joining', to, false)
  bar.set(0.25)
  vi.advanceTimersByTime(2_000)
  expect(written.at(-1)).toMatch(/^\rJoining █{8}░{22} 25 %, 6 s left$/)
  bar.end()
  expect(written.at(-1)).toMatch(/^\r +\r$/)
})

test('a terminal sees how long it takes where nothing is known of the rest, also when nobody says anything', () => {
  const { written, stream: to } = stream(true)
  progressBar('Reading flights', to, false)
  vi.advanceTimersByTime(3_000)
  expect(written.at(-1)).toBe('\rReading flights … 3 s')
})

test('a shorter text leaves nothing of a longer one', () => {
  const { written, stream: to } = stream(true)
  const bar = progressBar('Joining', to, false)
  bar.set(0.1)
  vi.advanceTimersByTime(20_000)
  const longer = written.at(-1)!.length
  bar.set(0.9)
  vi.advanceTimersByTime(200)
  expect(written.at(-1)).toMatch(/90 %, 3 s left {2}$/)
  expect(written.at(-1)!.length).toBe(longer)
})

test('where nobody watches there are lines, one every ten percent, and no control characters', () => {
  const { written, stream: to } = stream(false)
  const bar = progressBar('pace', to, false)
  vi.advanceTimersByTime(1_200)
  for (const done of [0.2, 0.21, 0.22, 0.35, 1]) {
    bar.set(done)
    vi.advanceTimersByTime(200)
  }
  bar.end()
  expect(written).toEqual(['pace …\n', 'pace: 20 %\n', 'pace: 30 %\n', 'pace: 100 %\n'])
})

test('with --json there is none', () => {
  const { written, stream: to } = stream(true)
  const bar = progressBar('Joining', to, true)
  bar.set(0.5)
  vi.advanceTimersByTime(5_000)
  bar.end()
  expect(written).toEqual([])
})
