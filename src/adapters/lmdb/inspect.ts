/** What LMDB and its folder say of themselves. */
import { createRequire } from 'node:module'
import type { StoreReport } from '../../ports/inspection.ts'
import type { OnlineStore } from '../../ports/online-store.ts'
import { inspectFolder, megabytes } from '../files/inspect.ts'

const questions = 5

export async function inspectLmdb(folder: string, store: Pick<OnlineStore, 'read' | 'size'>): Promise<StoreReport> {
  const took: number[] = []
  for (let i = 0; i < questions; i++) {
    const began = performance.now()
    await store.read([new Uint8Array(1)], () => {})
    took.push(performance.now() - began)
  }
  const { entries, bytes } = await store.size()
  const { facts, problems } = await inspectFolder(folder)
  return {
    technology: 'LMDB',
    where: folder,
    version: version(),
    roundTripMs: took.sort((a, b) => a - b)[questions >> 1]!,
    facts: [{ name: 'entries', value: String(entries) }, { name: 'size', value: megabytes(bytes) }, ...facts],
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
