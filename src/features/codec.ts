/**
 * How events lie in the log. Those that came through a push: JSON with the fields' names and the rows' values, 64-bit integers beyond
 * 2^53 as text. Those of a topic that others write: each message a JSON object, which has not come through the door yet.
 */
import { shapesOf } from '../definition/field.ts'
import type { Source } from '../definition/source.ts'
import type { Value } from '../expression/node.ts'
import type { Clock } from '../kernel/clock.ts'
import { isSixfoldError } from '../kernel/errors.ts'
import type { Entry } from '../ports/event-log.ts'
import type { Codec } from './lane.ts'
import { rowsReader } from './rows.ts'

export const toBytes = (value: unknown): Uint8Array =>
  Buffer.from(JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member)))

const decoder = new TextDecoder('utf-8', { fatal: true })

interface Pushed {
  readonly at: number
  readonly fields: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
}

/** Rows are given in the order of the fields as they are defined now, which may not be that of when they were pushed. */
export function pushedCodec(source: Source): Codec {
  const names = Object.keys(source.fields)
  const shapes = shapesOf(source.fields)
  return {
    encode: ({ at, rows }) => toBytes({ at, fields: names, rows } satisfies Pushed),
    decode: ({ bytes }) => {
      const { at, fields, rows } = JSON.parse(decoder.decode(bytes)) as Pushed
      const places = shapes.map(({ name }) => fields.indexOf(name))
      return { at, rows: rows.map((row) => shapes.map(({ type }, i) => fromJson(row[places[i]!], type))) }
    },
  }
}

const fromJson = (value: unknown, type: string): Value =>
  type === 'int64' && typeof value === 'string' ? BigInt(value) : ((value ?? null) as Value)

/** A message that is no event, with the reason. */
export interface RefusedMessage {
  readonly reason: string
  readonly message: string
  readonly position: number
}

/** `whyNot` says why a row is no event, or null. A message that is none is told of, and passed over: others wait behind it. */
export function messageCodec(
  source: Source,
  clock: Clock,
  whyNot: (row: readonly Value[], at: number) => string | null,
  refused: (message: RefusedMessage) => void,
): Codec {
  const read = rowsReader(source)
  const row = ({ bytes }: Entry, at: number): readonly Value[] | string => {
    try {
      const [values] = read([JSON.parse(decoder.decode(bytes))]).rows
      return whyNot(values!, at) ?? values!
    } catch (error) {
      return isSixfoldError(error) ? error.message : 'is no JSON'
    }
  }
  return {
    encode: () => {
      throw new TypeError('Others write this topic.')
    },
    decode: (entry) => {
      // A producer's clock may be ahead; nothing was pushed after now.
      const at = Math.min(entry.at ?? clock.now(), clock.now())
      const values = row(entry, at)
      if (typeof values !== 'string') return { at, rows: [values] }
      const message = Buffer.from(entry.bytes.subarray(0, shownBytes)).toString()
      refused({ reason: values, message, position: entry.position })
      return { at, rows: [] }
    },
  }
}

/** Of a message that was refused: enough to find out who sends such. */
const shownBytes = 8_192
