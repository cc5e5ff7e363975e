/**
 * What onnxruntime does not tell of a model file, which is a protocol buffer `ModelProto` (onnx.proto). Field 7 is the graph; field 8
 * (opset_import) holds, for each domain, a domain name (field 1) and a version (field 2); the default domain has no name.
 */
import { forEachField } from './protobuf.ts'

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export function opsetOf(file: Uint8Array): number | null {
  let version: number | null = null
  forEachField(file, (field, _, bytes) => {
    if (field !== 8 || bytes === null) return
    let domain = ''
    let found = 0
    forEachField(bytes, (inner, value, text) => {
      if (inner === 1 && text !== null) domain = textOf(text)
      if (inner === 2) found = value
    })
    if (domain === '' || domain === 'ai.onnx') version = found
  })
  return version
}

/** Which fields of a message hold which messages, on the ways from a model to its tensors. */
const members: { readonly [kind: string]: { readonly [field: number]: string } } = {
  model: { 7: 'graph', 25: 'function' },
  function: { 7: 'node' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
}

/** The first file beside the model in which data of the model lies; null where all of it is in the file. */
export function externalDataOf(file: Uint8Array): string | null {
  let found: string | null = null
  const search = (kind: string, message: Uint8Array): void =>
    forEachField(message, (field, _, bytes) => {
      const member = members[kind]![field]
      if (found !== null || bytes === null || member === undefined) return
      if (member === 'tensor') found = locationOf(bytes)
      else search(member, bytes)
    })
  search('model', file)
  return found
}

/** A TensorProto whose data_location (field 14) is EXTERNAL says where in external_data (field 13): entries of a key and a value. */
function locationOf(tensor: Uint8Array): string | null {
  let external = false
  let location = ''
  forEachField(tensor, (field, value, bytes) => {
    if (field === 14) external = value === 1
    if (field !== 13 || bytes === null) return
    let key = ''
    forEachField(bytes, (inner, _, text) => {
      if (inner === 1 && text !== null) key = textOf(text)
      if (inner === 2 && text !== null && key === 'location') location = textOf(text)
    })
  })
  return external ? location : null
}
