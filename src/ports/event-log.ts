/**
 * The event log: entries in topics, in order, for ever or for as long as retention says. Events, predictions, outcomes and what
 * was refused go there first; everything else that is derived from them keeps a position and can be rebuilt.
 *
 * Laws that every adapter keeps:
 * - Entries of one topic have positions 0, 1, 2, …; an entry's position never changes, and none is skipped.
 * - Entries appended by one writer to one topic keep their order.
 * - When `append` has resolved, its entries survive the death of the process; an adapter says how long after that they survive
 *   the loss of power. An append that rejects may have happened: an entry that must not count twice names itself.
 * - A torn or damaged entry is never given out. At the end of a topic it is cut off, which loses nothing acknowledged.
 */
export interface EventLog {
  /**
   * Appends to a topic, which need not exist. `first` is known at once, where one process writes the topic, so that what is
   * appended can be referred to before it is durable. `withinMs` lets the log wait so long for more to write with it. The bytes
   * are the caller's own again once `append` has returned.
   * Throws SX_OVERLOADED when too much waits to be written.
   */
  append(topic: string, entries: readonly Uint8Array[], withinMs?: number): Appended

  /** Up to `limit` entries from a position on; none at the end. */
  read(topic: string, from: number, limit: number): Promise<readonly Entry[]>

  /** The position after the last entry that is durable; 0 of a topic that does not exist. */
  end(topic: string): Promise<number>

  /** Resolves when what this process has appended to the topic is durable, or has failed to be. */
  settled(topic: string): Promise<void>

  topics(): Promise<readonly { readonly topic: string; readonly end: number; readonly bytes: number }[]>

  close(): Promise<void>
}

export interface Appended {
  readonly first: number
  readonly durable: Promise<void>
}

export interface Entry {
  readonly position: number
  readonly bytes: Uint8Array
}
