/** What a caller asks: keys and request fields, through the door, as values in a fixed order. */
import type { KeyFields } from '../definition/entity.ts'
import type { FieldShape, Fields } from '../definition/field.ts'
import { shapesOf } from '../definition/field.ts'
import type { Value } from '../expression/node.ts'
import type { Reader } from '../features/index.ts'
import { Refusal, readerOf } from '../features/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import { suggestion } from '../kernel/suggest.ts'

export interface FieldsReader {
  readonly names: readonly string[]
  readonly shapes: readonly FieldShape[]
  /** Writes the values to `into` from position `at`. Throws SX_REQUEST_INVALID. */
  read(input: unknown, into: Value[], at: number): void
}

/** `what` is the part of the request, 'keys' or 'request'; `of` the model or view asked. */
export function fieldsReader(fields: Fields | KeyFields, what: 'keys' | 'request', of: string): FieldsReader {
  const shapes = shapesOf(fields)
  const names = shapes.map(({ name }) => name)
  const readers: readonly Reader[] = shapes.map((shape) => readerOf(shape, null))
  const known = new Set(names)
  const refuse = (problem: string, fix: string, field: string | null): never => {
    throw new SixfoldError('SX_REQUEST_INVALID', `${of}: ${problem}.`, { fix, details: { part: what, field } })
  }
  return {
    names,
    shapes,
    read: (input, into, at) => {
      if (input === undefined && names.length === 0) return
      if (typeof input !== 'object' || input === null || Array.isArray(input))
        refuse(
          `'${what}' ${input === undefined ? 'is missing' : 'is no object'}`,
          `Send "${what}": { ${names.map((name) => `"${name}": …`).join(', ')} }.`,
          null,
        )
      const record = input as Record<string, unknown>
      let given = 0
      for (let i = 0; i < readers.length; i++) {
        const name = names[i]!
        const raw = record[name]
        if (raw !== undefined) given++
        // A key may be null, which names no entity: its features are those of an empty history.
        if (raw === null && what === 'keys') {
          into[at + i] = null
          continue
        }
        const value = readers[i]!(raw)
        if (value instanceof Refusal)
          refuse(`${what}.${name} ${value.why}`, `Send '${name}' as a value of type ${shapes[i]!.type}.`, name)
        into[at + i] = value as Value
      }
      // Counting first: the names are looked at only when there is one too many.
      let total = 0
      for (const _ in record) total++
      if (total > given)
        for (const unknown of Object.keys(record))
          if (!known.has(unknown)) {
            const name = shorten(unknown)
            refuse(
              `${what} has no field '${name}'. ${suggestion(name, names)}`,
              `Leave '${name}' out, or correct its name.`,
              name,
            )
          }
    },
  }
}
