/**
 * The embedded log, and a whole server, on a disk that is full or may not be written to: what was acknowledged stays, what was not is an
 * error with a code, and it goes on when there is room.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fileEventLog } from '../../src/adapters/files/event-log.ts'
import { count, entity, model, platform, source, sum, view } from '../../src/index.ts'
import { open } from '../../src/runtime/open.ts'
import { canMount, disk } from './disk.ts'

const account = entity('account', { key: { account: 'string' } })
const payments = source('payments', {
  fields: { id: 'string', account: 'string', amount: 'int64', note: 'string', at: 'timestamp' },
  time: 'at',
  id: 'id',
})
const spending = view('spending', {
  entity: account,
  source: payments,
  features: ({ amount }) => ({ payments: count().ever(), total: sum(amount).ever() }),
})
const risky = model('risky', {
  inputs: { spending },
  vector: ({ spending: { payments } }) => ({ payments }),
  output: { risky: 'probability' },
  fallback: ({ spending: { payments } }) => ({ risky: payments.gt(10).choose(0.9, 0.1) }),
})
const bank = platform({ account, payments, spending, risky })

describe.skipIf(!canMount)('the log in files (needs the right to mount a disk)', () => {
  it('on a full disk refuses what does not fit, keeps what it acknowledged, and goes on when there is room', async () => {
    const { folder, remount } = disk(4)
    const log = fileEventLog({ folder: join(folder, 'log'), writable: true })
    const acknowledged: number[] = []
    const refused: unknown[] = []
    for (let i = 0; i < 100; i++)
      await log.append('events', [Buffer.alloc(100_000, i)]).durable.then(
        () => acknowledged.push(i),
        (error: unknown) => refused.push(error),
      )
    expect(acknowledged.length).toBeGreaterThan(20)
    expect(refused.length).toBeGreaterThan(20)
    for (const error of refused) expect(error).toMatchObject({ code: 'SX_STORAGE_FULL' })

    remount('size=16m')
    const more = log.append('events', [Buffer.alloc(100_000, 255)])
    await more.durable
    expect(more.position).toBe(acknowledged.length)
    await log.close()
    const again = fileEventLog({ folder: join(folder, 'log'), writable: true })
    onTestFinished(() => again.close())
    const entries = await again.read('events', 0, 0, 1_000)
    expect(entries.map(({ bytes }) => bytes[99_999])).toEqual([...acknowledged, 255])
  })

  it('in a folder that may not be written to says so, by name', () => {
    const { folder, remount } = disk(4)
    remount('ro')
    for (const place of [folder, join(folder, 'log')])
      expect(() => fileEventLog({ folder: place, writable: true })).toThrow(
        expect.objectContaining({ code: 'SX_STORE_READ_ONLY', message: expect.stringContaining(place) }),
      )
  })
})

describe.skipIf(!canMount)('a server with all its data on one disk (needs the right to mount one)', () => {
  it('goes on answering while the disk is full, and what it acknowledged counts once', async () => {
    const { folder, remount } = disk(6)
    const data = join(folder, 'data')
    mkdirSync(data)
    const server = await open(bank, { data })
    let sent = 0
    let acknowledged = 0
    const pending: object[][] = []
    const push = async (): Promise<void> => {
      const events = Array.from({ length: 20 }, () => ({
        id: `p${sent++}`,
        account: 'ann',
        amount: 1,
        note: 'x'.repeat(2_000),
        at: new Date(Date.now() - 1_000),
      }))
      try {
        await server.push('payments', events)
        acknowledged += events.length
      } catch (error) {
        expect(error).toMatchObject({ code: 'SX_STORAGE_FULL' })
        pending.push(events)
      }
    }
    while (pending.length < 5 && sent < 10_000) await push()
    expect(acknowledged).toBeGreaterThan(100)
    expect(pending.length).toBe(5)
    for (let i = 0; i < 20; i++) {
      const { outputs } = await server.predict('risky', { keys: { account: 'ann' } })
      expect(outputs).toEqual({ risky: 0.9 })
    }

    remount('size=64m')
    for (const events of pending) await server.push('payments', events)
    await server.close()
    const again = await open(bank, { data })
    onTestFinished(() => again.close())
    const { features } = await again.readFeatures('spending', { account: 'ann' }, undefined)
    expect(features).toEqual({ payments: sent, total: sent })
  }, 60_000)

  it('refuses to begin where it may not write', async () => {
    const { folder, remount } = disk(6)
    remount('ro')
    await expect(open(bank, { data: join(folder, 'data') })).rejects.toMatchObject({ code: 'SX_STORE_READ_ONLY' })
  })
})
