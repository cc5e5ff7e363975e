/**
 * The bytes of a record. Numbers first, as little-endian float64 in the order in which state holds them, so that a reader uses
 * them where they lie; then the rich values, each with a tag. The layout follows from the plan alone, so a record is found
 * under its plan's hash and never read with another.
 */
import type { Value } from '../expression/node.ts'
import { readValue, writeValue } from '../expression/value-bytes.ts'
import type { ByteReader, ByteWriter } from '../kernel/bytes.ts'
import { corrupt } from '../kernel/bytes.ts'
import type { Rich } from './accumulator.ts'
import { RowBytes } from './order.ts'

const tags = { none: 0, text: 1, bytes: 2, numbers: 3, counts: 4 } as const

export function writeRich(to: ByteWriter, value: Rich): void {
  if (value === null) to.byte(tags.none)
  else if (typeof value === 'string') {
    to.byte(tags.text)
    to.text(value)
  } else if (value instanceof RowBytes) {
    to.byte(tags.bytes)
    to.bytes(value.bytes)
  } else if (value instanceof Map) {
    to.byte(tags.counts)
    to.word(value.size)
    for (const [member, times] of value as ReadonlyMap<Value, number>) {
      writeValue(to, member)
      to.float(times)
    }
  } else {
    const numbers = value as readonly number[]
    to.byte(tags.numbers)
    to.word(numbers.length)
    for (const number of numbers) to.float(number)
  }
}

export function readRich(from: ByteReader): Rich {
  const tag = from.byte()
  switch (tag) {
    case tags.none:
      return null
    case tags.text:
      return from.text()
    case tags.bytes:
      return RowBytes.from(from.bytes())
    case tags.numbers:
      return Array.from({ length: from.word() }, () => from.float())
    case tags.counts:
      return new Map(Array.from({ length: from.word() }, () => [readValue(from), from.float()] as const))
    default:
      throw corrupt(`it has an unknown tag ${tag}`)
  }
}
