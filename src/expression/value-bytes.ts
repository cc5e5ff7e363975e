/** A value of any type as bytes: a kind, and what the kind needs. */
import type { ByteReader, ByteWriter } from '../kernel/bytes.ts'
import { corrupt } from '../kernel/bytes.ts'
import type { Value } from './node.ts'

const kinds = { false: 0, true: 1, number: 2, bigint: 3, text: 4, none: 5, list: 6 } as const

export function writeValue(to: ByteWriter, value: Value): void {
  if (value === null) to.byte(kinds.none)
  else if (typeof value === 'boolean') to.byte(value ? kinds.true : kinds.false)
  else if (typeof value === 'number') {
    to.byte(kinds.number)
    to.float(value)
  } else if (typeof value === 'string' || typeof value === 'bigint') {
    to.byte(typeof value === 'bigint' ? kinds.bigint : kinds.text)
    to.text(String(value))
  } else {
    to.byte(kinds.list)
    to.word(value.length)
    for (const member of value) writeValue(to, member)
  }
}

export function readValue(from: ByteReader): Value {
  const kind = from.byte()
  switch (kind) {
    case kinds.none:
      return null
    case kinds.list:
      return Array.from({ length: from.word() }, () => readValue(from))
    case kinds.false:
    case kinds.true:
      return kind === kinds.true
    case kinds.number:
      return from.float()
    case kinds.bigint:
      return BigInt(from.text())
    case kinds.text:
      return from.text()
    default:
      throw corrupt(`it has an unknown kind ${kind}`)
  }
}
