/**
 * Reads protocol buffers as far as it must: the numbers of fields, and what they hold. For bytes from anywhere: it goes through each
 * once and ends at the first that no writer would have written, so that nothing behind it is taken for read.
 */

export class Malformed extends Error {}

/**
 * Calls with the number of each field and its value: an integer, or the bytes of whatever has a length. Of numbers of four or eight bytes
 * `fixed` is told where they lie. Throws Malformed.
 */
export function forEachField(
  buffer: Uint8Array,
  visit: (field: number, value: number, bytes: Uint8Array | null) => void,
  fixed: (field: number, at: number, size: 4 | 8) => void = () => {},
): void {
  let at = 0
  const varint = (): number => {
    let value = 0
    // 64 bits are ten bytes of seven.
    for (let shift = 0; shift < 70 && at < buffer.length; shift += 7) {
      const byte = buffer[at++]!
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
    throw new Malformed('a number that does not end')
  }
  const skip = (bytes: number): number => {
    const from = at
    if (!(bytes <= buffer.length - at)) throw new Malformed('it ends too early')
    at += bytes
    return from
  }
  while (at < buffer.length) {
    const tag = varint()
    const kind = tag % 8
    const field = Math.floor(tag / 8)
    if (field === 0 || field >= 2 ** 29) throw new Malformed('a field that cannot be')
    if (kind === 0) visit(field, varint(), null)
    else if (kind === 1) fixed(field, skip(8), 8)
    else if (kind === 5) fixed(field, skip(4), 4)
    else if (kind === 2) {
      const length = varint()
      const from = skip(length)
      visit(field, 0, buffer.subarray(from, from + length))
    } else throw new Malformed('a field of no kind that there is')
  }
}

/** The integers of a packed field. Throws Malformed. */
export function varintsOf(buffer: Uint8Array): number[] {
  const values: number[] = []
  let value = 0
  let shift = 0
  for (const byte of buffer) {
    value += (byte & 127) * 2 ** shift
    shift += 7
    if (byte < 128) {
      values.push(value)
      value = 0
      shift = 0
    } else if (shift >= 70) throw new Malformed('a number that does not end')
  }
  return values
}
