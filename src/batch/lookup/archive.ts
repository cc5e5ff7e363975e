/**
 * What the archive says of keys while the cache does not: one query at a time for all that ask meanwhile, so that a cache that was lost costs
 * readers some milliseconds and not the machine.
 */
import type { Batch } from '../../definition/batch.ts'
import type { Value } from '../../expression/node.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { BatchRowsStore } from '../../ports/batch-rows.ts'
import { columnsOf, outputOf } from './cache.ts'

export interface Archive {
  /** Values in the order of `columnsOf`, for each key; null where the version does not have it. Throws SX_OVERLOADED. */
  find(keys: readonly (readonly Value[])[]): Promise<readonly (readonly Value[] | null)[]>
}

/** Keys of one query, and keys that may wait for theirs. */
const [together, waitingMost] = [10_000, 50_000]

interface Waiting {
  readonly keys: readonly (readonly Value[])[]
  resolve(found: readonly (readonly Value[] | null)[]): void
  reject(error: unknown): void
}

/** `files` are had when they are first wanted. Parts of keys come in the order of their names. */
export function archive(
  batch: Batch,
  rows: Pick<BatchRowsStore, 'find'>,
  files: () => Promise<readonly string[]>,
): Archive {
  const parts = Object.keys(batch.key).toSorted()
  const columns = columnsOf(batch)
  let waiting: Waiting[] = []
  let asking = false

  const query = async (some: readonly Waiting[]): Promise<void> => {
    const keys = some.flatMap((one) =>
      one.keys.map((key) => Object.fromEntries(parts.map((part, i) => [part, key[i] as string | number | boolean]))),
    )
    const found = await rows.find({ paths: await files() }, keys, columns)
    const values = found.map((row) =>
      row === null ? null : columns.map((name) => outputOf(batch, name, row[name] as Value)),
    )
    let from = 0
    for (const one of some) {
      one.resolve(values.slice(from, from + one.keys.length))
      from += one.keys.length
    }
  }
  const ask = async (): Promise<void> => {
    if (asking) return
    asking = true
    while (waiting.length > 0) {
      let [count, many] = [0, 0]
      while (many < waiting.length && (many === 0 || count + waiting[many]!.keys.length <= together))
        count += waiting[many++]!.keys.length
      const some = waiting.slice(0, many)
      waiting = waiting.slice(many)
      await query(some).catch((error: unknown) => {
        for (const one of some) one.reject(error)
      })
    }
    asking = false
  }
  return {
    find: (keys) =>
      new Promise((resolve, reject) => {
        if (waiting.reduce((sum, one) => sum + one.keys.length, keys.length) > waitingMost)
          return reject(
            new SixfoldError(
              'SX_OVERLOADED',
              `Too many look-ups of '${batch.name}' wait while its cache is filled again.`,
            ),
          )
        waiting.push({ keys, resolve, reject })
        void ask()
      }),
  }
}
