/**
 * The event log: entries in topics, in order, for ever or for as long as retention says. Events, predictions, outcomes and what
 * was refused go there first; everything else that is derived from them keeps a position and can be rebuilt.
 *
 * Laws that every adapter keeps:
 * - **Order.** A topic has one partition or several. Entries of a partition have growing positions from 0 on; an entry's position
 *   never changes. A shared log may leave positions out. What one process appends to one partition keeps its order. Between
 *   partitions there is none.
 * - **Atomic.** The entries of one append lie in one partition, one after another, with nothing between them, and appear together.
 * - **Durable.** When `durable` has resolved, the entries survive the death of the process; each adapter says how they survive the
 *   loss of power, or of a broker. What is given out by `read` and `lookup` is durable.
 * - **Duplicates.** An adapter may repeat what it does not know to have arrived, but it appears once. An append that rejects may
 *   have happened: an entry that must not count twice names itself.
 * - **Lost connection.** `append` never waits: what cannot be sent waits in memory, up to a bound, beyond which `append` throws
 *   SX_OVERLOADED. What waited too long rejects with SX_STORE_UNAVAILABLE; so do reads. The adapter connects again by itself.
 * - A torn or damaged entry is never given out. At the end of a partition it is cut off, which loses nothing acknowledged.
 */
import type { Inspectable } from './inspection.ts'

export interface EventLog extends Inspectable {
  /** Whose positions these are. State that keeps positions belongs to the log of this name and to no other. */
  readonly identity: string

  /** Appends one entry or more to a topic, which need not exist. The bytes are the caller's own again once it has returned. */
  append(topic: string, entries: readonly Uint8Array[], options?: AppendOptions): Appended

  /** Up to `limit` entries of a partition, from a position on; none at the end. */
  read(topic: string, partition: number, from: number, limit: number): Promise<readonly Entry[]>

  /** The entry that `append` named so; null if there is none, also where it was appended but is not durable yet. */
  lookup(topic: string, reference: string): Promise<Entry | null>

  /** How many partitions the topic has, or will have when it is first appended to: the same for as long as the log is open. */
  partitions(topic: string): Promise<number>

  /**
   * The name under which a topic that others write can be read and followed here. It is never created nor appended to; while it does
   * not exist it has no partitions. Null where the log has no topics of others.
   */
  external(topic: string): string | null

  /** For each partition, the position after the last entry that is durable; 0 where there is none. */
  ends(topic: string): Promise<readonly number[]>

  /** Resolves when what this process has appended to the topic is durable, or has failed to be. */
  settled(topic: string): Promise<void>

  /** `bytes` is null where the log does not say. */
  topics(): Promise<
    readonly { readonly topic: string; readonly ends: readonly number[]; readonly bytes: number | null }[]
  >

  /**
   * Shares the partitions of topics among the processes that follow them as one group, each to one of them, and calls `take` for
   * those of this process: once when it is given one, and soon after entries were appended, whoever did. `take` gives the position
   * up to which their effect is durable, which the log then may show as the group's. It is called for one partition at a time,
   * one call after another; where it rejects it is called again later. A partition may go to another process at any time, also
   * within a call: effects must bear being made twice.
   */
  follow(topics: readonly string[], group: string, take: Take): Promise<Following>

  close(): Promise<void>
}

export type Take = (topic: string, partition: number) => Promise<number>
export interface Following {
  /** Those that are this process's at present. */
  readonly assigned: readonly { readonly topic: string; readonly partition: number }[]
  close(): Promise<void>
}

export interface AppendOptions {
  /** By default one that the adapter chooses, and keeps to while it is open. */
  readonly partition?: number
  /** The log may wait so long for more to write with it. */
  readonly withinMs?: number
}

export interface Appended {
  readonly partition: number
  /** By which `lookup` finds the first of the entries; known at once. Letters, digits and '-' only, at most 48. */
  readonly reference: string
  readonly durable: Promise<void>
  /** Of the first of the entries; -1 where it is not known before they are durable. */
  readonly position: number
}

export interface Entry {
  readonly position: number
  readonly bytes: Uint8Array
  /** When it was written, in milliseconds: of topics that others write, whose entries do not say so themselves. */
  readonly at?: number
}
