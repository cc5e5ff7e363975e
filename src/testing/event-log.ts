/**
 * The laws of the event log, as cases for any adapter. Each case opens logs of its own and closes them.
 *
 * What a store does when it is away, or ends in the middle of a write, is not here: that takes the store's own process, and each
 * adapter tests it beside this.
 */
import { isSixfoldError } from '../kernel/errors.ts'
import type { Appended, EventLog } from '../ports/event-log.ts'
import type { ContractCase } from './contract.ts'
import { check, equal } from './contract.ts'
import { followCases } from './event-log-follow.ts'
import type { EventLogSetup } from './event-log-setup.ts'

export type { EventLogSetup }

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const numbered = (prefix: string, count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => bytesOf(`${prefix}${index}`))

/** All of a partition, in steps, as a reader that knows nothing of it would. */
async function whole(log: EventLog, topic: string, partition: number): Promise<{ position: number; text: string }[]> {
  const all: { position: number; text: string }[] = []
  for (let from = 0; ; from = all.at(-1)!.position + 1) {
    const some = await log.read(topic, partition, from, 64)
    if (some.length === 0) return all
    check(some.length <= 64, `read gave ${some.length} entries where 64 were the limit`)
    for (const { position, bytes } of some) all.push({ position, text: textOf(bytes) })
  }
}
const texts = async (log: EventLog, topic: string, partition: number): Promise<string[]> =>
  (await whole(log, topic, partition)).map(({ text }) => text)

export function eventLogCases(setup: EventLogSetup): readonly ContractCase[] {
  const named = (
    name: string,
    body: (log: EventLog) => Promise<void>,
    options?: { readonly bufferBytes: number },
  ): ContractCase => ({
    name,
    run: async () => {
      const log = await setup.open(options)
      try {
        await body(log)
      } finally {
        await log.close()
      }
    },
  })

  return [
    named('keeps the order of what was appended, at growing positions', async (log) => {
      const { partition } = log.append('orders', numbered('first-', 3))
      const appended = [log.append('orders', numbered('second-', 2)), log.append('orders', numbered('third-', 1))]
      for (const { partition: chosen } of appended) equal(chosen, partition, 'the log left the partition it had chosen')
      await Promise.all(appended.map(({ durable }) => durable))
      const all = await whole(log, 'orders', partition)
      equal(
        all.map(({ text }) => text),
        ['first-0', 'first-1', 'first-2', 'second-0', 'second-1', 'third-0'],
        'the entries',
      )
      for (let index = 1; index < all.length; index += 1)
        check(all[index]!.position > all[index - 1]!.position, 'positions do not grow')
    }),

    named('keeps the entries of one append together, whoever appends beside', async (log) => {
      const other = setup.shared ? await setup.again(log) : log
      try {
        const durable: Promise<void>[] = []
        for (let round = 0; round < 40; round += 1)
          for (const [name, writer] of [['a', log] as const, ['b', other] as const]) {
            durable.push(writer.append('together', numbered(`${name}${round}-`, 5), { partition: 0 }).durable)
            if (round % 8 === 0) await Promise.all(durable)
          }
        await Promise.all(durable)
        const entries = await texts(log, 'together', 0)
        equal(entries.length, 400, 'how many entries there are')
        for (let start = 0; start < entries.length; start += 5) {
          const append = entries[start]!.split('-')[0]
          equal(
            entries.slice(start, start + 5),
            [0, 1, 2, 3, 4].map((index) => `${append}-${index}`),
            'entries of one append',
          )
        }
        for (const name of ['a', 'b'])
          equal(
            entries.filter((entry) => entry.startsWith(name) && entry.endsWith('-0')),
            Array.from({ length: 40 }, (_, round) => `${name}${round}-0`),
            `the order of writer ${name}`,
          )
      } finally {
        if (other !== log) await other.close()
      }
    }),

    named('gives out what is durable, also to another log over the same data', async (log) => {
      const { durable, partition, reference } = log.append('kept', numbered('entry-', 10))
      await durable
      if (!setup.shared) await log.close()
      const other = await setup.again(log)
      try {
        equal(other.identity, log.identity, 'the identity of the same data')
        equal(await texts(other, 'kept', partition), expectedTexts('entry-', 10), 'what the other log reads')
        equal(textOf((await other.lookup('kept', reference))!.bytes), 'entry-0', 'what the other log looks up')
        await other.append('kept', numbered('more-', 1), { partition }).durable
        equal((await texts(other, 'kept', partition)).at(-1), 'more-0', 'the last entry')
      } finally {
        await other.close()
      }
    }),

    named('reads from a position on, no more than the limit, and nothing at the end', async (log) => {
      const { durable, partition } = log.append('limits', numbered('', 100))
      await durable
      const all = await whole(log, 'limits', partition)
      equal(all.length, 100, 'how many entries there are')
      for (const [from, limit] of [
        [0, 1],
        [0, 100],
        [7, 10],
        [50, 1_000],
        [99, 1],
      ] as const)
        equal(
          (await log.read('limits', partition, all[from]!.position, limit)).map(({ bytes }) => textOf(bytes)),
          all.slice(from, from + limit).map(({ text }) => text),
          `read of ${limit} from entry ${from}`,
        )
      const [end] = [(await log.ends('limits'))[partition]!]
      check(end > all[99]!.position, 'the end does not lie after the last entry')
      equal(await log.read('limits', partition, end, 10), [], 'read at the end')
      equal(await log.read('limits', partition, end + 1_000, 10), [], 'read after the end')
      await log.append('limits', numbered('next-', 1), { partition }).durable
      const [next] = await log.read('limits', partition, end, 10)
      equal(next === undefined ? null : textOf(next.bytes), 'next-0', 'read at what was the end')
    }),

    named('finds the first entry of each append by its reference', async (log) => {
      const appended: { text: string; at: Appended }[] = []
      for (let index = 0; index < 200; index += 1) {
        const text = `entry-${index}`
        appended.push({ text, at: log.append('found', [bytesOf(text), bytesOf('beside')]) })
        if (index % 20 === 0) await appended.at(-1)!.at.durable
      }
      await log.settled('found')
      for (const { text, at } of appended) {
        check(/^[A-Za-z0-9-]{1,48}$/.test(at.reference), `'${at.reference}' is not the form of a reference`)
        const entry = await log.lookup('found', at.reference)
        equal(entry === null ? null : textOf(entry.bytes), text, `lookup of ${at.reference}`)
        equal(entry!.position, at.position, 'where it was found')
      }
      equal(new Set(appended.map(({ at }) => at.reference)).size, 200, 'how many references differ')
    }),

    named('finds nothing by a reference that it never gave', async (log) => {
      const { reference, durable } = log.append('known', numbered('', 1))
      await durable
      for (const unknown of ['', '-', 'zzzzzz', '0', '0-0-0', `${reference}0`, '0'.repeat(48), '../../etc/passwd', 'ü'])
        if (unknown !== reference) equal(await log.lookup('known', unknown), null, `lookup of '${unknown}'`)
      equal(await log.lookup('never-appended-to', reference), null, 'lookup in a topic that does not exist')
      await log.append('other', numbered('other-', 1)).durable
      const other = await log.lookup('other', reference)
      check(other === null || textOf(other.bytes) === 'other-0', 'lookup found what is not in the topic')
    }),

    named('looks up and reads what waits to be written not at all, or rightly', async (log) => {
      const first = log.append('waiting', numbered('before-', 1), { withinMs: 60_000 })
      const { reference, partition, durable } = log.append('waiting', numbered('after-', 1), { withinMs: 60_000 })
      // It may be written early.
      const early = await log.lookup('waiting', reference)
      check(early === null || textOf(early.bytes) === 'after-0', 'lookup found another entry')
      const read = await texts(log, 'waiting', partition)
      equal(read, ['before-0', 'after-0'].slice(0, read.length), 'what is read while it waits')
      await log.settled('waiting')
      await Promise.all([first.durable, durable])
      equal(textOf((await log.lookup('waiting', reference))!.bytes), 'after-0', 'lookup once it is durable')
    }),

    named('knows positions once they are durable', async (log) => {
      const appended = [0, 1, 2].map((index) => log.append('positions', numbered(`${index}-`, 3)))
      await Promise.all(appended.map(({ durable }) => durable))
      for (const [index, { partition, position }] of appended.entries()) {
        check(Number.isSafeInteger(position) && position >= 0, `the position is ${position}`)
        const [entry] = await log.read('positions', partition, position, 1)
        equal(entry === undefined ? null : textOf(entry.bytes), `${index}-0`, `the entry at position ${position}`)
      }
    }),

    named('writes what may wait within its time, and at once when it is to settle', async (log) => {
      const began = performance.now()
      await log.append('soon', numbered('', 1), { withinMs: 20 }).durable
      await Promise.all(
        [log.append('soon', numbered('', 1), { withinMs: 60_000 }), log.append('soon', numbered('', 1))].map(
          ({ durable }) => durable,
        ),
      )
      log.append('soon', numbered('', 1), { withinMs: 60_000 })
      await log.settled('soon')
      equal((await log.ends('soon')).reduce((sum, end) => sum + end, 0) >= 4, true, 'all four are durable')
      check(performance.now() - began < 30_000, 'it waited for the whole of withinMs')
      await log.settled('never-appended-to')
    }),

    named('keeps empty, large and binary entries as they were', async (log) => {
      const binary = Uint8Array.from({ length: 1024 }, (_, index) => (index * 167) & 255)
      const large = new Uint8Array(1024 * 1024)
      for (let index = 0; index < large.length; index += 1) large[index] = (Math.imul(index, 2654435761) >>> 13) & 255
      const entries = [new Uint8Array(0), binary, large, bytesOf('Grüße, 世界'), new Uint8Array([0]), new Uint8Array(0)]
      const { durable, partition, reference } = log.append('shapes', entries)
      await durable
      const read = await log.read('shapes', partition, 0, 10)
      equal(read.length, entries.length, 'how many entries there are')
      for (const [index, { bytes }] of read.entries())
        check(Buffer.compare(bytes, entries[index]!) === 0, `entry ${index} differs from what was appended`)
      equal((await log.lookup('shapes', reference))!.bytes.length, 0, 'the length of the first')
    }),

    named('leaves the bytes to the caller once append has returned', async (log) => {
      const bytes = bytesOf('as it was')
      const { durable, partition } = log.append('copied', [bytes])
      bytes.fill(0)
      await durable
      equal(await texts(log, 'copied', partition), ['as it was'], 'the entry')
    }),

    named('takes ten thousand entries, in one append and in as many', async (log) => {
      const { durable, partition } = log.append('many', numbered('one-', 10_000))
      await durable
      const each: Promise<void>[] = []
      for (let index = 0; index < 10_000; index += 1)
        each.push(log.append('many', [bytesOf(`each-${index}`)], { partition }).durable)
      await Promise.all(each)
      equal(
        await texts(log, 'many', partition),
        [...expectedTexts('one-', 10_000), ...expectedTexts('each-', 10_000)],
        'the entries',
      )
    }),

    named('says which topics there are and where they end', async (log) => {
      equal(await log.topics(), [], 'the topics of an empty log')
      const names = ['plain', 'with.dots', 'with-dashes_and_lines', `long${'g'.repeat(120)}`]
      for (const [index, name] of names.entries()) await log.append(name, numbered('', index + 1)).durable
      const topics = await log.topics()
      equal(topics.map(({ topic }) => topic).sort(), [...names].sort(), 'the names')
      for (const { topic, ends, bytes } of topics) {
        equal(ends, await log.ends(topic), `the ends of ${topic}`)
        equal(ends.length, await log.partitions(topic), `the number of partitions of ${topic}`)
        check(Math.max(...ends) >= names.indexOf(topic) + 1, `${topic} ends at ${ends}`)
        check(bytes === null || bytes > 0, `${topic} has ${bytes} bytes`)
      }
    }),

    named('gives the partitions of a topic from 0 on, and takes appends to each', async (log) => {
      const before = await log.partitions('parts')
      check(Number.isSafeInteger(before) && before >= 1, `a topic has ${before} partitions`)
      equal(
        await log.ends('parts'),
        Array.from({ length: before }, () => 0),
        'the ends of a topic that does not exist',
      )
      equal(await log.read('parts', 0, 0, 10), [], 'what is read of a topic that does not exist')
      for (let partition = 0; partition < before; partition += 1) {
        const appended = log.append('parts', [bytesOf(`in-${partition}`)], { partition })
        equal(appended.partition, partition, 'the partition')
        await appended.durable
        equal(await texts(log, 'parts', partition), [`in-${partition}`], `what partition ${partition} holds`)
        equal(textOf((await log.lookup('parts', appended.reference))!.bytes), `in-${partition}`, 'what is looked up')
      }
      equal(await log.partitions('parts'), before, 'the number of partitions afterwards')
    }),

    named(
      'refuses what does not fit into its buffer, and takes it again later',
      async (log) => {
        const refused: unknown[] = []
        const durable: Promise<void>[] = []
        for (let index = 0; index < 1_000; index += 1)
          try {
            durable.push(log.append('full', [new Uint8Array(1_000)], { withinMs: 50 }).durable)
          } catch (error) {
            refused.push(error)
          }
        check(refused.length > 0, 'nothing was refused although a megabyte waited where 64 kB may')
        for (const error of refused)
          check(isSixfoldError(error) && error.code === 'SX_OVERLOADED', `it was refused with ${String(error)}`)
        await Promise.all(durable)
        const last = log.append('full', [new Uint8Array(1_000)])
        await last.durable
        equal((await whole(log, 'full', last.partition)).length, durable.length + 1, 'how many entries there are')
      },
      { bufferBytes: 64 * 1024 },
    ),

    named('says of itself what an operator wants to know', async (log) => {
      await log.append('seen', numbered('', 3)).durable
      const report = await log.inspect()
      check(report.technology.length > 0 && report.where.length > 0, 'it does not say what and where it is')
      check(report.roundTripMs !== null && report.roundTripMs >= 0, 'it does not say how long an answer takes')
      equal(
        report.problems.filter(({ severity }) => severity === 'error'),
        [],
        'errors of a log that works',
      )
    }),

    ...followCases(setup),
  ]
}

const expectedTexts = (prefix: string, count: number): string[] => numbered(prefix, count).map(textOf)
