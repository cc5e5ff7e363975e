/** DuckDB's chunks as typed arrays, without an object for a value. */
import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Scalar } from '../../../expression/node.ts'
import { SixfoldError } from '../../../kernel/errors.ts'
import type { Column } from '../../../ports/batch-rows.ts'

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

/** Several chunks of a stream become one of at most so many rows: a call for 2048 rows costs as much as one for more. */
export class Gathered {
  readonly #selected: readonly Selected[]
  readonly #capacity: number
  #rows = 0
  #columns: { values: Column['values']; valid: Uint8Array | null }[]

  constructor(selected: readonly Selected[], capacity: number) {
    this.#selected = selected
    this.#capacity = capacity
    this.#columns = this.#fresh()
  }

  #fresh() {
    return this.#selected.map(({ type, single }) => ({
      values: emptyOf(type, single, this.#capacity),
      valid: null as Uint8Array | null,
    }))
  }

  get rows(): number {
    return this.#rows
  }
  fits(more: number): boolean {
    return this.#rows + more <= this.#capacity
  }

  add(chunk: DuckDBDataChunk): void {
    const rows = chunk.rowCount
    for (const [i, column] of this.#columns.entries()) {
      const vector = chunk.getColumnVector(i) as unknown as Vector
      copy(vector, rows, column.values, this.#rows, this.#selected[i]!)
      if (vector.validity.data === null) continue
      column.valid ??= new Uint8Array(this.#capacity).fill(1)
      for (let row = 0; row < rows; row++) if (!vector.validity.itemValid(row)) column.valid[this.#rows + row] = 0
    }
    this.#rows += rows
  }

  take(): { readonly rows: number; readonly columns: readonly Column[] } {
    const rows = this.#rows
    const columns = this.#columns.map(
      ({ values, valid }, i): Column => ({
        name: this.#selected[i]!.name,
        type: this.#selected[i]!.type,
        values: Array.isArray(values) ? values.slice(0, rows) : (values as Float64Array).subarray(0, rows),
        valid: valid === null ? null : valid.subarray(0, rows),
      }),
    )
    this.#columns = this.#fresh()
    this.#rows = 0
    return { rows, columns }
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
