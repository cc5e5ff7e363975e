/**
 * The log of predictions, a topic a model. An entry holds all that is needed to say later why the answer was what it was, and to
 * compute it again. What the values mean stands in a schema, kept with the metadata under its hash, which every entry names; so
 * the log can be read without the definitions of its time.
 *
 * A prediction's id names its model, the reference by which the log finds it, and 32 random bits that tell it from another in the
 * same place, should the log have lost its end.
 */
import { randomInt } from 'node:crypto'
import type { Scalar, Type, Value } from '../expression/node.ts'
import { readValue, writeValue } from '../expression/value-bytes.ts'
import { ByteReader, ByteWriter } from '../kernel/bytes.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { hashOf } from '../kernel/hash.ts'
import { shorten } from '../kernel/shorten.ts'
import type { Entry, EventLog } from '../ports/event-log.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { Degradation, StageTimes } from './prediction.ts'
import type { OutputValue } from './tensors.ts'

export const topicOfPredictions = (model: string): string => `predictions.${model}`

export interface PredictionSchema {
  readonly model: string
  readonly definition: string
  readonly keys: readonly { readonly name: string; readonly type: Scalar }[]
  readonly request: readonly { readonly name: string; readonly type: Scalar }[]
  readonly groups: readonly {
    readonly group: string
    readonly view: string
    readonly features: readonly { readonly name: string; readonly type: Type }[]
  }[]
  readonly outputs: readonly string[]
}

export interface LoggedPrediction {
  readonly id: string
  readonly schema: PredictionSchema
  readonly at: number
  readonly version: string | null
  readonly keys: readonly Value[]
  readonly request: readonly Value[]
  /** For each group the time of the newest event seen, null for an entity never seen, and the features' values. */
  readonly groups: readonly { readonly newest: number | null; readonly values: readonly Value[] }[]
  readonly outputs: readonly OutputValue[]
  readonly degraded: readonly Degradation[]
  readonly milliseconds: StageTimes
}

/** A prediction may wait so long to be written with others. */
const flushMs = 20
/** The first byte of an entry says what form it has. That before it knew nothing of the gateway and the queue. */
const form = 3
const formBefore = 2

/** Under which a schema is kept: 64 bits of its hash. */
export const nameOfSchema = (schema: PredictionSchema): string => hashOf(schema).slice(0, 16)

export interface PredictionWriter {
  /** Gives the prediction's id at once; it is durable within some tens of milliseconds. Throws SX_OVERLOADED. */
  write(
    row: readonly Value[],
    newest: Float64Array,
    at: number,
    version: string | null,
    outputs: readonly OutputValue[],
    degraded: readonly Degradation[],
    milliseconds: StageTimes,
  ): string
}

/** `row` begins with the keys, then the request, then the features of all groups. */
export function predictionWriter(log: EventLog, schema: PredictionSchema): PredictionWriter {
  const topic = topicOfPredictions(schema.model)
  const buffer = new ByteWriter()
  const width =
    schema.keys.length + schema.request.length + schema.groups.reduce((sum, { features }) => sum + features.length, 0)
  const name = nameOfSchema(schema)
  const [high, low] = [Number.parseInt(name.slice(0, 8), 16), Number.parseInt(name.slice(8), 16)]
  const within = { withinMs: flushMs }
  let salt = randomInt(2 ** 32)
  return {
    write: (row, newest, at, version, outputs, degraded, milliseconds) => {
      // A counter from a random start: as unlike another process's as random bits, and free.
      salt = (salt + 1) % 2 ** 32
      buffer.reset()
      buffer.byte(form)
      buffer.word(high)
      buffer.word(low)
      buffer.word(salt)
      buffer.float(at)
      writeValue(buffer, version)
      for (let i = 0; i < width; i++) writeValue(buffer, row[i]!)
      for (let i = 0; i < newest.length; i++) buffer.float(newest[i]!)
      for (const output of outputs) writeValue(buffer, output)
      buffer.byte(degraded.length)
      for (const { stage, by, reason } of degraded) {
        buffer.text(stage)
        buffer.text(by)
        buffer.text(reason)
      }
      buffer.float(milliseconds.gateway)
      buffer.float(milliseconds.features)
      buffer.float(milliseconds.assembly)
      buffer.float(milliseconds.queue)
      buffer.float(milliseconds.inference)
      buffer.float(milliseconds.post)
      buffer.float(milliseconds.total)
      const { reference } = log.append(topic, [buffer.written], within)
      return `${schema.model}.${reference}.${salt.toString(16).padStart(8, '0')}`
    },
  }
}

/** Null for a text that cannot be an id. */
export function parseId(
  id: string,
): { readonly model: string; readonly reference: string; readonly salt: number } | null {
  const match = /^([a-zA-Z][a-zA-Z0-9_]{0,62})\.([0-9a-z-]{1,48})\.([0-9a-f]{8})$/.exec(id)
  return match === null ? null : { model: match[1]!, reference: match[2]!, salt: Number.parseInt(match[3]!, 16) }
}

export interface PredictionReader {
  /** Throws SX_UNKNOWN_PREDICTION. */
  find(id: string): Promise<LoggedPrediction>
  /** The same of many: null for each that is not in the log. */
  findAll(ids: readonly string[]): Promise<readonly (LoggedPrediction | null)[]>
  /** About so many of a model's, the last that were written to each partition of its log. */
  recent(model: string, count: number): Promise<readonly Omit<LoggedPrediction, 'id'>[]>
}

/** An answer may be known before its entry is: another server may be about to write it. */
const awaitedMs = 4 * flushMs
const lookupsAtOnce = 64

export function predictionReader(log: EventLog, metadata: MetadataStore): PredictionReader {
  const schemas = new Map<string, PredictionSchema>()
  const schemaOf = async (name: string): Promise<PredictionSchema> => {
    const known = schemas.get(name)
    if (known !== undefined) return known
    const kept = await metadata.form(name)
    if (kept === null)
      throw new SixfoldError('SX_STORE_CORRUPT', `The metadata has no schema '${name}' of predictions.`)
    const schema = JSON.parse(kept) as PredictionSchema
    schemas.set(name, schema)
    return schema
  }
  /** Null for what is of another form, or has another salt than is asked for. */
  const read = async (salt: number | null, entry: Entry): Promise<Omit<LoggedPrediction, 'id'> | null> => {
    const [of] = entry.bytes
    if (of !== form && of !== formBefore) return null
    const from = new ByteReader(entry.bytes, 1)
    const name = [from.word(), from.word()].map((word) => word.toString(16).padStart(8, '0')).join('')
    const salted = from.word()
    if (salt !== null && salted !== salt) return null
    const schema = await schemaOf(name)
    return { schema, ...decode(from, schema, of) }
  }
  const lookup = async (id: string): Promise<LoggedPrediction | null> => {
    const parsed = parseId(id)
    if (parsed === null) return null
    const entry = await log.lookup(topicOfPredictions(parsed.model), parsed.reference)
    const found = entry === null ? null : await read(parsed.salt, entry)
    return found === null ? null : { id, ...found }
  }
  const lookupAll = async (ids: readonly string[]): Promise<(LoggedPrediction | null)[]> => {
    const found: (LoggedPrediction | null)[] = []
    for (let from = 0; from < ids.length; from += lookupsAtOnce)
      found.push(...(await Promise.all(ids.slice(from, from + lookupsAtOnce).map(lookup))))
    return found
  }
  const findAll = async (ids: readonly string[]): Promise<readonly (LoggedPrediction | null)[]> => {
    const found = await lookupAll(ids)
    const missing = found.flatMap((one, i) => (one === null && parseId(ids[i]!) !== null ? [i] : []))
    if (missing.length === 0) return found
    const models = new Set(missing.map((i) => parseId(ids[i]!)!.model))
    await Promise.all([...models].map((model) => log.settled(topicOfPredictions(model))))
    await new Promise((resolve) => setTimeout(resolve, awaitedMs))
    for (const [k, one] of (await lookupAll(missing.map((i) => ids[i]!))).entries()) found[missing[k]!] = one
    return found
  }
  const recent = async (model: string, count: number): Promise<readonly Omit<LoggedPrediction, 'id'>[]> => {
    const topic = topicOfPredictions(model)
    // What this process has just answered counts too.
    await log.settled(topic)
    const ends = await log.ends(topic)
    const share = Math.ceil(count / Math.max(1, ends.length))
    const entries = await Promise.all(ends.map((end, i) => log.read(topic, i, Math.max(0, end - share), share)))
    const found = await Promise.all(entries.flat().map((entry) => read(null, entry)))
    return found.filter((one) => one !== null)
  }
  return {
    findAll,
    recent,
    find: async (id) => {
      const [found] = await findAll([id])
      if (found != null) return found
      throw new SixfoldError('SX_UNKNOWN_PREDICTION', `There is no prediction '${shorten(id)}' in the log.`, {
        details: { id: shorten(id) },
      })
    },
  }
}

function decode(from: ByteReader, schema: PredictionSchema, of: number): Omit<LoggedPrediction, 'id' | 'schema'> {
  const at = from.float()
  const version = readValue(from) as string | null
  const values = (list: readonly unknown[]): Value[] => list.map(() => readValue(from))
  const keys = values(schema.keys)
  const request = values(schema.request)
  const features = schema.groups.map((group) => values(group.features))
  const groups = features.map((group) => {
    const newest = from.float()
    return { newest: Number.isNaN(newest) ? null : newest, values: group }
  })
  const outputs = values(schema.outputs) as OutputValue[]
  const degraded = Array.from(
    { length: from.byte() },
    () => ({ stage: from.text(), by: from.text(), reason: from.text() }) as Degradation,
  )
  const milliseconds = {
    gateway: of === form ? from.float() : 0,
    features: from.float(),
    assembly: from.float(),
    queue: of === form ? from.float() : 0,
    inference: from.float(),
    post: from.float(),
    total: from.float(),
  }
  return { at, version, keys, request, groups, outputs, degraded, milliseconds }
}
