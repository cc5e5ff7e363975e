/**
 * What onnxruntime does not tell of a model file, which is a protocol buffer `ModelProto` (onnx.proto): the versions it was written
 * for, the operators of its graph, and the files beside it. Found out before the runtime sees the file.
 */
import { closeSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Inspection } from '../../ports/model-runtime.ts'
import { formOf } from './forms.ts'
import { forEachField, Malformed } from './protobuf.ts'

export type FileFacts = Omit<Inspection, 'inputs' | 'outputs'>

/** A protocol buffer is no larger; what is, keeps its weights beside it. */
const mostBytes = 2 ** 31 - 1
/** As deep as protobuf's own reader goes. */
const deepest = 100
/** Of operators, operator sets and files: a model of a million of either was made to be one. */
const most = 10_000

const invalid = (what: string, fix?: string): SixfoldError =>
  new SixfoldError('SX_ARTIFACT_INVALID', what, fix === undefined ? {} : { fix })

/** Throws SX_ARTIFACT_INVALID, without the path. */
export function readFacts(path: string): FileFacts {
  const facts = factsOf(readModel(path))
  for (const name of facts.external) checkBeside(path, name)
  return facts
}

/** The bytes of what could be a model. Throws SX_ARTIFACT_INVALID, without the path. */
export function readModel(path: string): Uint8Array {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw invalid('there is no such file')
  if (stat.isDirectory()) throw invalid('it is a folder', 'Name the ONNX file in it.')
  if (!stat.isFile()) throw invalid('it is no file')
  const form = formOf(headOf(path))
  if (form !== null) throw invalid(`it is ${form.what}, no ONNX model`, form.fix)
  if (stat.size > mostBytes)
    throw invalid(
      'it is larger than 2 GiB, which an ONNX file cannot be',
      'Export the weights beside it: onnx.save(model, path, save_as_external_data=True).',
    )
  return readFileSync(path)
}

function headOf(path: string): Uint8Array {
  const head = new Uint8Array(512)
  const file = openSync(path, 'r')
  try {
    return head.subarray(0, readSync(file, head))
  } finally {
    closeSync(file)
  }
}

/** Which fields of a message hold which messages, on the ways from a model to its operators and tensors. */
const members: { readonly [kind: string]: { readonly [field: number]: string } } = {
  model: { 7: 'graph', 8: 'opset', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 9: 'opset', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
}

const decoder = new TextDecoder()
const textOf = (bytes: Uint8Array): string => decoder.decode(bytes)

export function factsOf(file: Uint8Array): FileFacts {
  let ir: number | null = null
  let producer = ''
  let graphs = 0
  const sets = new Map<string, number>()
  const operators = new Set<string>()
  const external = new Set<string>()
  const add = <T>(set: { readonly size: number }, put: () => T, what: string): void => {
    put()
    if (set.size > most) throw invalid(`it has more than ${most.toLocaleString('en')} ${what}`)
  }
  const search = (kind: string, message: Uint8Array, depth: number): void => {
    if (depth > deepest) throw invalid(`its graphs lie more than ${deepest} deep in each other`)
    let operator = ''
    let domain = ''
    forEachField(message, (field, value, bytes) => {
      if (kind === 'model' && field === 1 && bytes === null) ir = value
      if (bytes === null) return
      if (kind === 'model' && (field === 2 || field === 3)) producer = `${producer} ${textOf(bytes.subarray(0, 200))}`
      if (kind === 'node' && field === 4) operator = textOf(bytes.subarray(0, 200))
      if (kind === 'node' && field === 7) domain = textOf(bytes.subarray(0, 200))
      const member = members[kind]![field]
      if (member === undefined) return
      if (member === 'tensor') {
        const location = locationOf(bytes)
        if (location !== null) add(external, () => external.add(location), 'files beside it')
      } else if (member === 'opset') {
        const set = opsetOf(bytes)
        // Functions may be written for other versions; the model's own come first.
        if (kind === 'model' || !sets.has(set.domain))
          add(sets, () => sets.set(set.domain, set.version), 'operator sets')
      } else {
        if (member === 'graph') graphs++
        search(member, bytes, depth + 1)
      }
    })
    if (operator !== '')
      add(operators, () => operators.add(isStandard(domain) ? operator : `${domain}.${operator}`), 'operators')
  }
  try {
    search('model', file, 1)
  } catch (error) {
    if (error instanceof Malformed)
      throw invalid(`it is no ONNX model, or a damaged one: ${error.message}`, 'Export the model again.')
    throw error
  }
  if (graphs === 0) throw invalid('it is no ONNX model: it has no graph', 'Export the model to ONNX.')
  const opset = sets.get('') ?? null
  sets.delete('')
  return {
    format: 'onnx',
    ir,
    opset,
    domains: Object.fromEntries(sets),
    operators: [...operators].sort(),
    external: [...external].sort(),
    producer: producer.trim() === '' ? null : producer.trim(),
  }
}

/** The standard domain has no name, or this one. */
const isStandard = (domain: string): boolean => domain === '' || domain === 'ai.onnx'

function opsetOf(message: Uint8Array): { readonly domain: string; readonly version: number } {
  let domain = ''
  let version = 0
  forEachField(message, (field, value, bytes) => {
    if (field === 1 && bytes !== null) domain = textOf(bytes.subarray(0, 200))
    if (field === 2 && bytes === null) version = value
  })
  return { domain: isStandard(domain) ? '' : domain, version }
}

/** A TensorProto whose data_location (field 14) is EXTERNAL says where in external_data (field 13): entries of a key and a value. */
function locationOf(tensor: Uint8Array): string | null {
  let external = false
  let location = ''
  forEachField(tensor, (field, value, bytes) => {
    if (field === 14 && bytes === null && value % 2 ** 32 === 1) external = true
    if (field !== 13 || bytes === null) return
    let key = ''
    let text = ''
    forEachField(bytes, (inner, _, content) => {
      if (inner === 1 && content !== null) key = textOf(content)
      if (inner === 2 && content !== null) text = textOf(content)
    })
    if (key === 'location') location = text
  })
  return external ? location : null
}

/** A path out of the model's folder would be read as whoever serves. */
function checkBeside(path: string, name: string): void {
  const shown = shorten(name)
  const parts = name.split('/')
  if (name.length > 1_000 || /[\\\0:]/.test(name) || parts.some((part) => ['', '.', '..'].includes(part)))
    throw invalid(
      `its weights are to lie in '${shown}', outside of its folder`,
      'Export the model as one file: onnx.save(model, path, save_as_external_data=False).',
    )
  const beside = join(dirname(path), name)
  if (!statSync(beside, { throwIfNoEntry: false })?.isFile())
    throw invalid(
      `its weights are to lie beside it in '${shown}', which is not there`,
      'Give the file too, or export the model as one file: onnx.save(model, path, save_as_external_data=False).',
    )
  const real = realpathSync(beside)
  // Where the model itself is a link, what it belongs to lies where that leads.
  const folders = [realpathSync(dirname(path)), dirname(realpathSync(path))]
  if (!folders.some((folder) => real.startsWith(folder.endsWith(sep) ? folder : folder + sep)))
    throw invalid(
      `its weights in '${shown}' are a link out of its folder`,
      'Put the file itself there, or export the model as one file.',
    )
}
