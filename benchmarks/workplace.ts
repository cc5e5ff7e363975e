/** A folder of a benchmark's own, the project opened in it, and a DuckDB to make data and to run what others would write. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Opened, Session, StoreChoices } from './sixfold.ts'
import { loadProject, manualClock, open, openDuckDB } from './sixfold.ts'

export const project = join(import.meta.dirname, 'project')

export interface Workplace {
  readonly folder: string
  readonly db: Session
  path(file: string): string
  /** What a program of the project needs to be told. */
  readonly environment: { readonly SIXFOLD_DATA: string; readonly [name: string]: string }
  /** The platform in this process, its clock standing still; with state of its own, if that is named, and shared stores. */
  opened<R>(now: number, work: (opened: Opened) => Promise<R>, state?: string, stores?: StoreChoices): Promise<R>
}

export async function inWorkplace<T>(name: string, work: (place: Workplace) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), `sixfold-bench-${name}-`))
  const duckdb = await openDuckDB({ temporaryFolder: join(folder, 'tmp') })
  const db = await duckdb.session()
  const data = join(folder, 'state')
  try {
    return await work({
      folder,
      db,
      path: (file) => join(folder, file),
      environment: { SIXFOLD_DATA: data },
      opened: async (now, work, state, stores = {}) => {
        const { platform } = await loadProject(project)
        const one = await open(platform, {
          // Where the histories lie.
          project: folder,
          data: state === undefined ? data : join(folder, state),
          stores,
          clock: manualClock(now),
        })
        try {
          return await work(one)
        } finally {
          await one.close()
        }
      },
    })
  } finally {
    duckdb.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
