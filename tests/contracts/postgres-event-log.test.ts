/** The laws of the event log, held by the one in PostgreSQL. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { postgresEventLog } from '../../src/adapters/postgres/event-log.ts'
import type { EventLog, Following } from '../../src/ports/event-log.ts'
import { eventLogCases } from '../../src/testing/event-log.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import { places } from './places.ts'

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  beforeAll(async () => {
    service = await startPostgres()
  })
  afterAll(() => service.close())
  const opened = (schema: string, options = {}): Promise<EventLog> =>
    postgresEventLog({
      ...{ url: service.url, password: null, schema, patienceMs: 10_000, bufferBytes: 16 * 1024 * 1024, ...options },
    })
  for (const { name, run } of eventLogCases({ ...places(opened), shared: true })) it(name, run)

  it('shares topics evenly among those who follow, each to one of them', async () => {
    const topics = ['a', 'b', 'c', 'd', 'e']
    const logs = await Promise.all([0, 1, 2].map(() => opened('shared')))
    const inside = new Map<string, number>()
    const taken = new Map<string, number>()
    let atOnce = 0
    const followings: Following[] = []
    for (const log of logs)
      followings.push(
        await log.follow(topics, 'group', async (topic) => {
          inside.set(topic, (inside.get(topic) ?? 0) + 1)
          atOnce = Math.max(atOnce, inside.get(topic)!)
          await sleep(20)
          const [end] = await log.ends(topic)
          taken.set(topic, end!)
          inside.set(topic, inside.get(topic)! - 1)
          return end!
        }),
      )
    const shares = (): number[] => followings.map(({ assigned }) => assigned.length).sort()
    const settle = (...expected: number[]) => expect.poll(shares, { timeout: 20_000 }).toEqual(expected)
    await settle(1, 2, 2)
    atOnce = 0
    for (let round = 1; round <= 20; round += 1)
      await Promise.all(topics.map((topic) => logs[round % 3]!.append(topic, [new Uint8Array(1)]).durable))
    await expect.poll(() => topics.map((topic) => taken.get(topic)), { timeout: 20_000 }).toEqual(topics.map(() => 20))
    expect(atOnce).toBe(1)
    await followings[0]!.close()
    await settle(0, 2, 3)
    await logs[1]!.close()
    await settle(0, 0, 5)
    await Promise.all([logs[0]!.close(), logs[2]!.close()])
  })

  it('reads no more into memory than it must, and goes on from there', async () => {
    const log = await opened('large')
    const entry = new Uint8Array(700_000)
    for (let index = 0; index < 12; index += 1) await log.append('large', [entry, entry]).durable
    const sizes: number[] = []
    for (let from = 0; from < 24; from += sizes.at(-1)!) sizes.push((await log.read('large', 0, from, 1_000)).length)
    expect(sizes).toEqual([6, 6, 6, 6])
    await log.close()
  })
})
