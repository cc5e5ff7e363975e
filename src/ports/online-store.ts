/**
 * The online store: small values under byte keys, in one key space. Everything online is built from it: the state of entities, the
 * ids of events already seen, positions in logs.
 *
 * Laws that every adapter keeps:
 * - **Atomic.** All changes of an `update` are seen by every later read, or none is. It is serialisable: no other change to the
 *   keys it read lies between its reading and its writing, whichever process makes it. An update that rejects has changed
 *   nothing, or, after a lost connection, everything: whoever must know keeps a position among the keys that it changes.
 * - `change` may be called several times (a lost race, a lost connection) and must do nothing but compute.
 * - **Durable.** When `update` has resolved, its changes survive the death of the process. Whether they survive the loss of power,
 *   or of the store's own process, is the adapter's to say; then they go back together, as if the last updates had not been. What
 *   must survive that is in a log first.
 * - **Order.** A read that begins after an update has resolved sees it. `read` sees each key as of one instant, not necessarily all
 *   keys as of the same one.
 * - **Duplicates.** A duplicate update is the caller's to prevent, by a position among the keys that it changes.
 * - **Lost connection.** `read` rejects with SX_STORE_UNAVAILABLE soon: whoever asked goes on without. `update` and the others try
 *   again for some seconds before they do. The adapter connects again by itself.
 */
import type { Inspectable } from './inspection.ts'

export interface OnlineStore extends Inspectable {
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

  /**
   * Deletes all entries whose keys begin so; gives their number. Not atomic: readers may see some of them gone before others. Where
   * `held` is given, nothing more is deleted from the moment on at which its key has another value than this one: whoever must know
   * whether all is gone reads it again. So what a store needs again that went back is not deleted.
   */
  clear(prefix: Uint8Array, held?: Held): Promise<number>

  /** Bytes on disk or in memory, and the number of entries; of a shared store those of the whole of it. */
  size(): Promise<{ readonly entries: number; readonly bytes: number }>

  close(): Promise<void>
}

export interface Held {
  readonly key: Uint8Array
  readonly value: Uint8Array
}
