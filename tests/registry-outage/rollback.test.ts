/**
 * Roll backs while stores are away, with two servers: in force within seconds on both, written down once each when the metadata store is back,
 * and no client ever sees a version come back that had gone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tell } from '../../drills/server.ts'
import { describeWith } from '../services/index.ts'
import type { Server, Stage } from './stage.ts'
import { answers, auditIsWhole, inProduction, killedAt, newId, rollback, stage, written } from './stage.ts'

/** Answers come within these, in milliseconds. */
const [answered, inForce] = [3_000, 2_500]

describeWith(['redis', 'postgres', 's3'], 'a roll back while stores are away', () => {
  let s: Stage
  let first: Server
  let second: Server
  beforeAll(async () => {
    s = await stage(2)
    ;[first, second] = s.servers as [Server, Server]
    await answers(s.servers, 3, 10_000)
    // The files of those before are had ready.
    await sleep(1_500)
  })
  afterAll(() => s?.close())

  /** The third is in production, and its files and those of the others are at hand. */
  const again = async (servers: readonly Server[] = s.servers): Promise<void> => {
    if (servers[0]!.seen.at(-1) !== 3)
      expect(await rollback(servers[0]!, newId(), 3)).toMatchObject({ status: 200, body: { pending: false } })
    await answers(servers, 3, 5_000)
    await sleep(1_200)
    for (const { seen } of servers) seen.splice(0, seen.length, 3)
  }
  const sound = async (): Promise<void> => {
    await auditIsWhole(first)
    expect(s.servers.flatMap(({ failed }) => failed)).toEqual([])
  }

  test('PostgreSQL away: on both servers within seconds, once more, and each is written down once', async () => {
    await s.postgres.kill()
    const asked = Date.now()
    const [one, two] = [newId(), newId()]
    const answer = await rollback(first, one)
    expect(answer, JSON.stringify(answer)).toMatchObject({
      status: 200,
      body: { from: 3, to: 2, pending: true, entry: null },
    })
    expect(answer.ms).toBeLessThan(answered)
    const both = await answers(s.servers, 2, inForce)
    // The same request again is the same roll back.
    expect((await rollback(first, one)).body).toMatchObject({ to: 2, pending: true })
    const commanded = await tell(null, s.environment, 'model', 'rollback', 'risky', '--url', second.url)
    expect(commanded.ended, commanded.said).toBe('well')
    expect(JSON.parse(commanded.said)).toMatchObject({ done: { from: 2, to: 1, pending: true } })
    const more = await answers(s.servers, 1, inForce)
    expect((await rollback(second, two)).body).toMatchObject({ code: 'SX_NOTHING_TO_ROLL_BACK' })
    process.stdout.write(
      `answered in ${Math.round(answer.ms)} ms, on both servers ${Math.round(both)} and ${Math.round(more)} ms later\n`,
    )
    await sleep(3_000)
    await s.postgres.start()
    const entries = await written(first, [one])
    await sleep(3_000)
    const back = (await written(second, [one])).filter(({ details }) => details.rollback === true)
    expect(back.map(({ version, reason }) => [version, reason])).toEqual([
      [2, 'it is worse'],
      [1, null],
    ])
    expect(entries.find(({ id }) => id === one)).toMatchObject({ actor: 'anyone', reason: 'it is worse' })
    expect(Math.abs(Date.parse(back[0]!.at) - asked)).toBeLessThan(1_000)
    expect(await Promise.all(s.servers.map(inProduction))).toEqual([[1], [1]])
    expect(s.servers.map(({ seen }) => seen)).toEqual([
      [3, 2, 1],
      [3, 2, 1],
    ])
    await sound()
  }, 90_000)

  test('Redis and S3 away as well: on the server asked, and not lost when it is killed', async () => {
    await again()
    await Promise.all([s.postgres.kill(), s.redis.kill(), s.s3.kill()])
    const id = newId()
    const answer = await rollback(first, id, 2)
    expect(answer, JSON.stringify(answer)).toMatchObject({ status: 200, body: { to: 2, pending: true } })
    expect(answer.ms).toBeLessThan(answered)
    await answers([first], 2, inForce)
    await sleep(2_000)
    expect(first.seen).toEqual([3, 2])
    await first.kill()
    await Promise.all([s.redis.start(), s.s3.start()])
    await sleep(1_500)
    expect(second.seen).toEqual([3])
    await s.postgres.start()
    await first.start()
    await answers(s.servers, 2, 15_000)
    await sleep(2_000)
    expect((await written(second, [id])).filter((one) => one.id === id)).toHaveLength(1)
    expect(await inProduction(second)).toEqual([2])
    expect(s.servers.map(({ seen }) => seen)).toEqual([
      [3, 2],
      [3, 2],
    ])
    await sound()
  }, 90_000)

  test('what was put in production meanwhile stays, and the roll back has an entry that says so', async () => {
    await again()
    // The servers are cut off, and others are not: the later intention comes by another way.
    s.proxy.reset()
    const id = newId()
    expect((await rollback(first, id, 2)).body).toMatchObject({ to: 2, pending: true })
    await answers(s.servers, 2, inForce)
    const direct = {
      ...s.environment,
      SIXFOLD_METADATA_URL: s.postgres.url,
      SIXFOLD_LOG_URL: s.postgres.url,
      SIXFOLD_DATA: `${s.environment['SIXFOLD_DATA']}-beside`,
    }
    const promoted = await tell(null, direct, 'model', 'rollback', 'risky', '1', '--reason', 'the first is best')
    expect(promoted.ended, promoted.said).toBe('well')
    s.proxy.heal()
    const entries = await written(first, [id])
    expect(entries.at(-1)).toMatchObject({ id, action: 'rollback.superseded', version: 2, details: { by: 1 } })
    await answers(s.servers, 1, 5_000)
    await sleep(2_000)
    expect(s.servers.map(({ seen }) => seen)).toEqual([
      [3, 2, 1],
      [3, 2, 1],
    ])
    expect(await inProduction(second)).toEqual([1])
    await sound()
  }, 90_000)

  // One server: the other would write down what this one has kept.
  for (const point of [
    'pending: before it is kept',
    'pending: after it is kept',
    'pending: before it is written down',
    'pending: after it was written down',
    'pending: removed',
  ])
    test(`a server killed at '${point}' loses nothing that was acknowledged, and doubles nothing`, async () => {
      await again([first])
      await second.kill()
      await first.kill()
      await first.start(killedAt(point))
      await answers([first], 3, 10_000)
      await sleep(1_000)
      await s.postgres.kill()
      const id = newId()
      const { status } = await rollback(first, id, 2)
      const kept = point !== 'pending: before it is kept'
      expect(status).toBe(/is kept/.test(point) ? 0 : 200)
      await s.postgres.start()
      await first.ended(15_000)
      await first.start()
      if (kept) expect((await written(first, [id])).filter((one) => one.id === id)).toHaveLength(1)
      await answers([first], kept ? 2 : 3, 15_000)
      expect(await inProduction(first)).toEqual([kept ? 2 : 3])
      await sound()
    }, 90_000)
})
