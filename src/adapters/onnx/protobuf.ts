/** Reads protocol buffers as far as it must: the numbers of fields, and what they hold. */

/** Calls with the number of each field and its value: an integer, or the bytes of whatever has a length. Stops at what it cannot read. */
export function forEachField(
  buffer: Uint8Array,
  visit: (field: number, value: number, bytes: Uint8Array | null) => void,
): void {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; at < buffer.length; shift += 7) {
      const byte = buffer[at++]!
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
    return Number.NaN
  }
  while (at < buffer.length) {
    const tag = varint()
    const kind = tag % 8
    const field = Math.floor(tag / 8)
    if (kind === 0) visit(field, varint(), null)
    else if (kind === 1) at += 8
    else if (kind === 5) at += 4
    else if (kind === 2) {
      const length = varint()
      if (!(at + length <= buffer.length)) return
      visit(field, 0, buffer.subarray(at, at + length))
      at += length
    } else return
  }
}
