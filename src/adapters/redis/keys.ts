/**
 * How keys are written in Redis. Each byte becomes the character of that number, in UTF-8: bytes below 128 stay as they are, the
 * others become two. So every key has exactly one form, a prefix of a key stays a prefix of its form, and keys are strings, which
 * the client puts into a command several times faster than bytes.
 *
 * Entries and writers have name spaces of their own within the configured prefix, so that no key can be taken for a writer.
 */
export interface Keys {
  /** The form of an entry's key. */
  of(key: Uint8Array): string
  /** The form of the record of one process that writes. */
  writer(id: string): string
  /** A pattern of SCAN for all entries whose keys begin so. */
  startingWith(prefix: Uint8Array): string
  /** Beside entries and writers, for trying what the user may do. */
  readonly trial: string
}

export function keysUnder(prefix: string): Keys {
  const entries = `${prefix}s:`
  const of = (key: Uint8Array): string =>
    entries + Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
  return {
    of,
    writer: (id) => `${prefix}w:${id}`,
    startingWith: (start) => `${of(start).replace(/[*?[\]\\^]/g, '\\$&')}*`,
    trial: `${prefix}t:`,
  }
}
