/** DuckDB's chunks as typed arrays, without an object for a value. */

import { MessageChannel } from 'node:worker_threads'
import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Scalar } from '../../../expression/node.ts'
import { SixfoldError } from '../../../kernel/errors.ts'
import type { Column, Columns } from '../../../ports/batch-rows.ts'

/** How a column leaves the query. */
export interface Selected {
  readonly name: string
  readonly type: Scalar
  /** True: as FLOAT. */
  readonly single: boolean
}

/** What these vectors of DuckDB's have in common: values in a row, or one after another. */
interface Vector {
  readonly items?: Float64Array | Float32Array | BigInt64Array
  readonly itemCount: number
  readonly validity: { readonly data: BigUint64Array | null; itemValid(index: number): boolean }
  getItem(index: number): unknown
}

/**
 * What DuckDB gives is its own memory, which counts as this process's until the collector has found that nobody looks at it: so much of it goes by
 * that the collector would look every few milliseconds. Whoever has copied it lets go at once: it is sent to nobody.
 */
export function letGo(buffer: ArrayBuffer): void {
  nobody.postMessage(null, [buffer])
}
const nobody = (() => {
  const { port1, port2 } = new MessageChannel()
  port2.close()
  port1.unref()
  return port1
})()

interface Block {
  readonly values: Column['values']
  /** Made when the first value is missing. */
  mask: Uint8Array | null
  missing: boolean
}

/**
 * Several chunks of a stream become one of at most so many rows: a call for 2048 rows costs as much as one for more. The memory of those that
 * were released is filled again: fresh memory for each makes the collector look through everything, again and again.
 */
export class Gathered {
  readonly #selected: readonly Selected[]
  readonly #capacity: number
  readonly #spare: Block[][] = []
  #rows = 0
  #blocks: Block[]

  constructor(selected: readonly Selected[], capacity: number) {
    this.#selected = selected
    this.#capacity = capacity
    this.#blocks = this.#fresh()
  }

  #fresh(): Block[] {
    const spare = this.#spare.pop()
    if (spare === undefined)
      return this.#selected.map(({ type, single }) => ({
        values: emptyOf(type, single, this.#capacity),
        mask: null,
        missing: false,
      }))
    for (const block of spare) block.missing = false
    return spare
  }

  get rows(): number {
    return this.#rows
  }
  fits(more: number): boolean {
    return this.#rows + more <= this.#capacity
  }

  add(chunk: DuckDBDataChunk): void {
    const rows = chunk.rowCount
    for (const [i, block] of this.#blocks.entries()) {
      const vector = chunk.getColumnVector(i) as unknown as Vector
      copy(vector, rows, block.values, this.#rows, this.#selected[i]!)
      if (vector.validity.data !== null) {
        if (!block.missing) {
          block.mask = (block.mask ?? new Uint8Array(this.#capacity)).fill(1)
          block.missing = true
        }
        for (let row = 0; row < rows; row++) if (!vector.validity.itemValid(row)) block.mask![this.#rows + row] = 0
      }
      if (vector.items !== undefined) letGo(vector.items.buffer as ArrayBuffer)
    }
    this.#rows += rows
  }

  take(): Columns {
    const [rows, blocks] = [this.#rows, this.#blocks]
    const columns = blocks.map(
      ({ values, mask, missing }, i): Column => ({
        name: this.#selected[i]!.name,
        type: this.#selected[i]!.type,
        values: Array.isArray(values) ? values.slice(0, rows) : (values as Float64Array).subarray(0, rows),
        valid: missing ? mask!.subarray(0, rows) : null,
      }),
    )
    this.#blocks = this.#fresh()
    this.#rows = 0
    let released = false
    const release = (): void => {
      if (!released) this.#spare.push(blocks)
      released = true
    }
    return { rows, columns, release }
  }
}

function emptyOf(type: Scalar, single: boolean, capacity: number): Column['values'] {
  if (type === 'string') return new Array<string | null>(capacity).fill(null)
  if (type === 'boolean') return new Uint8Array(capacity)
  if (type === 'int64' && !single) return new BigInt64Array(capacity)
  return single ? new Float32Array(capacity) : new Float64Array(capacity)
}

function copy(
  vector: Vector,
  rows: number,
  into: Column['values'],
  at: number,
  { name, type, single }: Selected,
): void {
  const { items } = vector
  if (items !== undefined) {
    const source = items.length > rows ? items.subarray(0, rows) : items
    if (type === 'int64' && !single) (into as BigInt64Array).set(source as BigInt64Array, at)
    else if (source instanceof BigInt64Array)
      for (let i = 0; i < rows; i++) (into as Float64Array)[at + i] = Number(source[i])
    else (into as Float64Array).set(source as Float64Array, at)
    return
  }
  if (type === 'string')
    for (let i = 0; i < rows; i++) (into as (string | null)[])[at + i] = vector.getItem(i) as string | null
  else if (type === 'boolean')
    for (let i = 0; i < rows; i++) (into as Uint8Array)[at + i] = vector.getItem(i) === true ? 1 : 0
  else throw new SixfoldError('SX_INTERNAL', `The column '${name}' does not come as ${type}.`)
}
