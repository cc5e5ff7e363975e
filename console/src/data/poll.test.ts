import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Live } from './poll.ts'
import { poll } from './poll.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

function setup() {
  const server = { hash: 'a', up: true, hidden: false, asked: [] as string[] }
  const told: Live[] = []
  let changed = (): void => {}
  const end = poll((live) => told.push(live), {
    get: async (path) => {
      server.asked.push(path)
      if (!server.up) throw new TypeError('fetch failed')
      return path === '/v1/status' ? { platform: server.hash } : { hash: server.hash }
    },
    now: () => Date.now(),
    hidden: () => server.hidden,
    onVisibility: (callback) => {
      changed = callback
      return () => {}
    },
  })
  const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms)
  return { server, told, passes, end, changed: () => changed(), latest: () => told.at(-1)! }
}

test('asks every second, and for the description only when its hash is new', async () => {
  const { server, passes, end } = setup()
  await passes(2_500)
  expect(server.asked).toEqual(['/v1/status', '/v1/platform', '/v1/status', '/v1/status'])
  server.hash = 'b'
  await passes(1_000)
  expect(server.asked.slice(4)).toEqual(['/v1/status', '/v1/platform'])
  end()
  await passes(5_000)
  expect(server.asked).toHaveLength(6)
})

test('keeps what was last seen while the server is away, says since when, and recovers', async () => {
  const { server, latest, passes, end } = setup()
  await passes(1_500)
  server.up = false
  await passes(3_000)
  expect(latest().trouble).toEqual({ since: 1_001_000, reason: 'does not answer' })
  expect(latest().seen?.platform.hash).toBe('a')
  server.up = true
  await passes(1_000)
  expect(latest().trouble).toBeNull()
  end()
})

test('does not ask while the page is hidden, and does at once when it is shown', async () => {
  const { server, passes, changed, end } = setup()
  await passes(100)
  server.hidden = true
  await passes(10_000)
  const before = server.asked.length
  expect(before).toBe(2)
  server.hidden = false
  changed()
  await passes(0)
  expect(server.asked.length).toBe(before + 1)
  end()
})
