/** Rows as PostgreSQL's binary form of COPY has them: exact, with nothing to escape. */
import type { Column, Columns } from '../../ports/batch-rows.ts'
import type { ServingColumn } from '../../ports/serving-tables.ts'

export const typesOf: { readonly [type in ServingColumn['type']]: string } = {
  string: 'text',
  int64: 'bigint',
  float64: 'double precision',
  boolean: 'boolean',
  timestamp: 'timestamptz',
  'float64[]': 'double precision[]',
}

const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const end = Buffer.from([0xff, 0xff])
const chunkBytes = 256 * 1024
/** 2000-01-01, from which PostgreSQL counts. */
const epochMs = 946_684_800_000
const float8 = 701

/** Bytes that are filled from the front, and grow for what does not fit. */
class Bytes {
  buffer = Buffer.allocUnsafe(chunkBytes + 64 * 1024)
  length = 0
  room(bytes: number): number {
    const at = this.length
    if (at + bytes > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, at + bytes))
      this.buffer.copy(larger, 0, 0, at)
      this.buffer = larger
    }
    this.length += bytes
    return at
  }
  take(): Buffer {
    const taken = Buffer.from(this.buffer.subarray(0, this.length))
    this.length = 0
    return taken
  }
}

type Write = (to: Bytes, column: Column, row: number) => void

const absent = (to: Bytes): void => {
  const at = to.room(4)
  to.buffer.writeInt32BE(-1, at)
}
const sized = (to: Bytes, bytes: number): number => {
  const at = to.room(4 + bytes)
  to.buffer.writeInt32BE(bytes, at)
  return at + 4
}

const writers: { readonly [type in ServingColumn['type']]: Write } = {
  string: (to, { values }, row) => {
    const text = values[row] as string
    const bytes = Buffer.byteLength(text)
    const at = sized(to, bytes)
    to.buffer.write(text, at, bytes, 'utf8')
  },
  int64: (to, { values }, row) => {
    const at = sized(to, 8)
    to.buffer.writeBigInt64BE(BigInt(values[row] as bigint | number), at)
  },
  float64: (to, { values }, row) => {
    const value = Number(values[row])
    // As in a look-up: what is no number is missing.
    if (Number.isNaN(value)) return absent(to)
    const at = sized(to, 8)
    to.buffer.writeDoubleBE(value, at)
  },
  boolean: (to, { values }, row) => {
    const value = values[row]
    const at = sized(to, 1)
    to.buffer[at] = value === 1 || value === 'true' ? 1 : 0
  },
  timestamp: (to, { values }, row) => {
    const at = sized(to, 8)
    to.buffer.writeBigInt64BE((BigInt(values[row] as bigint | number) - BigInt(epochMs)) * 1000n, at)
  },
  'float64[]': (to, { values }, row) => {
    const items = JSON.parse(values[row] as string) as readonly (number | null)[]
    const missing = items.some((item) => item === null)
    const dimensions = items.length === 0 ? 0 : 1
    const numbers = items.reduce<number>((sum, item) => sum + (item === null ? 4 : 12), 0)
    let at = sized(to, 12 + dimensions * 8 + numbers)
    const { buffer } = to
    const word = (value: number): void => {
      at = buffer.writeInt32BE(value, at)
    }
    word(dimensions)
    word(missing ? 1 : 0)
    word(float8)
    if (dimensions === 1) {
      word(items.length)
      word(1)
    }
    for (const item of items) {
      word(item === null ? -1 : 8)
      if (item !== null) at = buffer.writeDoubleBE(item, at)
    }
  },
}

/** Bytes of the key before, in a buffer that is used again for each. */
class LastKey {
  #buffer = Buffer.alloc(256)
  #length = -1
  is(key: Buffer): boolean {
    if (key.length === this.#length && key.compare(this.#buffer, 0, this.#length) === 0) return true
    if (key.length > this.#buffer.length) this.#buffer = Buffer.alloc(key.length * 2)
    key.copy(this.#buffer)
    this.#length = key.length
    return false
  }
}

/**
 * Chunks of the COPY, and how many rows were read for them so far. Rows come in the order of their keys: of those whose key is that of the
 * row before, none is written.
 */
export async function* binaryRows(
  rows: AsyncIterable<Columns>,
  columns: readonly ServingColumn[],
  keys: number,
): AsyncIterable<{ readonly bytes: Buffer; readonly read: number }> {
  const write = columns.map(({ type }) => writers[type])
  const to = new Bytes()
  signature.copy(to.buffer, to.room(signature.length))
  let read = 0
  const last = new LastKey()
  for await (const some of rows) {
    const { rows: count, columns: values } = some
    for (let row = 0; row < count; row++, read++) {
      const from = to.room(2)
      to.buffer.writeInt16BE(columns.length, from)
      const put = (i: number): void => {
        const column = values[i]!
        const there = (column.valid === null || column.valid[row] === 1) && column.values[row] !== null
        if (there) write[i]!(to, column, row)
        else absent(to)
      }
      for (let i = 0; i < keys; i++) put(i)
      if (last.is(to.buffer.subarray(from, to.length))) to.length = from
      else for (let i = keys; i < columns.length; i++) put(i)
      if (to.length < chunkBytes) continue
      yield { bytes: to.take(), read: read + 1 }
    }
    some.release?.()
  }
  end.copy(to.buffer, to.room(end.length))
  yield { bytes: to.take(), read }
}
