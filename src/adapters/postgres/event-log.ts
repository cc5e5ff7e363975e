/**
 * The event log in PostgreSQL, for servers that share one and have no Kafka. A topic has one partition; its positions have no gaps.
 *
 * An append that has resolved is committed, and as durable as the database: by default on its disk. A batch whose answer was lost is
 * sent again and found to be there. What is rejected may still have been written, also after what was appended later.
 */
import { randomBytes } from 'node:crypto'
import { SixfoldError } from '../../kernel/errors.ts'
import { atMost } from '../../kernel/persist.ts'
import { formatBytes } from '../../kernel/size.ts'
import type { Entry, EventLog } from '../../ports/event-log.ts'
import type { PostgresOptions } from './connection.ts'
import { openPostgres } from './connection.ts'
import { prepare } from './dialect.ts'
import { isDuplicate } from './errors.ts'
import { inspectPostgres } from './inspect.ts'
import { pack, unpack } from './log-block.ts'
import type { Follower } from './log-follow.ts'
import { follow } from './log-follow.ts'
import type { LogTables } from './log-tables.ts'
import { batchesFrom, batchOf, endsOf, insertBatch, logMigrations } from './log-tables.ts'
import { LogWriter } from './log-writer.ts'

export interface PostgresLogOptions extends PostgresOptions {
  /** How many bytes of a topic may wait to be written. */
  readonly bufferBytes: number
}

const connections = 4
/** How long `close` waits for what was appended. */
const closeMs = 4_000

export async function postgresEventLog(options: PostgresLogOptions): Promise<EventLog> {
  const postgres = openPostgres<LogTables>(options, connections)
  try {
    await prepare(postgres, logMigrations)
    const { id } = await postgres.run((db) => db.selectFrom('log_identity').select('id').executeTakeFirstOrThrow())
    return logOver(postgres, options, id)
  } catch (error) {
    await postgres.close()
    throw error
  }
}

function logOver(
  postgres: ReturnType<typeof openPostgres<LogTables>>,
  { bufferBytes, patienceMs }: PostgresLogOptions,
  identity: string,
): EventLog {
  const { run, schema } = postgres
  /** Names this process among all that ever wrote. */
  const writer = randomBytes(8).readBigUInt64LE().toString(36)
  const writers = new Map<string, LogWriter>()
  const followers = new Set<Follower>()

  const writerOf = (topic: string): LogWriter => {
    let found = writers.get(topic)
    if (found === undefined) {
      found = new LogWriter({
        bufferBytes,
        patienceMs,
        where: `PostgreSQL at ${postgres.where}`,
        write: (seq, count, bytes, patience) =>
          run(async (db) => {
            try {
              return await insertBatch(db, schema, { topic, writer, seq, count, bytes })
            } catch (error) {
              if (!isDuplicate(error)) throw error
              const batch = await batchOf(db, topic, writer, seq)
              if (batch === null) throw error
              return batch.first
            }
          }, patience),
        written: () => {
          for (const follower of followers) follower.look(topic)
        },
      })
      writers.set(topic, found)
    }
    return found
  }
  const ends = async (topic: string): Promise<readonly number[]> => [
    (await run((db) => endsOf(db, [topic]))).get(topic) ?? 0,
  ]
  const topics = async () =>
    (await run((db) => db.selectFrom('log_topic').selectAll().orderBy('topic').execute())).map(
      ({ topic, next, bytes }) => ({ topic, ends: [next], bytes }),
    )

  async function read(topic: string, partition: number, from: number, limit: number): Promise<readonly Entry[]> {
    if (partition !== 0 || limit < 1) return []
    const entries: Entry[] = []
    for (const { first, bytes } of await run((db) => batchesFrom(db, schema, topic, from, limit))) {
      const start = Math.max(0, from - first)
      const found = unpack(bytes, start, Math.max(0, from + limit - first), topic)
      for (const [index, entry] of found.entries()) entries.push({ position: first + start + index, bytes: entry })
    }
    return entries
  }

  async function lookup(topic: string, reference: string): Promise<Entry | null> {
    const [, from, number] = /^([0-9a-z]{1,32})-([0-9a-z]{1,11})$/.exec(reference) ?? []
    if (from === undefined || number === undefined) return null
    const seq = Number.parseInt(number, 36)
    if (!Number.isSafeInteger(seq) || seq.toString(36) !== number) return null
    const batch = await run((db) => batchOf(db, topic, from, seq))
    if (batch === null) return null
    const index = seq - batch.seq
    return { position: batch.first + index, bytes: unpack(batch.bytes, index, index + 1, topic)[0]! }
  }

  return {
    identity,
    append: (topic, entries, { partition = 0, withinMs = 0 } = {}) => {
      if (!/^[a-zA-Z][a-zA-Z0-9_.-]{0,200}$/.test(topic) || partition !== 0 || entries.length === 0)
        throw new SixfoldError('SX_INTERNAL', `${entries.length} entries for partition ${partition} of '${topic}'.`)
      const { seq, durable, place } = writerOf(topic).append(entries.length, pack(entries), withinMs)
      return {
        partition: 0,
        reference: `${writer}-${seq.toString(36)}`,
        durable,
        get position() {
          return place.position
        },
      }
    },
    read,
    lookup,
    partitions: async () => 1,
    external: () => null,
    ends,
    settled: async (topic) => writers.get(topic)?.settled(),
    topics,
    follow: async (followed, group, take) => {
      const follower = follow(postgres, followed, group, take)
      followers.add(follower)
      return {
        get assigned() {
          return follower.assigned
        },
        close: () => {
          followers.delete(follower)
          return follower.close()
        },
      }
    },
    inspect: async () => {
      const all = await run((db) => db.selectFrom('log_topic').selectAll().execute(), 0).catch(() => [])
      return inspectPostgres(postgres, logMigrations.table, [
        { name: 'topics', value: String(all.length) },
        { name: 'size', value: formatBytes(all.reduce((sum, { bytes }) => sum + bytes, 0)) },
      ])
    },
    close: async () => {
      const settled = Promise.all([
        ...[...followers].map((follower) => follower.close()),
        ...[...writers.values()].map((one) => one.settled()),
      ])
      await atMost(closeMs, settled)
      for (const one of writers.values()) one.close()
      await postgres.close()
    },
  }
}
