/**
 * Following topics as one of a group. A topic that another process has had is taken up one renewal later than it was given, when the
 * other has seen that too; where this process cannot renew its own row, it holds nothing from the time at which the row runs out.
 */
import { randomBytes } from 'node:crypto'
import type { Following, Take } from '../../ports/event-log.ts'
import type { Postgres } from './connection.ts'
import { leaseMs, leave, renew, shareOf } from './log-share.ts'
import type { LogTables } from './log-tables.ts'
import { endsOf } from './log-tables.ts'

const renewMs = 1_000
const lookMs = 250

export interface Follower extends Following {
  /** Something was appended by this process: look at once. */
  look(topic: string): void
}

export function follow(postgres: Postgres<LogTables>, topics: readonly string[], group: string, take: Take): Follower {
  const self = { member: randomBytes(9).toString('base64url'), topics: [...new Set(topics)] }
  const taken = new Map<string, number>()
  let given: ReadonlySet<string> = new Set()
  let held: readonly string[] = []
  let renewed = Number.NEGATIVE_INFINITY
  let closed = false

  const assigned = (): readonly string[] => (closed || performance.now() - renewed > leaseMs ? [] : held)

  const renewal = async (): Promise<void> => {
    const began = performance.now()
    const members = await postgres.run((db) => renew(db, postgres.schema, group, self), 0)
    const mine = shareOf(self.member, members)
    held = members.length === 1 ? mine : mine.filter((topic) => given.has(topic))
    given = new Set(mine)
    // Whoever is given a topic takes it once, also where it had the topic before: another may have had it between.
    for (const topic of taken.keys()) if (!given.has(topic)) taken.delete(topic)
    renewed = began
    looks.soon()
  }

  const look = async (): Promise<void> => {
    const mine = assigned()
    if (mine.length === 0) return
    const ends = await postgres.run((db) => endsOf(db, mine), 0)
    for (const topic of mine) {
      if (!assigned().includes(topic)) continue
      const before = taken.get(topic)
      const end = ends.get(topic) ?? 0
      if (before !== undefined && before >= end) continue
      const after = await take(topic, 0).catch(() => null)
      // Where it rejected it is called again the next time; whoever takes knows why.
      if (after === null) taken.delete(topic)
      else taken.set(topic, after)
      if (after !== null && after > (before ?? -1) && after < end) looks.soon()
    }
  }

  const looks = repeat(lookMs, look)
  const renewals = repeat(renewMs, renewal)

  return {
    get assigned() {
      return assigned().map((topic) => ({ topic, partition: 0 }))
    },
    look: (topic) => {
      if (held.includes(topic)) looks.soon()
    },
    close: async () => {
      if (closed) return
      closed = true
      await Promise.all([looks.end(), renewals.end()])
      await postgres.run((db) => leave(db, group, self.member), 0).catch(() => {})
    },
  }
}

/** Does its work again and again, one time after another, with a pause between; what fails is done again after it. */
function repeat(ms: number, work: () => Promise<void>): { soon(): void; end(): Promise<void> } {
  let ended = false
  let asked = false
  let wake = (): void => {}
  const running = (async () => {
    // The others that it looks at are made in the same turn.
    await Promise.resolve()
    while (!ended) {
      asked = false
      await work().catch(() => {})
      if (ended || asked) continue
      await new Promise<void>((done) => {
        const timer = setTimeout(done, ms)
        wake = () => {
          clearTimeout(timer)
          done()
        }
      })
    }
  })()
  const soon = (): void => {
    asked = true
    wake()
  }
  return {
    soon,
    end: () => {
      ended = true
      soon()
      return running
    },
  }
}
