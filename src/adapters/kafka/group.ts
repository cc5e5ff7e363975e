/**
 * Membership of a consumer group, by Kafka's classic protocol: join, take one's share, and say regularly that one is still there. One
 * member divides the partitions. Who has not been heard of for `sessionMs` has lost its share; who leaves gives it up at once.
 */
import type { API } from '@platformatic/kafka'
import {
  FindCoordinatorKeyTypes,
  findCoordinatorV4,
  heartbeatV4,
  joinGroupV7,
  leaveGroupV4,
  offsetCommitV8,
  syncGroupV5,
} from '@platformatic/kafka'
import type { Share } from './assignment.ts'
import { decodeMember, decodeShares, divide, encodeMember, encodeShares } from './assignment.ts'
import type { Cluster } from './cluster.ts'
import { codes, Refused } from './errors.ts'

const sessionMs = 10_000
const rebalanceMs = 10_000
const heartbeatMs = 2_500
const protocol = 'sixfold-sticky'
/** What was taken is said together with what is taken soon after. */
const commitMs = 100
const rejoining: readonly number[] = [codes.rebalanceInProgress, codes.illegalGeneration, codes.unknownMember]

interface GroupOptions {
  readonly cluster: Cluster
  /** These, and the topics, as Kafka names them. */
  readonly group: string
  readonly topics: readonly string[]
  countsOf(topics: readonly string[]): Promise<ReadonlyMap<string, number>>
  assigned(shares: readonly Share[]): void
}

let lanes = 0

export class Group {
  readonly #cluster: Cluster
  readonly #options: GroupOptions
  readonly #lane: string
  readonly #commits = new Map<string, { readonly share: Share; readonly position: number }>()
  #running: Promise<void> | null = null
  #member = ''
  #generation = -1
  #shares: readonly Share[] = []
  #coordinator: number | null = null
  #heard = performance.now()
  #closing = false
  #wake = (): void => {}
  /** Why it is no member at present, if it is not. */
  failure: unknown = null

  constructor(options: GroupOptions) {
    this.#cluster = options.cluster
    this.#options = options
    lanes += 1
    this.#lane = `group-${lanes}`
  }

  async begin(): Promise<void> {
    await this.#cluster.persist(`group '${this.#options.group}' could not be joined`, () => this.#find())
    this.#running = this.#run()
  }

  /** The effect of everything before the position is durable. */
  commit(share: Share, position: number): void {
    this.#commits.set(`${share.topic}/${share.partition}`, { share, position })
    if (this.#commits.size === 1) this.#wake()
  }

  /** Says what was taken, and leaves. Ends soon, also where nobody answers. */
  async close(): Promise<void> {
    this.#closing = true
    this.#wake()
    // A join waits for the other members, which the end of its connection ends.
    const timer = setTimeout(() => this.#cluster.leave(this.#lane), this.#cluster.attemptMs)
    await this.#running
    clearTimeout(timer)
    this.#cluster.leave(this.#lane)
  }

  get #ended(): boolean {
    return this.#closing || this.#cluster.closed
  }

  async #run(): Promise<void> {
    while (!this.#ended)
      try {
        await this.#join()
        this.failure = null
        await this.#stay()
      } catch (error) {
        this.failure = error
        this.#coordinator = null
        this.#cluster.stale()
        if (performance.now() - this.#heard > sessionMs) this.#assign([])
        await this.#sleep(250)
      }
    await this.#leave().catch(() => {})
  }

  async #join(): Promise<void> {
    const { group, topics } = this.#options
    while (!this.#ended) {
      const about = encodeMember(topics, this.#shares)
      const joined = await this.#ask(
        joinGroupV7.api,
        [group, sessionMs, rebalanceMs, this.#member, null, 'consumer', [{ name: protocol, metadata: about }]],
        rebalanceMs + this.#cluster.attemptMs,
      )
      if (joined.errorCode === codes.memberIdRequired) {
        this.#member = joined.memberId ?? ''
        continue
      }
      if (this.#lost(joined.errorCode)) continue
      if (joined.errorCode !== 0) throw new Refused(joined.errorCode, `joining group '${group}'`)
      this.#member = joined.memberId ?? ''
      this.#generation = joined.generationId
      const shares = joined.leader === this.#member ? await this.#divide(joined.members) : []
      const synced = await this.#ask(
        syncGroupV5.api,
        [group, this.#generation, this.#member, null, 'consumer', protocol, shares],
        rebalanceMs + this.#cluster.attemptMs,
      )
      if (this.#lost(synced.errorCode) || rejoining.includes(synced.errorCode)) continue
      if (synced.errorCode !== 0) throw new Refused(synced.errorCode, `joining group '${group}'`)
      this.#heard = performance.now()
      this.#assign(decodeShares(synced.assignment))
      return
    }
  }

  async #divide(
    members: readonly joinGroupV7.JoinGroupResponseMember[],
  ): Promise<syncGroupV5.SyncGroupRequestAssignment[]> {
    const decoded = members.map(({ memberId, metadata }) => decodeMember(memberId, metadata ?? Buffer.alloc(0)))
    const topics = [...new Set(decoded.flatMap((member) => member.topics))].sort()
    const shares = divide(decoded, await this.#options.countsOf(topics))
    return [...shares].map(([memberId, own]) => ({ memberId, assignment: encodeShares(own) }))
  }

  /** Until the members are to join again. */
  async #stay(): Promise<void> {
    const { group } = this.#options
    for (let due = performance.now() + heartbeatMs; !this.#ended; ) {
      await this.#sleep(this.#commits.size > 0 ? commitMs : due - performance.now())
      if (!(await this.#commitAll())) return
      if (performance.now() < due || this.#ended) continue
      const { errorCode } = await this.#ask(heartbeatV4.api, [group, this.#generation, this.#member, null])
      if (this.#lost(errorCode) || rejoining.includes(errorCode)) {
        await this.#commitAll()
        return
      }
      if (errorCode !== 0) throw new Refused(errorCode, `group '${group}'`)
      this.#heard = performance.now()
      due = this.#heard + heartbeatMs
    }
  }

  /** Whether the others no longer count on this member. */
  #lost(errorCode: number): boolean {
    if (errorCode !== codes.unknownMember) return false
    this.#member = ''
    this.#assign([])
    return true
  }

  /** False where the members are to join again. What was not said is said then, if it is still this one's. */
  async #commitAll(): Promise<boolean> {
    if (this.#commits.size === 0) return true
    const commits = [...this.#commits]
    const topics = new Map<string, offsetCommitV8.OffsetCommitRequestPartition[]>()
    for (const [, { share, position }] of commits) {
      const of = { partitionIndex: share.partition, committedOffset: BigInt(position), committedLeaderEpoch: -1 }
      topics.set(share.topic, [...(topics.get(share.topic) ?? []), { ...of, committedMetadata: '' }])
    }
    const answer = await this.#ask(offsetCommitV8.api, [
      this.#options.group,
      this.#generation,
      this.#member,
      null,
      [...topics].map(([name, partitions]) => ({ name, partitions })),
    ])
    const refused = answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
    const errorCode = refused.find((code) => code !== 0) ?? 0
    if (this.#lost(errorCode) || rejoining.includes(errorCode)) return false
    if (errorCode !== 0) throw new Refused(errorCode, `positions of group '${this.#options.group}'`)
    this.#heard = performance.now()
    for (const [key, said] of commits) if (this.#commits.get(key) === said) this.#commits.delete(key)
    return true
  }

  #assign(shares: readonly Share[]): void {
    this.#shares = shares
    for (const [key, { share }] of this.#commits)
      if (!shares.some(({ topic, partition }) => topic === share.topic && partition === share.partition))
        this.#commits.delete(key)
    this.#options.assigned(shares)
  }

  async #leave(): Promise<void> {
    if (this.#member === '' || this.#cluster.closed) return
    if (this.#generation >= 0) await this.#commitAll()
    await this.#ask(leaveGroupV4.api, [this.#options.group, [{ memberId: this.#member, groupInstanceId: null }]])
  }

  async #find(): Promise<number> {
    const { group } = this.#options
    const key = FindCoordinatorKeyTypes.GROUP
    const { coordinators } = await this.#cluster.ask('any', 'control', findCoordinatorV4.api, [key, [group]])
    const { errorCode, nodeId } = coordinators[0]!
    if (errorCode !== 0) throw new Refused(errorCode, `the coordinator of group '${group}'`)
    this.#coordinator = nodeId
    return nodeId
  }

  async #ask<Question extends unknown[], Answer>(
    api: API<Question, Answer>,
    question: Question,
    withinMs?: number,
  ): Promise<Answer> {
    const coordinator = this.#coordinator ?? (await this.#find())
    return await this.#cluster.ask(coordinator, this.#lane, api, question, withinMs)
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#ended) return
    await new Promise<void>((done) => {
      const timer = setTimeout(done, ms)
      this.#wake = () => {
        clearTimeout(timer)
        done()
      }
    })
  }
}
