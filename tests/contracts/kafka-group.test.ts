/** Processes that follow one topic as a group: who joins, leaves or dies, and what Kafka says of how far the group is. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, offsetFetchV8 } from '@platformatic/kafka'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { kafkaEventLog } from '../../src/adapters/kafka/event-log.ts'
import type { EventLog } from '../../src/ports/event-log.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startKafka } from '../services/index.ts'

const root = join(import.meta.dirname, '../..')
const topic = 'events'
const partitions = 4

interface Follower {
  readonly assigned: readonly number[]
  readonly took: readonly string[]
  end(signal: NodeJS.Signals): Promise<void>
}

describeWith(['kafka'], 'processes that follow kafka as a group', () => {
  let kafka: Service
  let log: EventLog
  let prefix = ''
  let prefixes = 0
  const children = new Set<ChildProcess>()
  beforeAll(async () => {
    kafka = await startKafka()
  }, 120_000)
  afterAll(() => kafka.close())
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    children.clear()
    await log.close()
  })

  const begin = async (): Promise<void> => {
    prefixes += 1
    prefix = `group-${prefixes}`
    log = await kafkaEventLog({
      ...{ brokers: [kafka.url], prefix, partitions, replication: 1, tls: false, sasl: null },
      ...{ bufferBytes: 4 * 1024 * 1024, patienceMs: 10_000 },
    })
  }
  let appended = 0
  const append = async (count: number): Promise<string[]> => {
    const texts = Array.from({ length: count }, () => `entry-${appended++}`)
    await Promise.all(
      texts.map((text, index) => log.append(topic, [Buffer.from(text)], { partition: index % partitions }).durable),
    )
    return texts
  }
  const follower = (): Follower => {
    const child = spawn(
      process.execPath,
      [
        join(root, 'node_modules/.bin/jiti'),
        join(root, 'tests/contracts/kafka-follower.ts'),
        kafka.url,
        prefix,
        topic,
        'views',
      ],
      { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    children.add(child)
    let assigned: readonly number[] = []
    const took: string[] = []
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const said = JSON.parse(line) as { assigned?: number[]; took?: string[] }
      assigned = said.assigned ?? assigned
      took.push(...(said.took ?? []))
    })
    return {
      took,
      get assigned() {
        return assigned
      },
      end: async (signal) => {
        child.kill(signal)
        await new Promise((done) => child.once('exit', done))
        children.delete(child)
      },
    }
  }
  const committed = async (): Promise<readonly number[]> => {
    const connection = new Connection('test')
    await connection.connect('127.0.0.1', kafka.port)
    const wanted = [{ name: `${prefix}.${topic}`, partitionIndexes: [0, 1, 2, 3] }]
    const { groups } = await offsetFetchV8.api.async(
      connection,
      [{ groupId: `${prefix}.views`, memberEpoch: -1, topics: wanted }],
      false,
    )
    await connection.close()
    const found = groups[0]!.topics[0]!.partitions
    return found
      .sort((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ committedOffset }) => Number(committedOffset))
  }
  const until = (what: () => unknown, ms: number) => expect.poll(what, { timeout: ms, interval: 50 })

  it('shares the partitions, hands over those of one that leaves, and commits what was taken', {
    timeout: 90_000,
  }, async () => {
    await begin()
    const before = await append(100)
    const one = follower()
    await until(() => before.every((text) => one.took.includes(text)), 30_000).toBe(true)
    await until(committed, 5_000).toEqual([25, 25, 25, 25])

    const two = follower()
    await until(() => [one.assigned.length, two.assigned.length], 30_000).toEqual([2, 2])
    expect([...one.assigned, ...two.assigned].sort()).toEqual([0, 1, 2, 3])
    const between = await append(100)
    await until(() => between.filter((text) => !one.took.includes(text) && !two.took.includes(text)), 10_000).toEqual(
      [],
    )
    const ownedBy = (partition: number): Follower => (one.assigned.includes(partition) ? one : two)
    for (const [index, text] of between.entries()) expect(ownedBy(index % partitions).took).toContain(text)
    await until(committed, 5_000).toEqual([50, 50, 50, 50])

    const began = performance.now()
    await two.end('SIGTERM')
    await until(() => one.assigned, 10_000).toEqual([0, 1, 2, 3])
    const handedOverMs = performance.now() - began
    const after = await append(100)
    await until(() => after.every((text) => one.took.includes(text)), 10_000).toBe(true)
    await until(committed, 5_000).toEqual(await log.ends(topic))
    process.stdout.write(`kafka, one of two left: its partitions were handed over in ${Math.round(handedOverMs)} ms\n`)
  })

  it('hands over the partitions of one that was killed, and misses nothing', { timeout: 120_000 }, async () => {
    await begin()
    const all = await append(40)
    const [one, two] = [follower(), follower()]
    await until(() => [one.assigned.length, two.assigned.length], 40_000).toEqual([2, 2])
    let going = true
    const appending = (async () => {
      for (; going; await sleep(20)) all.push(...(await append(4)))
    })()
    await sleep(1_000)
    const began = performance.now()
    await two.end('SIGKILL')
    await until(() => one.assigned, 40_000).toEqual([0, 1, 2, 3])
    const handedOverMs = performance.now() - began
    going = false
    await appending
    await until(() => all.filter((text) => !one.took.includes(text) && !two.took.includes(text)), 20_000).toEqual([])
    await until(committed, 5_000).toEqual(await log.ends(topic))
    const twice = all.filter((text) => one.took.includes(text) && two.took.includes(text)).length
    process.stdout.write(
      `kafka, one of two killed: ${JSON.stringify({ entries: all.length, missed: 0, 'taken by both': twice, handedOverMs: Math.round(handedOverMs) })}\n`,
    )
  })

  it('shows how far the group is behind', { timeout: 60_000 }, async () => {
    await begin()
    await append(40)
    let open = false
    const following = await log.follow([topic], 'views', async (_, partition) => {
      if (!open) return 4
      return (await log.ends(topic))[partition]!
    })
    const lag = async (): Promise<string | undefined> =>
      (await log.inspect()).facts.find(({ name }) => name === `lag of ${prefix}.views`)?.value
    await until(lag, 20_000).toBe('24 entries, in 4 partitions of this process')
    await until(committed, 5_000).toEqual([4, 4, 4, 4])
    open = true
    await until(lag, 20_000).toBe('0 entries, in 4 partitions of this process')
    await following.close()
    expect(await committed()).toEqual([10, 10, 10, 10])
  })
})
