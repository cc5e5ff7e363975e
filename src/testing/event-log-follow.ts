/** The laws of `follow`, as cases: see event-log.ts. */
import type { EventLog, Following } from '../ports/event-log.ts'
import type { ContractCase } from './contract.ts'
import { check, equal } from './contract.ts'
import type { EventLogSetup } from './event-log-setup.ts'

const longestMs = 30_000
const some = [new Uint8Array([1])]

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const began = performance.now(); !(await holds()); await pause(20))
    check(performance.now() - began < longestMs, `within ${longestMs} ms it did not come to be that ${what}`)
}
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** Reads what it is called for, as those do that derive state from a log. */
interface Taker {
  readonly taken: Map<string, number>
  readonly calls: Map<string, number>
  take(topic: string, partition: number): Promise<number>
}
function taker(log: EventLog): Taker {
  const taken = new Map<string, number>()
  const calls = new Map<string, number>()
  return {
    taken,
    calls,
    take: async (topic, partition) => {
      const key = `${topic}/${partition}`
      calls.set(key, (calls.get(key) ?? 0) + 1)
      let from = taken.get(key) ?? 0
      for (;;) {
        const entries = await log.read(topic, partition, from, 64)
        if (entries.length === 0) return from
        from = entries.at(-1)!.position + 1
        taken.set(key, from)
      }
    },
  }
}
const keys = ({ assigned }: Following): string[] => assigned.map(({ topic, partition }) => `${topic}/${partition}`)

export function followCases(setup: EventLogSetup): readonly ContractCase[] {
  const named = (name: string, body: (log: EventLog, closing: (() => Promise<void>)[]) => Promise<void>) => ({
    name,
    run: async () => {
      const closing: (() => Promise<void>)[] = []
      try {
        const log = await setup.open()
        closing.push(() => log.close())
        await body(log, closing)
      } finally {
        for (const close of closing.reverse()) await close()
      }
    },
  })
  const everyKey = async (log: EventLog, topic: string): Promise<string[]> =>
    Array.from({ length: await log.partitions(topic) }, (_, partition) => `${topic}/${partition}`)

  const cases = [
    named('calls take for what was there, and for what comes', async (log, closing) => {
      await log.append('a', some).durable
      const { take, taken, calls } = taker(log)
      const following = await log.follow(['a', 'b'], 'group', take)
      closing.push(() => following.close())
      const all = [...(await everyKey(log, 'a')), ...(await everyKey(log, 'b'))]
      await until('take was called once for every partition', () => all.every((key) => calls.has(key)))
      equal(keys(following).sort(), all.sort(), 'what is assigned to the only follower')
      for (let round = 0; round < 5; round += 1)
        for (const topic of ['a', 'b']) {
          const { partition, position, durable } = log.append(topic, some)
          await durable
          await until(
            `entry ${position} of ${topic} was taken`,
            async () => (taken.get(`${topic}/${partition}`) ?? 0) === (await log.ends(topic))[partition],
          )
        }
    }),

    named('calls take for one partition at a time, and again where it rejected', async (log, closing) => {
      const { take, taken } = taker(log)
      let failures = 3
      let running = 0
      const following = await log.follow(['c'], 'group', async (topic, partition) => {
        running += 1
        try {
          check(running === 1, 'take was called while it was running')
          await pause(30)
          if (failures > 0) {
            failures -= 1
            throw new Error('not now')
          }
          return await take(topic, partition)
        } finally {
          running -= 1
        }
      })
      closing.push(() => following.close())
      const { partition, durable } = log.append('c', some)
      await durable
      await until('the entry was taken after three failures', () => failures === 0 && taken.has(`c/${partition}`))
    }),

    named('ends when it is closed: no call runs, none follows', async (log) => {
      let running = 0
      let calls = 0
      const following = await log.follow(['d'], 'group', async () => {
        calls += 1
        running += 1
        await pause(50)
        running -= 1
        return 0
      })
      await until('take was called', () => calls > 0)
      await following.close()
      equal(running, 0, 'calls that run after close')
      const before = calls
      await log.append('d', some).durable
      await pause(700)
      equal(calls, before, 'calls after close')
    }),

    named('lets each group take everything', async (log, closing) => {
      const { durable, partition } = log.append('e', some)
      await durable
      for (const group of ['one', 'two']) {
        const { take, taken } = taker(log)
        const following = await log.follow(['e'], group, take)
        closing.push(() => following.close())
        await until(`group ${group} took the entry`, () => taken.has(`e/${partition}`))
      }
    }),
  ]
  if (!setup.shared) return cases
  return [
    ...cases,
    named(
      'shares the partitions among those who follow, and hands over those of one that closes',
      async (log, closing) => {
        const other = await setup.again(log)
        closing.push(() => other.close())
        const all = await everyKey(log, 'f')
        for (const key of all) await log.append('f', some, { partition: Number(key.split('/')[1]) }).durable
        const [one, two] = [taker(log), taker(other)]
        const first = await log.follow(['f'], 'group', one.take)
        closing.push(() => first.close())
        await until('the first follower took all', () => all.every((key) => one.taken.has(key)))
        const second = await other.follow(['f'], 'group', two.take)
        const shared = (): boolean => {
          const [ours, theirs] = [keys(first), keys(second)]
          return (
            ours.every((key) => !theirs.includes(key)) &&
            all.every((key) => ours.includes(key) || theirs.includes(key)) &&
            (all.length === 1 || (ours.length > 0 && theirs.length > 0))
          )
        }
        await until('every partition belonged to one of the two', shared)
        await until('the second took its own', () => keys(second).every((key) => two.taken.has(key)))
        await second.close()
        await until('the first had all again', () => keys(first).length === all.length)
        for (const key of all) await log.append('f', some, { partition: Number(key.split('/')[1]) }).durable
        const ends = await log.ends('f')
        await until('the first took what came since', () =>
          all.every((key) => one.taken.get(key) === ends[Number(key.split('/')[1])]),
        )
      },
    ),
  ]
}
