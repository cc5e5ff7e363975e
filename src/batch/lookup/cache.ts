/**
 * Versions of batches in the online store: each answer under its key, and beside them a mark, written last, that says the version is there as
 * a whole. All keys of a version begin alike and are its own, so that filling one never touches what is live; filled again, it is the same.
 */
import type { Batch } from '../../definition/batch.ts'
import type { Value } from '../../expression/node.ts'
import type { KeyEncoder } from '../../features/index.ts'
import { keyEncoder, prefixOf, space } from '../../features/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import type { BatchFiles, BatchRowsStore } from '../../ports/batch-rows.ts'
import type { BatchRun } from '../../ports/batch-store.ts'
import type { OnlineStore } from '../../ports/online-store.ts'
import { cellOf } from '../score/cells.ts'
import type { Priors } from './priors.ts'
import { encodeValues } from './values.ts'

/** Read with every look-up. Values lie in the order of these columns, whatever the definition says by now. */
export interface Mark {
  readonly rows: number
  readonly columns: readonly string[]
}

type Of = Pick<BatchRun, 'environment' | 'batch' | 'id'>
const owner = ({ environment, batch, id }: Of): string => `${environment} ${batch} ${id}`
export const markKey = (run: Of): Uint8Array => prefixOf(space.batches, `${owner(run)} mark`)
export const priorsKey = (run: Of): Uint8Array => prefixOf(space.batches, `${owner(run)} priors`)
export const keysOfVersion = (batch: Batch, run: Of): KeyEncoder =>
  keyEncoder(prefixOf(space.batches, owner(run)), batch.key)

export const decisionColumn = '_sx_decision'
export const columnsOf = ({ model, decision }: Batch): readonly string[] => [
  ...Object.keys(model.output),
  ...(decision === null ? [] : [decisionColumn]),
]

/** Of one update: others write between them, and a shared store does nothing else meanwhile. */
const keysAtOnce = 4_096

export async function fill(
  batch: Batch,
  run: BatchRun,
  files: BatchFiles,
  { rows: expected, priors }: { readonly rows: number; readonly priors: Priors },
  { online, rows }: { readonly online: OnlineStore; readonly rows: Pick<BatchRowsStore, 'read'> },
  progress: (done: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const parts = Object.keys(batch.key).toSorted()
  const encoder = keysOfVersion(batch, run)
  const columns = columnsOf(batch)
  let [keys, values]: [Uint8Array[], Uint8Array[]] = [[], []]
  let done = 0
  const flush = async (): Promise<void> => {
    const written = values
    await online.update(keys, () => written)
    done += written.length
    progress(done / Math.max(1, expected))
    keys = []
    values = []
  }
  // Keys that come in their order are written side by side: several times as fast as here and there.
  for await (const { rows: count, columns: read } of rows.read(files, [...parts, ...columns], parts)) {
    for (let row = 0; row < count; row++) {
      keys.push(encoder(parts.map((_, i) => cellOf(read[i]!, row))))
      values.push(encodeValues(columns.map((name, i) => outputOf(batch, name, cellOf(read[parts.length + i]!, row)))))
      if (keys.length < keysAtOnce) continue
      signal.throwIfAborted()
      await flush()
    }
  }
  if (keys.length > 0) await flush()
  if (done !== expected)
    throw new SixfoldError(
      'SX_STORE_CORRUPT',
      `The files of version ${run.version} of '${run.batch}' have ${done} rows, not ${expected}.`,
      { fix: 'Run the batch again.' },
    )
  signal.throwIfAborted()
  const mark: Mark = { rows: done, columns }
  await online.update([priorsKey(run), markKey(run)], () => [json(priors), json(mark)])
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
export const fromJson = <T>(bytes: Uint8Array): T => JSON.parse(Buffer.from(bytes).toString('utf8')) as T

/** Lists come from the archive as JSON. */
export function outputOf({ model }: Batch, name: string, value: Value): Value {
  const kind = model.output[name]
  return typeof kind === 'object' && 'vector' in kind && typeof value === 'string'
    ? (JSON.parse(value) as Value)
    : value
}

export async function isFilled(run: Of, online: OnlineStore): Promise<boolean> {
  let there = false
  await online.read([markKey(run)], (_, value) => {
    there = value !== null
  })
  return there
}

/** The mark goes first: from then on nobody takes what is left for the whole. */
export async function drop(run: Of, online: OnlineStore): Promise<void> {
  await online.update([markKey(run), priorsKey(run)], () => [null, null])
  await online.clear(prefixOf(space.batches, owner(run)))
}
