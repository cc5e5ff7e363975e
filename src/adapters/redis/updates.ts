/**
 * Atomic updates by comparing and setting: the values are read, `change` makes new ones of them, and a script writes these if
 * every key that was read still has the value that was read; else it answers with what the keys have now. So a race that was
 * lost costs one more round trip.
 *
 * Each update has a number, which the script keeps until the update is known to be settled. An update whose answer was lost with
 * the connection is asked for again, and is made once.
 *
 * Updates that have lost a race go one at a time within a process, so that many at once of one key do not hold each other up.
 */
import { createHash, randomInt, randomUUID } from 'node:crypto'
import { pause } from '../../kernel/persist.ts'
import type { OnlineStore } from '../../ports/online-store.ts'
import type { Connection } from './connection.ts'
import { UnknownScript, unavailable } from './errors.ts'
import type { Keys } from './keys.ts'
import { packChanges, packRead } from './packing.ts'
import { persistOver } from './persist.ts'
import { script } from './script.ts'

type Values = readonly (Buffer | null)[]
type Change = Parameters<OnlineStore['update']>[1]

const digest = createHash('sha1').update(script).digest('hex')
/** How long a process may be silent until its numbers are forgotten: much longer than an update is tried. */
const rememberMs = 600_000
const longestPauseMs = 32

export function updates(connection: Connection, keys: Keys, patienceMs: number) {
  const writer = keys.writer(randomUUID())
  const unsettled = new Set<number>()
  let latest = 0
  let losers: Promise<unknown> = Promise.resolve()

  const run = async (args: readonly (string | Buffer)[]): Promise<1 | Values> => {
    try {
      return await connection.send(['EVALSHA', digest, ...args])
    } catch (error) {
      if (!(error instanceof UnknownScript)) throw error
      return connection.send(['EVAL', script, ...args])
    }
  }

  const update = async (wanted: readonly Uint8Array[], change: Change): Promise<void> => {
    const until = performance.now() + patienceMs
    const names = wanted.map((key) => keys.of(key))
    const number = ++latest
    unsettled.add(number)

    /** What the keys have now if they no longer had these values; null when it is done. */
    const attempt = async (values: Values): Promise<Values | null> => {
      const expected = packRead(values)
      const changes = packChanges(names.length, change(values))
      if (changes === null) return null
      const [oldest] = unsettled
      const answer = await run([
        ...[String(names.length + 1), writer, ...names],
        ...[String(number), String(oldest), String(rememberMs), expected, changes],
      ])
      return answer === 1 ? null : answer
    }
    const read = (): Promise<Values> =>
      names.length === 0 ? Promise.resolve([]) : connection.send<Values>(['MGET', ...names])

    try {
      const lost = await persistOver(connection, until, async () => (await attempt(await read())) !== null)
      if (!lost) return
      const won = losers.then(() => persistOver(connection, until, () => race(attempt, read, until)))
      losers = won.catch(() => {})
      if (!(await won))
        throw unavailable(connection.where, 'was changed by others again and again: an update found no gap')
    } finally {
      unsettled.delete(number)
    }
  }

  return update
}

/** Against other processes: whether it was done in time. */
async function race(
  attempt: (values: Values) => Promise<Values | null>,
  read: () => Promise<Values>,
  until: number,
): Promise<boolean> {
  let values: Values | null = await read()
  for (let longest = 1; ; longest = Math.min(longest * 2, longestPauseMs)) {
    values = await attempt(values)
    if (values === null) return true
    if (performance.now() > until) return false
    // Not all at the same instant, and with values that are fresh then.
    if (longest > 2) {
      await pause(randomInt(longest))
      values = await read()
    }
  }
}
