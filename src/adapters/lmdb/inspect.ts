/** What LMDB and its folder say of themselves. */
import { createRequire } from 'node:module'
import { formatBytes } from '../../kernel/size.ts'
import type { StoreReport } from '../../ports/inspection.ts'
import type { OnlineStore } from '../../ports/online-store.ts'
import { inspectFolder } from '../files/inspect.ts'
import { roundTripOf } from '../report.ts'

export async function inspectLmdb(folder: string, store: Pick<OnlineStore, 'read' | 'size'>): Promise<StoreReport> {
  const roundTripMs = await roundTripOf(() => store.read([new Uint8Array(1)], () => {}))
  const { entries, bytes } = await store.size()
  const { facts, problems } = await inspectFolder(folder)
  return {
    technology: 'LMDB',
    where: folder,
    version: version(),
    roundTripMs,
    facts: [{ name: 'entries', value: String(entries) }, { name: 'size', value: formatBytes(bytes) }, ...facts],
    problems,
  }
}

/** Of the driver, which has LMDB within it. */
function version(): string | null {
  const { resolve } = createRequire(import.meta.url)
  const path = resolve('lmdb')
  const found = createRequire(path)(`${path.slice(0, path.lastIndexOf('/lmdb/') + 6)}package.json`) as {
    version?: string
  }
  return found.version ?? null
}
