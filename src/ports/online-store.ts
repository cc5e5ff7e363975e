/**
 * The online store: small values under byte keys, ordered, in one key space. Everything online is built from it: the state of
 * entities, the ids of events already seen, positions in logs.
 *
 * Laws that every adapter keeps:
 * - `update` is atomic: all of its changes are seen by every later read, or none is. It is serialisable: no other change to the
 *   keys it read lies between its reading and its writing, whichever process makes it.
 * - `change` may be called several times (a lost race, a lost connection) and must do nothing but compute.
 * - When `update` has resolved, its changes survive the death of the process. Whether they survive the loss of power is the
 *   adapter's to say; what must, is in a log first.
 * - An update that rejects has changed nothing.
 * - `read` sees each key as of one instant, not necessarily all keys as of the same one.
 * - A duplicate update is the caller's to prevent: it keeps its position among the keys that the update changes.
 */
export interface OnlineStore {
  /**
   * Calls `visit` once for each key, in any order, with its value or null. The bytes are the store's own and valid only within
   * the call; the keys too are the caller's own again once `read` has returned. An embedded store calls before it returns,
   * and returns nothing.
   */
  read(keys: readonly Uint8Array[], visit: (index: number, value: Uint8Array | null) => void): void | Promise<void>

  /**
   * Reads the keys and writes what `change` makes of them: bytes, null to delete, undefined to leave as it is. The bytes given to
   * `change` are its own.
   */
  update(
    keys: readonly Uint8Array[],
    change: (values: readonly (Uint8Array | null)[]) => readonly (Uint8Array | null | undefined)[],
  ): Promise<void>

  /** All entries whose keys begin so, in order of their keys. Entries changed meanwhile may be seen in either form. */
  scan(prefix: Uint8Array): AsyncIterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>

  /** Deletes all entries whose keys begin so; gives their number. Not atomic: readers may see some of them gone before others. */
  clear(prefix: Uint8Array): Promise<number>

  /** Bytes on disk or in memory, and the number of entries. */
  size(): Promise<{ readonly entries: number; readonly bytes: number }>

  close(): Promise<void>
}
