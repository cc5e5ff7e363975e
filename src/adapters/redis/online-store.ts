/**
 * The online store in Redis, shared by any number of processes. Reads of one turn of the event loop are one round trip; an update
 * is two, and two more for a race that it lost.
 *
 * A resolved update is in the memory of Redis. Whether it survives the end of Redis, or of its machine, is for its persistence to
 * say (`appendonly yes` writes to disk each second); what is lost then are the last updates, whole. After that, or after a
 * failover to a replica that lagged behind, state starts again from the positions that went back with it.
 *
 * One server, or a primary with replicas: an update spans keys, which a cluster does not allow.
 */
import { atMost } from '../../kernel/persist.ts'
import type { Held, OnlineStore } from '../../ports/online-store.ts'
import { openConnection } from './connection.ts'
import { inspectRedis } from './inspect.ts'
import { keysUnder } from './keys.ts'
import { persistOver } from './persist.ts'
import { batchedReads } from './reads.ts'
import { updates } from './updates.ts'

export interface RedisOptions {
  /** redis:// or rediss://, without credentials. */
  readonly url: string
  readonly username: string | null
  readonly password: string | null
  /** Begins every key, so that several platforms can share a server. */
  readonly prefix: string
  /** How long a read may take. */
  readonly readMs: number
  /** How long everything else tries to reach the server. */
  readonly patienceMs: number
}

/** How long closing waits for updates that are under way. */
const closeMs = 1_000
const scanned = '1000'
/** KEYS: one that must have the value that is given, then those to be deleted; no more of them than Lua can hand on. */
const unlinkWhile = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local gone = 0
for from = 2, #KEYS, 1000 do gone = gone + redis.call('UNLINK', unpack(KEYS, from, math.min(from + 999, #KEYS))) end
return gone
`
const bytesOf = ({ value }: Held): Buffer => Buffer.from(value)

export async function redisOnlineStore(options: RedisOptions): Promise<OnlineStore> {
  const { prefix, readMs, patienceMs } = options
  const connection = openConnection(options)
  const keys = keysUnder(prefix)
  const reads = batchedReads(connection, keys, readMs)
  const update = updates(connection, keys, patienceMs)
  const underWay = new Set<Promise<unknown>>()
  const until = (): number => performance.now() + patienceMs
  const ask = <T>(...args: readonly (string | Buffer)[]): Promise<T> =>
    persistOver(connection, until(), () => connection.send<T>(args))

  try {
    await connection.up(until())
  } catch (error) {
    connection.close()
    throw error
  }

  return {
    read: reads.read,
    update: (wanted, change) => {
      const done = update(wanted, change)
      const settled: Promise<void> = done
        .catch(() => {})
        .then(() => {
          underWay.delete(settled)
        })
      underWay.add(settled)
      return done
    },
    clear: async (start, held) => {
      let [cursor, removed] = ['0', 0]
      do {
        const [next, found] = await ask<[Buffer, readonly Buffer[]]>(
          ...['SCAN', cursor, 'MATCH', keys.startingWith(start), 'COUNT', scanned],
        )
        // A key that was found twice counts once.
        if (found.length > 0) {
          const gone = await (held === undefined
            ? ask<number>('UNLINK', ...found)
            : ask<number>('EVAL', unlinkWhile, String(found.length + 1), keys.of(held.key), ...found, bytesOf(held)))
          if (gone < 0) return removed
          removed += gone
        }
        cursor = next.toString()
      } while (cursor !== '0')
      return removed
    },
    size: async () => {
      const entries = await ask<number>('DBSIZE')
      const memory = (await ask<Buffer>('INFO', 'memory')).toString()
      return { entries, bytes: Number(/^used_memory:(\d+)/m.exec(memory)?.[1] ?? 0) }
    },
    inspect: () => inspectRedis(connection, keys),
    close: async () => {
      await atMost(closeMs, Promise.all(underWay))
      connection.close()
      reads.close()
    },
  }
}
