/**
 * Versions of batches in the online store: each answer under its key, and beside them a mark that says the version is there as a whole. All
 * keys of a version begin alike and are its own, so that filling one never touches what is live.
 */
import type { Batch } from '../../definition/batch.ts'
import type { Value } from '../../expression/node.ts'
import type { KeyEncoder } from '../../features/index.ts'
import { keyEncoder, prefixOf, space } from '../../features/index.ts'
import type { BatchFiles, BatchRowsStore } from '../../ports/batch-rows.ts'
import type { BatchRun } from '../../ports/batch-store.ts'
import type { OnlineStore } from '../../ports/online-store.ts'
import { cellOf } from '../score/cells.ts'
import type { Priors } from './priors.ts'

/** What answers of one key, in the order of the outputs; and the decision, where the batch has one. */
export interface Cached {
  readonly outputs: readonly Value[]
  readonly decision: string | null
}
export interface Mark {
  readonly rows: number
  readonly priors: Priors
}

const owner = ({ environment, batch, id }: Pick<BatchRun, 'environment' | 'batch' | 'id'>): string =>
  `${environment} ${batch} ${id}`
export const markKey = (run: BatchRun): Uint8Array => prefixOf(space.batches, `${owner(run)} mark`)
export const keysOfVersion = (batch: Batch, run: BatchRun): KeyEncoder =>
  keyEncoder(prefixOf(space.batches, owner(run)), batch.key)

export const columnsOf = ({ model, decision }: Batch): readonly string[] => [
  ...Object.keys(model.output),
  ...(decision === null ? [] : ['_sx_decision']),
]

const encode = (values: readonly Value[]): Uint8Array => Buffer.from(JSON.stringify(values))
/** Of a row of `columnsOf`. */
export function decode({ model, decision }: Batch, bytes: Uint8Array): Cached {
  return cachedFrom(model, decision !== null, JSON.parse(Buffer.from(bytes).toString('utf8')) as readonly Value[])
}
export function cachedFrom({ output }: Batch['model'], decides: boolean, row: readonly Value[]): Cached {
  const count = Object.keys(output).length
  return { outputs: row.slice(0, count), decision: decides ? ((row[count] as string | null) ?? null) : null }
}

/** Keys of one update. */
const keysAtOnce = 2_000

export async function fill(
  batch: Batch,
  run: BatchRun,
  files: BatchFiles,
  mark: Mark,
  { online, rows }: { readonly online: OnlineStore; readonly rows: BatchRowsStore },
  progress: (done: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const parts = Object.keys(batch.key)
  const order = parts.toSorted().map((part) => parts.indexOf(part))
  const encoder = keysOfVersion(batch, run)
  const names = columnsOf(batch)
  let [keys, values]: [Uint8Array[], Uint8Array[]] = [[], []]
  let done = 0
  const flush = async (): Promise<void> => {
    if (keys.length === 0) return
    const [these, written] = [keys, values]
    keys = []
    values = []
    await online.update(these, () => written)
    done += these.length
    progress(done / Math.max(1, mark.rows))
  }
  for await (const { rows: count, columns } of rows.read(files, [...parts, ...names])) {
    signal.throwIfAborted()
    for (let row = 0; row < count; row++) {
      const key = order.map((at) => cellOf(columns[at]!, row))
      const outputs = names.map((name, i) => outputOf(batch, name, cellOf(columns[parts.length + i]!, row)))
      keys.push(encoder(key))
      values.push(encode(outputs))
      if (keys.length >= keysAtOnce) await flush()
    }
  }
  await flush()
  await online.update([markKey(run)], () => [Buffer.from(JSON.stringify(mark))])
}

/** Lists come from the archive as JSON. */
export function outputOf({ model }: Batch, name: string, value: Value): Value {
  const kind = model.output[name]
  return typeof kind === 'object' && 'vector' in kind && typeof value === 'string'
    ? (JSON.parse(value) as Value)
    : value
}

/** The mark goes first: from then on nobody takes what is left for the whole. */
export async function drop(_: Batch, run: BatchRun, online: OnlineStore): Promise<void> {
  await online.update([markKey(run)], () => [null])
  await online.clear(prefixOf(space.batches, owner(run)))
}
