/**
 * The opset version of a model file, which onnxruntime does not tell. An ONNX file is a protocol buffer `ModelProto`; its field 8
 * (opset_import) holds, for each domain, a domain name (field 1) and a version (field 2); the default domain has no name.
 */
export function opsetOf(file: Uint8Array): number | null {
  let version: number | null = null
  forEachField(file, (field, _, bytes) => {
    if (field !== 8 || bytes === null) return
    let domain = ''
    let found = 0
    forEachField(bytes, (inner, value, text) => {
      if (inner === 1 && text !== null) domain = new TextDecoder().decode(text)
      if (inner === 2) found = value
    })
    if (domain === '' || domain === 'ai.onnx') version = found
  })
  return version
}

/** Calls with the number of each field and its value: an integer, or the bytes of whatever has a length. Stops at what it cannot read. */
function forEachField(
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
