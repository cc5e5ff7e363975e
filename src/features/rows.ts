/** Rows of a source as they come from a caller: through the door, all of a request or none. */
import { shapesOf } from '../definition/field.ts'
import type { Source } from '../definition/source.ts'
import type { Value } from '../expression/node.ts'
import { SixfoldError } from '../kernel/errors.ts'
import { offsetMinutes } from '../kernel/instant.ts'
import { Refusal, readerOf } from './door.ts'

interface Problem {
  readonly row: number
  readonly field: string | null
  readonly why: string
}

export interface ReadRows {
  /** The values of each row's fields, in the order in which they are declared. */
  readonly rows: readonly (readonly Value[])[]
  /** Fields that the source does not have, and how many rows had them. They are not taken. */
  readonly unknownFields: { readonly [field: string]: number }
}

/** Throws SX_EVENT_INVALID, naming every row and field that is wrong, as far as a message can. */
export function rowsReader(source: Source): (rows: readonly unknown[]) => ReadRows {
  const zone = source.zone === null ? null : offsetMinutes(source.zone)
  const shapes = shapesOf(source.fields)
  const readers = shapes.map((shape) => readerOf(shape, zone))
  return (rows) => {
    const problems: Problem[] = []
    // Without a prototype: a field may be called as what every object has.
    const unknownFields: { [field: string]: number } = Object.create(null)
    const read = rows.map((row, index) => {
      if (typeof row !== 'object' || row === null || Array.isArray(row)) {
        problems.push({ row: index, field: null, why: 'is no object' })
        return []
      }
      const record = row as Record<string, unknown>
      for (const name of Object.keys(record))
        if (!Object.hasOwn(source.fields, name)) unknownFields[name] = (unknownFields[name] ?? 0) + 1
      return shapes.map(({ name }, i) => {
        const value = readers[i]!(Object.hasOwn(record, name) ? record[name] : undefined)
        if (!(value instanceof Refusal)) return value
        problems.push({ row: index, field: name, why: value.why })
        return null
      })
    })
    if (problems.length > 0) throw invalid(source, problems)
    return { rows: read, unknownFields }
  }
}

function invalid(source: Source, problems: readonly Problem[]): SixfoldError {
  const told = problems
    .slice(0, 5)
    .map(({ row, field, why }) => (field === null ? `row ${row} ${why}` : `row ${row}: '${field}' ${why}`))
  const more = problems.length > told.length ? `; and ${problems.length - told.length} more` : ''
  const missing = problems.find(({ why }) => why === 'is missing')?.field
  const type = missing == null ? null : shapesOf(source.fields).find(({ name }) => name === missing)!.type
  return new SixfoldError('SX_EVENT_INVALID', `Source '${source.name}': ${told.join('; ')}${more}.`, {
    ...(type === null ? {} : { fix: `Send '${missing}', or declare it '${type}?'. Nothing was taken.` }),
    details: { source: source.name, problems: problems.slice(0, 100) },
  })
}
