/**
 * Following topics as one of a group. Which partitions are this process's, the group says; that more was appended to them, a fetch
 * that waits for it. What `take` gave is committed, so that Kafka's tools show how far the group is; where to go on from, whoever
 * takes knows itself.
 *
 * While the members join again, each goes on with what it had. So a partition may be taken twice for a moment, as the port says.
 */
import { ListOffsetTimestamps } from '@platformatic/kafka'
import type { Following, Take } from '../../ports/event-log.ts'
import type { Share } from './assignment.ts'
import type { Cluster } from './cluster.ts'
import { codes } from './errors.ts'
import { Group } from './group.ts'
import type { PartitionReader } from './reader.ts'
import { fetchOf } from './reader.ts'
import { fetchApi } from './records.ts'
import type { Topics } from './topics.ts'

export interface FollowedGroup extends Following {
  /** As Kafka names it. */
  readonly group: string
  /** How many entries of `assigned` are known to be there and were not taken. */
  readonly lag: number
  /** Why this process is no member of the group at present, if it is not. */
  readonly failure: unknown
}

interface Assigned {
  readonly topic: string
  readonly share: Share
  taken: number
  /** The end of the partition, as last heard. */
  end: number
  due: boolean
  running: Promise<void> | null
  timer: NodeJS.Timeout | null
}

const waitMs = 500
const againMs = 250

export async function followGroup(
  { cluster, topics, reader }: { readonly cluster: Cluster; readonly topics: Topics; readonly reader: PartitionReader },
  names: readonly string[],
  group: string,
  take: Take,
): Promise<FollowedGroup> {
  for (const topic of names) await cluster.persist(`topic '${topic}' could not be created`, () => topics.ensure(topic))
  const topicOf = new Map(names.map((topic) => [topics.nameOf(topic), topic]))
  const assigned = new Map<string, Assigned>()
  const polling = new Map<number, Promise<void>>()
  let closing = false
  const ended = (): boolean => closing || cluster.closed

  const begin = (own: Assigned): void => {
    own.due = true
    if (own.running !== null || own.timer !== null || ended()) return
    own.running = taking(own).finally(() => {
      own.running = null
      if (own.due && isOurs(own)) begin(own)
    })
  }
  const later = (own: Assigned): void => {
    own.timer ??= setTimeout(() => {
      own.timer = null
      if (isOurs(own)) begin(own)
    }, againMs)
  }
  const isOurs = ({ share }: Assigned): boolean => assigned.has(keyOf(share))

  const taking = async (own: Assigned): Promise<void> => {
    own.due = false
    const before = own.taken
    try {
      own.taken = await take(own.topic, own.share.partition)
    } catch {
      // It is taken again soon; whoever takes knows why it failed.
      later(own)
      return
    }
    if (!isOurs(own)) return
    if (own.taken !== before) membership.commit(own.share, own.taken)
    own.end = Math.max(own.end, own.taken)
    if (own.taken < own.end) {
      // There is more than it took; where it got nowhere, it is given a while.
      if (own.taken > before) own.due = true
      else later(own)
    }
    watch()
  }

  /** One fetch at a time waits at each broker, for all the partitions that it leads. */
  const watch = (): void => {
    void byLeader().then(watchAt)
  }
  const watchAt = (leaders: ReadonlyMap<number, readonly Assigned[]>): void => {
    for (const leader of leaders.keys())
      if (!polling.has(leader) && !ended())
        polling.set(
          leader,
          poll(leader).finally(() => {
            polling.delete(leader)
            watch()
          }),
        )
  }
  const byLeader = async (): Promise<Map<number, Assigned[]>> => {
    const leaders = new Map<number, Assigned[]>()
    for (const own of assigned.values()) {
      if (own.end < 0) continue
      const leader = await cluster.leaderOf(own.share.topic, own.share.partition).catch(() => -1)
      leaders.set(leader, [...(leaders.get(leader) ?? []), own])
    }
    return leaders
  }
  const poll = async (leader: number): Promise<void> => {
    while (!ended()) {
      // Partitions move from one broker to another; those that none leads are asked of none, until one does.
      const leaders = await byLeader()
      watchAt(leaders)
      const watched = leaders.get(leader)
      if (watched === undefined) return
      try {
        await pollOnce(leader, watched)
      } catch {
        cluster.stale()
        await cluster.pause(againMs)
      }
    }
  }
  const pollOnce = async (leader: number, watched: readonly Assigned[]): Promise<void> => {
    const wanted = watched.map(({ share, end }) => ({ name: share.topic, partition: share.partition, at: end }))
    const answer = await cluster.ask(leader, lane, fetchApi, fetchOf(wanted, waitMs, 1), waitMs + cluster.attemptMs)
    for (const { topic, partition, errorCode, end } of answer) {
      const own = assigned.get(keyOf({ topic, partition }))
      if (own === undefined) continue
      let heard = end
      if (errorCode === codes.offsetOutOfRange)
        heard = (await reader.offsets(own.topic, ListOffsetTimestamps.LATEST, [partition]))[0]!
      else if (errorCode !== 0) throw new Error(`a fetch was refused (Kafka error ${errorCode})`)
      if (heard === own.end) continue
      own.end = heard
      if (own.taken < heard) begin(own)
    }
  }

  const membership = new Group({
    cluster,
    group,
    topics: [...topicOf.keys()],
    countsOf: async (wanted) => {
      const counts = new Map<string, number>()
      for (const name of wanted) {
        const place = await cluster.placeOf(name)
        if (place !== null) counts.set(name, place.leaders.length)
      }
      return counts
    },
    assigned: (shares) => {
      const now = new Set(shares.map(keyOf))
      for (const [key, own] of assigned)
        if (!now.has(key)) {
          assigned.delete(key)
          if (own.timer !== null) clearTimeout(own.timer)
        }
      for (const share of shares) {
        const topic = topicOf.get(share.topic)
        if (topic === undefined || assigned.has(keyOf(share))) continue
        const own: Assigned = { topic, share, taken: -1, end: -1, due: false, running: null, timer: null }
        assigned.set(keyOf(share), own)
        begin(own)
      }
    },
  })
  lanes += 1
  const lane = `poll-${lanes}`
  await membership.begin()

  return {
    group,
    get assigned() {
      return [...assigned.values()].map(({ topic, share: { partition } }) => ({ topic, partition }))
    },
    get lag() {
      return [...assigned.values()].reduce((sum, { taken, end }) => sum + Math.max(0, end - Math.max(0, taken)), 0)
    },
    get failure() {
      return membership.failure
    },
    close: async () => {
      closing = true
      cluster.leave(lane)
      const ours = [...assigned.values()]
      for (const { timer } of ours) if (timer !== null) clearTimeout(timer)
      await Promise.all(ours.map(({ running }) => running))
      await membership.close()
      assigned.clear()
      await Promise.all(polling.values())
    },
  }
}

const keyOf = ({ topic, partition }: Share): string => `${topic}/${partition}`
let lanes = 0
