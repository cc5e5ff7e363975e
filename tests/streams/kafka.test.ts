/**
 * Events that others write to a Kafka topic, with a client of their own: taken in by two servers that share a state, each event once, also
 * while servers come and go, and whatever else is in the topic is passed over and told of.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin, Producer, stringSerializers } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { count, entity, platform, source, sum, topic, view } from '../../src/index.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startKafka, startRedis } from '../services/index.ts'

const account = entity('account', { key: { account: 'string' } })
const payments = source('payments', {
  fields: { id: 'string', account: 'string', amount: 'int64', at: 'timestamp' },
  time: 'at',
  id: 'id',
  stream: topic('bank-payments'),
})
const spending = view('spending', {
  entity: account,
  source: payments,
  features: ({ amount }) => ({ payments: count().ever(), total: sum(amount).ever() }),
})
const bank = platform({ account, payments, spending })

const accounts = Array.from({ length: 17 }, (_, i) => `account-${i}`)
const partitions = 4

describeWith(['kafka', 'redis'], 'a topic that others write', () => {
  let kafka: Service
  let redis: Service
  let folder: string
  let admin: Admin
  let producer: Producer<string, string, string, string>
  const opened: Opened[] = []
  const sent = new Map<string, { count: number; total: number }>()
  let next = 0

  beforeAll(async () => {
    ;[kafka, redis] = await Promise.all([startKafka(), startRedis()])
    folder = mkdtempSync(join(tmpdir(), 'sixfold-stream-'))
    const client = { clientId: 'bank', bootstrapBrokers: [kafka.url] }
    admin = new Admin(client)
    producer = new Producer({ ...client, serializers: stringSerializers })
  }, 120_000)
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()))
    await Promise.all([admin.close(), producer.close()])
    await Promise.all([kafka.close(), redis.close()])
    rmSync(folder, { recursive: true, force: true })
  })

  const start = async (): Promise<Opened> => {
    const one = await open(bank, {
      data: join(folder, 'data'),
      stores: { online: redis.url, log: `kafka://${kafka.url}?partitions=2&replication=1` },
    })
    opened.push(one)
    return one
  }
  const stop = async (one: Opened): Promise<void> => {
    opened.splice(opened.indexOf(one), 1)
    await one.close()
  }
  const produce = async (messages: number): Promise<void> => {
    const list = Array.from({ length: messages }, () => {
      const id = `p${next++}`
      const payer = accounts[next % accounts.length]!
      const before = sent.get(payer) ?? { count: 0, total: 0 }
      const amount = (next * 7919) % 1000
      sent.set(payer, { count: before.count + 1, total: before.total + amount })
      return {
        topic: 'bank-payments',
        key: payer,
        value: JSON.stringify({ id, account: payer, amount, at: new Date() }),
      }
    })
    await producer.send({ messages: list })
  }
  const counted = async (one: Opened): Promise<Map<string, unknown>> => {
    const pairs = accounts.map(async (payer) => {
      const { features } = await one.readFeatures('spending', { account: payer }, undefined)
      return [payer, { count: features['payments'], total: features['total'] }] as const
    })
    return new Map(await Promise.all(pairs))
  }
  const committed = async (): Promise<number> => {
    const [group] = await admin.listConsumerGroupOffsets({ groups: ['sixfold.stream.payments'] })
    return group!.topics
      .flatMap((one) => one.partitions)
      .reduce((total, { committedOffset }) => total + Math.max(0, Number(committedOffset)), 0)
  }
  const takenIn = async (one: Opened): Promise<void> => {
    const until = performance.now() + 30_000
    for (;;) {
      const { position, behind } = (await one.ingest.progress()).get('spending')!
      if (position > 0 && behind === 0) return
      if (performance.now() > until) throw new Error(`After 30 s ${behind} entries are not taken in.`)
      await sleep(50)
    }
  }

  test('is waited for, taken in by several servers, once, and its offsets are committed', async () => {
    const [first, second] = [await start(), await start()]
    await sleep(500)
    await admin.createTopics({ topics: ['bank-payments'], partitions, replicas: 1 })
    await produce(3_000)
    await sleep(6_000)
    await takenIn(first)
    expect(await counted(first)).toEqual(sent)
    expect(await counted(second)).toEqual(sent)

    // One leaves in the midst of it, and another comes.
    await produce(2_000)
    await stop(first)
    const third = await start()
    await produce(2_000)
    await sleep(1_000)
    await takenIn(third)
    expect(await counted(third)).toEqual(sent)
    expect(await counted(second)).toEqual(sent)

    // What is pushed to a server counts beside what comes by the topic, and an id that came by one is known to the other.
    const pushed = await third.push('payments', [
      { id: 'p0', account: accounts[0], amount: 5, at: new Date() },
      { id: 'pushed', account: accounts[0], amount: 5, at: new Date() },
    ])
    expect(pushed).toMatchObject({ accepted: 1, duplicates: 1 })
    const before = sent.get(accounts[0]!)!
    sent.set(accounts[0]!, { count: before.count + 1, total: before.total + 5 })
    expect(await counted(second)).toEqual(sent)

    // Committed after the effect, for whoever looks at the group's lag with Kafka's own tools.
    await expect.poll(committed, { timeout: 20_000 }).toEqual(next)
  }, 120_000)

  test('passes over what is no event, keeps it among the refused, and goes on', async () => {
    const one = opened.at(-1)!
    const bad = [
      'no JSON',
      '[1, 2]',
      JSON.stringify({ id: 'b1', account: 'account-1', amount: 1.5, at: new Date() }),
      JSON.stringify({ id: 'b2', account: 'account-1', amount: 1 }),
      JSON.stringify({ id: 'b3', account: 'account-1', amount: 1, at: new Date(Date.now() + 3_600_000) }),
    ]
    await producer.send({ messages: bad.map((value) => ({ topic: 'bank-payments', key: 'account-1', value })) })
    await produce(100)
    await sleep(1_000)
    await takenIn(one)
    expect(await counted(one)).toEqual(sent)
    const { log } = one.stores
    await log.settled('refused.payments')
    const kept = await Promise.all(
      (await log.ends('refused.payments')).map((_, partition) => log.read('refused.payments', partition, 0, 100)),
    )
    const messages = new Set(
      kept
        .flat()
        .map(
          ({ bytes }) => (JSON.parse(Buffer.from(bytes).toString()) as { rows: [{ message: string }] }).rows[0].message,
        ),
    )
    expect([...messages].sort()).toEqual([...bad].sort())
  }, 60_000)
})
