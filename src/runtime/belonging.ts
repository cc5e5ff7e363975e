/**
 * Online state keeps positions in a log, and means nothing without it. So the store says whose log it belongs to, and in which form
 * its records are; a server with another log, or an older Sixfold, is refused before it reads a record.
 */
import { prefixOf, space } from '../features/index.ts'
import { SixfoldError } from '../kernel/errors.ts'
import type { OnlineStore } from '../ports/online-store.ts'

/** Of records, positions and indexes in the online store. Grows when an older Sixfold could not read them. */
const form = 2

interface Belonging {
  readonly log: string
  readonly form: number
}

/** Throws SX_STORE_FOREIGN or SX_STORE_NEWER, and has then changed nothing. */
export async function checkBelonging(store: OnlineStore, log: string): Promise<void> {
  const key = prefixOf(space.belonging, 'log')
  let held: Belonging | null = null
  await store.update([key], ([bytes]) => {
    held = bytes == null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as Belonging)
    return [held === null ? Buffer.from(JSON.stringify({ log, form } satisfies Belonging)) : undefined]
  })
  const found = held as Belonging | null
  if (found === null) return
  if (found.form > form)
    throw new SixfoldError(
      'SX_STORE_NEWER',
      `The online state has form ${found.form}; this version of Sixfold knows ${form}.`,
    )
  if (found.log !== log)
    throw new SixfoldError(
      'SX_STORE_FOREIGN',
      `The online state belongs to the event log '${found.log}', and '${log}' is configured.`,
    )
}
