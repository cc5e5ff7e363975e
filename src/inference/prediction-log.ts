/**
 * The log of predictions, a topic a model. An entry holds all that is needed to say later why the answer was what it was, and to
 * compute it again. What the values mean stands in a schema entry, written when a process first logs, to which the others
 * point; so the log can be read without the definitions of its time.
 *
 * A prediction's id names its model, its place in the log, and 32 random bits that tell it from another at the same place, should
 * the log have lost its end.
 */
import { randomInt } from 'node:crypto'
import type { Scalar, Type, Value } from '../expression/node.ts'
import { readValue, writeValue } from '../expression/value-bytes.ts'
import { ByteReader, ByteWriter } from '../kernel/bytes.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { EventLog } from '../ports/event-log.ts'
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
  readonly position: number
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
const kinds = { schema: 0, prediction: 1 } as const

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
  let schemaAt = -1
  let salt = randomInt(2 ** 32)
  return {
    write: (row, newest, at, version, outputs, degraded, milliseconds) => {
      if (schemaAt < 0) {
        const { first, durable } = log.append(
          topic,
          [Buffer.concat([Buffer.from([kinds.schema]), Buffer.from(JSON.stringify(schema))])],
          flushMs,
        )
        schemaAt = first
        durable.catch(() => {
          // It has lost its place; the next prediction writes it again.
          schemaAt = -1
        })
      }
      // A counter from a random start: as unlike another process's as random bits, and free.
      salt = (salt + 1) % 2 ** 32
      buffer.reset()
      buffer.byte(kinds.prediction)
      buffer.float(schemaAt)
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
      buffer.float(milliseconds.features)
      buffer.float(milliseconds.assembly)
      buffer.float(milliseconds.inference)
      buffer.float(milliseconds.post)
      buffer.float(milliseconds.total)
      const { first } = log.append(topic, [buffer.written], flushMs)
      return idOf(schema.model, first, salt)
    },
  }
}

const idOf = (model: string, position: number, salt: number): string =>
  `${model}.${position.toString(36)}.${salt.toString(16).padStart(8, '0')}`

/** Null for a text that cannot be an id. */
export function parseId(
  id: string,
): { readonly model: string; readonly position: number; readonly salt: number } | null {
  const match = /^([a-zA-Z][a-zA-Z0-9_]{0,62})\.([0-9a-z]{1,11})\.([0-9a-f]{8})$/.exec(id)
  return match === null
    ? null
    : { model: match[1]!, position: Number.parseInt(match[2]!, 36), salt: Number.parseInt(match[3]!, 16) }
}

export interface PredictionReader {
  /** Throws SX_UNKNOWN_PREDICTION. */
  find(id: string): Promise<LoggedPrediction>
}

export function predictionReader(log: EventLog): PredictionReader {
  const schemas = new Map<string, PredictionSchema>()
  const schemaAt = async (topic: string, position: number): Promise<PredictionSchema> => {
    const key = `${topic} ${position}`
    const known = schemas.get(key)
    if (known !== undefined) return known
    const [entry] = await log.read(topic, position, 1)
    if (entry === undefined || entry.bytes[0] !== kinds.schema)
      throw new SixfoldError('SX_STORE_CORRUPT', `The log '${topic}' has no schema at ${position}.`)
    const schema = JSON.parse(new TextDecoder().decode(entry.bytes.subarray(1))) as PredictionSchema
    schemas.set(key, schema)
    return schema
  }
  return {
    find: async (id) => {
      const unknown = (): SixfoldError =>
        new SixfoldError('SX_UNKNOWN_PREDICTION', `There is no prediction '${shorten(id)}' in the log.`, {
          details: { id: shorten(id) },
        })
      const parsed = parseId(id)
      if (parsed === null) throw unknown()
      const topic = topicOfPredictions(parsed.model)
      let [entry] = await log.read(topic, parsed.position, 1)
      if (entry === undefined) {
        // The answer was given before its entry was written.
        await log.settled(topic)
        entry = (await log.read(topic, parsed.position, 1))[0]
      }
      if (entry === undefined || entry.bytes[0] !== kinds.prediction) throw unknown()
      const from = new ByteReader(entry.bytes, 1)
      const schema = await schemaAt(topic, from.float())
      if (from.word() !== parsed.salt) throw unknown()
      return { id, position: parsed.position, schema, ...decode(from, schema) }
    },
  }
}

function decode(from: ByteReader, schema: PredictionSchema): Omit<LoggedPrediction, 'id' | 'position' | 'schema'> {
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
    features: from.float(),
    assembly: from.float(),
    inference: from.float(),
    post: from.float(),
    total: from.float(),
  }
  return { at, version, keys, request, groups, outputs, degraded, milliseconds }
}
